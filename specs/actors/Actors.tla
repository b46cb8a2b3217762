---- MODULE Actors ----
(***************************************************************************)
(* Who takes part in a workspace: names, their kinds, and whether a new    *)
(* name is let in. Code: crates/core/src/actors/.                          *)
(*                                                                         *)
(* An action that registers stands for the whole command that needed it:   *)
(* whoever acts, and whoever it mentions, is registered in the same commit *)
(* and before it, or the command is refused whole.                         *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Names,      \* who tries to act, and is mentioned
    Similar     \* pairs of which one is likely a misspelling of the other: <<given, known>>

VARIABLES
    organizer,  \* whose workspace it is; "nobody" before there is one
    membership, \* open, closed
    members     \* everybody who is known, with their kind

vars == <<organizer, membership, members>>

Reserved == {"supervisor", "conductor", "all", "system"}
Kinds == {"human", "agent"}

Known == DOMAIN members
Exists == organizer # "nobody"

Init ==
    /\ organizer = "nobody"
    /\ membership = "open"
    /\ members = [a \in {} |-> "human"]

\* Somebody like one of these is known already.
Resembles(names) == \E pair \in Similar: (pair[1] \in names) /\ (pair[2] \in Known)

\* With these, each of this kind; what is known of the others stays.
With(names, kind) == [a \in Known \cup names |-> IF a \in names THEN kind ELSE members[a]]

MayAct(by) ==
    /\ Exists
    /\ by \notin Reserved
    /\ (by \in Known) \/ (membership = "open")

-----------------------------------------------------------------------------

\* The organizer is a human, and known from the first event on.
WorkspaceCreated(by, name) ==
    /\ ~Exists
    /\ by = name
    /\ name \notin Reserved
    /\ organizer' = name
    /\ members' = [a \in {name} |-> "human"]
    /\ UNCHANGED membership

(***************************************************************************)
(* The first mention of names: of whoever acts, of whom it mentions, or of *)
(* both.                                                                   *)
(*   mentions   a message's recipients or a countdown's attendees: `names` *)
(*              are those that are new, and become agents                  *)
(*   adds       one name, with its kind                                    *)
(*   changes    the kind of one that is known; only whoever acts is new    *)
(***************************************************************************)
ActorRegistered(by, how, names, kind, create) ==
    /\ MayAct(by)
    /\ names \cap Reserved = {}
    /\ UNCHANGED <<organizer, membership>>
    /\ \/ /\ how = "mentions"
          /\ kind = "agent"
          /\ membership = "open"
          /\ by \notin names
          /\ names \cap Known = {}
          /\ (by \notin Known) \/ (names # {})
          /\ create \/ ~Resembles(names)
          /\ members' = With((names \cup {by}) \ Known, "agent")
       \/ /\ how = "adds"
          /\ kind \in Kinds
          /\ Cardinality(names) = 1
          /\ names \cap Known = {}
          /\ (membership = "open") \/ (by = organizer)
          /\ create \/ (names = {by}) \/ ~Resembles(names)
          /\ members' = [a \in Known \cup names \cup {by} |->
                            IF a \in names THEN kind ELSE IF a \in Known THEN members[a] ELSE "agent"]
       \/ /\ how = "changes"
          /\ kind \in Kinds
          /\ Cardinality(names) = 1
          /\ ~create
          /\ by \notin Known
          /\ names \subseteq Known \ {organizer}
          /\ \A a \in names: members[a] # kind
          /\ members' = [a \in Known \cup {by} |->
                            IF a \in names THEN kind ELSE IF a \in Known THEN members[a] ELSE "agent"]

\* Anybody corrects a kind, also their own; while membership is closed only the organizer, who stays a human.
ActorKindChanged(by, name, kind) ==
    /\ MayAct(by)
    /\ by \in Known
    /\ name \in Known
    /\ name # organizer
    /\ kind \in Kinds
    /\ kind # members[name]
    /\ (membership = "open") \/ (by = organizer)
    /\ members' = [members EXCEPT ![name] = kind]
    /\ UNCHANGED <<organizer, membership>>

MembershipSet(by, to) ==
    /\ Exists
    /\ by = organizer
    /\ to \in {"open", "closed"}
    /\ to # membership
    /\ membership' = to
    /\ UNCHANGED <<organizer, members>>

Asked == Names \cup {"system"}

Next ==
    \/ \E by \in Asked, name \in Asked: WorkspaceCreated(by, name)
    \/ Exists /\ \E by \in Asked, names \in SUBSET Names, create \in BOOLEAN: ActorRegistered(by, "mentions", names, "agent", create)
    \/ Exists /\ \E by \in Asked, name \in Names, kind \in Kinds, create \in BOOLEAN: ActorRegistered(by, "adds", {name}, kind, create)
    \/ Exists /\ \E by \in Asked, name \in Names, kind \in Kinds: ActorRegistered(by, "changes", {name}, kind, FALSE)
    \/ \E by \in Asked, name \in Names, kind \in Kinds: ActorKindChanged(by, name, kind)
    \/ \E by \in Asked, to \in {"open", "closed"}: MembershipSet(by, to)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What holds.                                                             *)

WellFormed ==
    /\ membership \in {"open", "closed"}
    /\ \A a \in Known: members[a] \in Kinds
    /\ Exists <=> (Known # {})

\* Some decisions wait for a human: there is one.
OrganizerIsHuman == Exists => ((organizer \in Known) /\ (members[organizer] = "human"))

ReservedNamesAreNobodys == Known \cap Reserved = {}

\* Who is known stays known, and whose workspace it is stays so.
NobodyLeaves == [][Known \subseteq DOMAIN members']_vars
OrganizerStays == [][Exists => (organizer' = organizer)]_vars

\* While membership is closed, nobody comes in by being mentioned: one at a time, whom the organizer adds.
ClosedLetsInOneAtATime ==
    [][(membership = "closed") => (Cardinality(DOMAIN members' \ Known) <= 1)]_vars

\* A step that lets somebody in, or changes a kind, does not open or close membership.
MembershipIsSetByItself == [][(membership' # membership) => (members' = members)]_vars

-----------------------------------------------------------------------------
(* What can come about: each of these is violated.                         *)

NeverClosed == membership # "closed"
NeverAddedWhileClosed == ~((membership = "closed") /\ (Cardinality(Known) = Cardinality(Names)))
NeverTwins == ~(\E pair \in Similar: (pair[1] \in Known) /\ (pair[2] \in Known))
NeverSecondHuman == Cardinality({a \in Known: members[a] = "human"}) < 2
NeverEverybody == Known # Names
====
