------------------------------ MODULE Campaign ------------------------------
(* One campaign: a directed acyclic graph of countdowns, of which it knows only how far each got.                        *)
(*                                                                                                                      *)
(* A step is one commit with its whole cascade: an end lets go, or calls off, whatever it concerns, and that in turn what *)
(* waits for it. What a countdown does by itself (its answers, its T-0, its organizer) comes from the environment here.  *)

CONSTANTS
    Actors,     \* who gives commands
    Organizers, \* those of them who create campaigns
    Policies,   \* what a failure does: "block" or "continue"
    Fresh,      \* countdowns that can be scheduled in the campaign
    Outside,    \* countdowns that exist outside, and can join it
    Answering   \* those of them that a met quorum lets fire; the others wait for T-0

VARIABLES
    organizer, \* who may change, start and cancel it
    policy,    \* "block" or "continue"
    phase,     \* "none" before it is created, "planned", "running", then one of Over
    members,   \* countdown -> "held", "ready" (held, and its quorum is met: it fires as it is let go), "released", "well", "badly"
    links      \* the pairs <<a, b>>: b waits for a

vars == <<organizer, policy, phase, members, links>>

Over == {"completed", "failed", "cancelled"}
Waiting == {"held", "ready"}
Ended == {"well", "badly"}
None == [c \in {} |-> "held"]

Init ==
    /\ organizer = "none"
    /\ policy = "none"
    /\ phase = "none"
    /\ members = None
    /\ links = {}

-----------------------------------------------------------------------------
(* What the links say. *)

Before(c, ls) == {l[1] : l \in {k \in ls : k[2] = c}}

\* Everything that can be reached from these along the links, they included.
RECURSIVE Reached(_, _)
Reached(from, ls) ==
    LET more == from \cup {l[2] : l \in {k \in ls : k[1] \in from}}
    IN IF more = from THEN from ELSE Reached(more, ls)

\* Whether a predecessor that is there lets go what waits for it.
LetsGo(progress) == IF policy = "block" THEN progress = "well" ELSE progress \in Ended

-----------------------------------------------------------------------------
(* The cascade: from these members on, until nothing follows any more. *)

Moved(c, m, ls, ph) ==
    IF m[c] \notin Waiting THEN m[c]
    ELSE IF policy = "block" /\ (\E b \in Before(c, ls) : m[b] = "badly") THEN "badly"
    ELSE IF ph = "running" /\ (\A b \in Before(c, ls) : LetsGo(m[b]))
         THEN (IF m[c] = "ready" THEN "well" ELSE "released")
    ELSE m[c]

RECURSIVE Settled(_, _, _)
Settled(m, ls, ph) ==
    LET next == [c \in DOMAIN m |-> Moved(c, m, ls, ph)]
    IN IF next = m THEN m ELSE Settled(next, ls, ph)

\* A running campaign is over with its last countdown.
Concluded(m, ph) ==
    IF ph # "running" \/ (\E c \in DOMAIN m : m[c] \notin Ended) THEN ph
    ELSE IF \A c \in DOMAIN m : m[c] = "well" THEN "completed"
    ELSE "failed"

Commit(m, ls, ph) ==
    /\ members' = m
    /\ links' = ls
    /\ phase' = Concluded(members', ph)
    /\ UNCHANGED <<organizer, policy>>

\* The step leads to these members, these links, this phase, and to all that follows from them.
Settle(m, ls, ph) == Commit(Settled(m, ls, ph), ls, ph)

With(c, progress) == [d \in DOMAIN members \cup {c} |-> IF d = c THEN progress ELSE members[d]]

\* Which countdowns a step lets go.
Released ==
    {c \in DOMAIN members' : /\ members'[c] \in {"released", "well"}
                             /\ IF c \in DOMAIN members THEN members[c] \in Waiting ELSE TRUE}

-----------------------------------------------------------------------------
(* What its organizer does. *)

MayChange(by) ==
    /\ phase \in {"planned", "running"}
    /\ by = organizer

CampaignCreated(by, how) ==
    /\ phase = "none"
    /\ organizer' = by
    /\ policy' = how
    /\ phase' = "planned"
    /\ UNCHANGED <<members, links>>

CountdownScheduled(by, c, after) ==
    /\ MayChange(by)
    /\ c \notin DOMAIN members
    /\ after \subseteq DOMAIN members
    /\ Settle(With(c, "held"), links \cup {<<b, c>> : b \in after}, phase)

CountdownJoined(by, c) ==
    /\ MayChange(by)
    /\ phase = "planned"
    /\ c \notin DOMAIN members
    /\ Settle(With(c, "held"), links, phase)

CampaignLinked(by, a, b) ==
    /\ MayChange(by)
    /\ a \in DOMAIN members
    /\ b \in DOMAIN members
    /\ <<a, b>> \notin links
    /\ (phase # "planned") => (members[b] \in Waiting)
    /\ a \notin Reached({b}, links)
    /\ Settle(members, links \cup {<<a, b>>}, phase)

CampaignUnlinked(by, a, b) ==
    /\ MayChange(by)
    /\ <<a, b>> \in links
    /\ Settle(members, links \ {<<a, b>>}, phase)

CampaignStarted(by) ==
    /\ MayChange(by)
    /\ phase = "planned"
    /\ DOMAIN members # {}
    /\ Settle(members, links, "running")

CampaignCancelled(by) ==
    /\ MayChange(by)
    /\ Settle([c \in DOMAIN members |-> IF members[c] \in Ended THEN members[c] ELSE "badly"], links, "cancelled")

-----------------------------------------------------------------------------
(* What its countdowns do by themselves: the environment. *)

\* The answers of a held countdown meet its quorum now, or do so no longer.
MemberAnswered(c, ready) ==
    /\ c \in DOMAIN members
    /\ members[c] = (IF ready THEN "held" ELSE "ready")
    /\ Settle(With(c, IF ready THEN "ready" ELSE "held"), links, phase)

CountdownFired(c) ==
    /\ c \in DOMAIN members
    /\ members[c] = "released"
    /\ Settle(With(c, "well"), links, phase)

CountdownMissed(c) ==
    /\ c \in DOMAIN members
    /\ members[c] = "released"
    /\ Settle(With(c, "badly"), links, phase)

CountdownScrubbed(c) ==
    /\ c \in DOMAIN members
    /\ members[c] \notin Ended
    /\ Settle(With(c, "badly"), links, phase)

-----------------------------------------------------------------------------

Next ==
    \/ \E by \in Organizers, how \in Policies : CampaignCreated(by, how)
    \/ \E by \in Actors, c \in Fresh, after \in SUBSET DOMAIN members : CountdownScheduled(by, c, after)
    \/ \E by \in Actors, c \in Outside : CountdownJoined(by, c)
    \/ \E by \in Actors, a \in DOMAIN members, b \in DOMAIN members : CampaignLinked(by, a, b)
    \/ \E by \in Actors, a \in DOMAIN members, b \in DOMAIN members : CampaignUnlinked(by, a, b)
    \/ \E by \in Actors : CampaignStarted(by)
    \/ \E by \in Actors : CampaignCancelled(by)
    \/ \E c \in Answering \cap DOMAIN members, ready \in BOOLEAN : MemberAnswered(c, ready)
    \/ \E c \in DOMAIN members : CountdownFired(c)
    \/ \E c \in DOMAIN members : CountdownMissed(c)
    \/ \E c \in DOMAIN members : CountdownScrubbed(c)

Spec == Init /\ [][Next]_vars

\* Countdowns end, as Countdown.tla says of those that count.
SomeCountdownEnds == \E c \in DOMAIN members : members[c] = "released" /\ (CountdownFired(c) \/ CountdownMissed(c))

FairSpec == Spec /\ WF_vars(SomeCountdownEnds)

-----------------------------------------------------------------------------
(* Invariants. *)

TypeOK ==
    /\ phase \in {"none", "planned", "running"} \cup Over
    /\ policy \in {"none"} \cup Policies
    /\ organizer \in {"none"} \cup Organizers
    /\ \A c \in DOMAIN members : members[c] \in {"released"} \cup Waiting \cup Ended
    /\ \A l \in links : l[1] \in DOMAIN members /\ l[2] \in DOMAIN members

Acyclic == \A l \in links : l[1] \notin Reached({l[2]}, links)

NothingFiresBeforeItsPredecessors ==
    \A l \in links : members[l[2]] \in {"released", "well"} => LetsGo(members[l[1]])

FailureBlocksWhatDependsOnIt ==
    policy = "block" => \A l \in links : members[l[1]] = "badly" => members[l[2]] = "badly"

\* With the policy "continue", or without a failure, nothing waits once what it waited for is over.
NobodyWaitsForNothing ==
    phase = "running" => \A c \in DOMAIN members :
        members[c] \in Waiting => \E b \in Before(c, links) : members[b] \notin Ended

NothingRunsBeforeTheStart ==
    phase \in {"none", "planned"} => \A c \in DOMAIN members : members[c] \in {"held", "ready", "badly"}

EndsWithItsLastCountdown ==
    /\ phase = "running" => \E c \in DOMAIN members : members[c] \notin Ended
    /\ phase \in Over => \A c \in DOMAIN members : members[c] \in Ended

CompletedOnlyIfAllFired ==
    /\ phase = "completed" => \A c \in DOMAIN members : members[c] = "well"
    /\ phase = "failed" => \E c \in DOMAIN members : members[c] = "badly"

(* Properties of steps. *)

\* What was let go is never held again; with NobodyWaitsForNothing it is let go once, and in the commit that allows it.
ReleasedExactlyOnce ==
    [][\A c \in DOMAIN members :
        /\ members[c] \notin Waiting => members'[c] \notin Waiting
        /\ members[c] \in Ended => members'[c] = members[c]]_vars

TerminalIsFinal == [][(phase \in Over) => (phase' = phase)]_vars

OnlyAStartedOneCompletesOrFails ==
    [][(phase' # phase /\ phase' \in {"completed", "failed"}) => (members' # members \/ phase = "planned")]_vars

\* Before the start nothing but a failure moves a countdown, and only with the policy "block".
ContinueScrubsNobody ==
    [][\A c \in DOMAIN members :
        (policy = "continue" /\ phase' # "cancelled" /\ members[c] \in Waiting /\ members'[c] = "badly")
            => \A d \in DOMAIN members \ {c} : ~(members[d] \notin Ended /\ members'[d] = "badly")]_vars

(* Liveness. *)

EveryCampaignEndsIfItsCountdownsDo == (phase = "running") ~> (phase \in Over)

(* Witnesses: states that must be reachable. *)

NeverCompleted == ~(phase = "completed" /\ links # {})
NeverFailed == phase # "failed"
NeverCancelled == ~(phase = "cancelled" /\ (\E c \in DOMAIN members : members[c] = "well"))
\* A countdown was let go although one before it failed.
NeverWentOn == ~(\E l \in links : members[l[1]] = "badly" /\ members[l[2]] = "released")
\* A whole chain called off, by its first.
NeverBlockedTransitively ==
    ~(\E k \in links, l \in links : k[2] = l[1] /\ members[k[1]] = "badly" /\ members[l[2]] = "badly" /\ policy = "block")
\* One waits for two, and only one of them is over.
NeverWaitsForTheSecond ==
    ~(phase = "running" /\ \E k \in links, l \in links :
        k[2] = l[2] /\ members[k[1]] = "well" /\ members[l[1]] = "released" /\ members[k[2]] = "held")
=============================================================================
