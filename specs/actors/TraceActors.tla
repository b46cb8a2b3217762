---- MODULE TraceActors ----
(***************************************************************************)
(* Recorded runs: every line of a trace is a step of Actors, and leads to  *)
(* what was observed. Which names resemble one another is a matter of      *)
(* their letters, which a trace does not have: `create` says in it that a  *)
(* new name did.                                                           *)
(***************************************************************************)
EXTENDS Actors, TraceData, Naturals, Sequences

VARIABLES trace, line

Observed == [organizer |-> organizer, membership |-> membership, members |-> members]

TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ Init
    /\ Observed = Traces[trace][1].state

Accepts(entry) ==
    \/ /\ entry.action = "WorkspaceCreated"
       /\ WorkspaceCreated(entry.params.by, entry.params.name)
    \/ /\ entry.action = "ActorRegistered"
       /\ ActorRegistered(entry.params.by, entry.params.how, entry.params.names, entry.params.kind, entry.params.create)
    \/ /\ entry.action = "ActorKindChanged"
       /\ ActorKindChanged(entry.params.by, entry.params.name, entry.params.kind)
    \/ /\ entry.action = "MembershipSet"
       /\ MembershipSet(entry.params.by, entry.params.to)

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
====
