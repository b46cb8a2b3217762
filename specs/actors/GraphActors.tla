---- MODULE GraphActors ----
(***************************************************************************)
(* The state graph that the code's must equal: a tiny world, in which each *)
(* step is remembered with its parameters. crates/model/tests/actors.rs is *)
(* the same world.                                                         *)
(***************************************************************************)
EXTENDS Actors

VARIABLE step

GraphNames == {"olga", "alice", "alise", "bob"}
GraphSimilar == {<<"alice", "alise">>, <<"alise", "alice">>}

Took(action, params) == step' = [action |-> action, params |-> params]

Registered(by, how, names, kind, create) ==
    Took("ActorRegistered", [by |-> by, how |-> how, names |-> names, kind |-> kind, create |-> create])

GraphInit ==
    /\ Init
    /\ step = [action |-> "Init", params |-> <<>>]

GraphNext ==
    \/ \E by \in Asked, name \in {"olga", "system"}:
        /\ WorkspaceCreated(by, name)
        /\ Took("WorkspaceCreated", [by |-> by, name |-> name])
    \/ Exists /\ \E by \in Asked, names \in SUBSET Names, create \in BOOLEAN:
        /\ ActorRegistered(by, "mentions", names, "agent", create)
        /\ Registered(by, "mentions", names, "agent", create)
    \/ Exists /\ \E by \in Asked, name \in Names, kind \in Kinds, create \in BOOLEAN:
        /\ ActorRegistered(by, "adds", {name}, kind, create)
        /\ Registered(by, "adds", {name}, kind, create)
    \/ Exists /\ \E by \in Asked, name \in Names, kind \in Kinds:
        /\ ActorRegistered(by, "changes", {name}, kind, FALSE)
        /\ Registered(by, "changes", {name}, kind, FALSE)
    \/ \E by \in Asked, name \in Names, kind \in Kinds:
        /\ ActorKindChanged(by, name, kind)
        /\ Took("ActorKindChanged", [by |-> by, name |-> name, kind |-> kind])
    \/ \E by \in Asked, to \in {"open", "closed"}:
        /\ MembershipSet(by, to)
        /\ Took("MembershipSet", [by |-> by, to |-> to])
====
