------------------------------ MODULE Effects ------------------------------
(* What one state machine causes in another: countdowns, their campaign, and what comes into whose mailbox.             *)
(*                                                                                                                      *)
(* A step is one commit. `told` is what it put into mailboxes: an end tells everybody concerned, once, in the commit of   *)
(* the end; so does a new time; a message to `all` reaches everybody who is registered, without its sender.              *)

CONSTANTS
    Actors,      \* who gives commands, registered or not
    Organizers,  \* those of them who create campaigns and countdowns
    Policies,    \* what a failure does: "block" or "continue"
    Plain,       \* countdowns that can be scheduled by themselves
    Fresh,       \* countdowns that can be scheduled in the campaign
    InvitedAlone, InvitedInside,  \* who attends the one and the other
    Known,       \* who is registered from the beginning
    Strangers    \* who can be registered without acting or attending

VARIABLES
    actors,     \* who is registered
    organizer,  \* who organizes the campaign
    policy,     \* its policy
    phase,      \* its phase: "none", "planned", "running", or one of Over
    links,      \* the pairs <<a, b>>: b waits for a
    countdowns, \* countdown -> [phase, organizer, attendees, inside]; inside: whether it is in the campaign
    told        \* recipient -> [countdown -> what the latest step told of it]; "all" -> who sent it

vars == <<actors, organizer, policy, phase, links, countdowns, told>>

Over == {"completed", "failed", "cancelled"}
Waiting == {"held", "ready"}  \* ready: its quorum is met, it fires as it is let go
Ended == {"fired", "missed", "scrubbed"}
Nothing == [x \in {} |-> "nothing"]

Init ==
    /\ actors = Known
    /\ organizer = "none"
    /\ policy = "none"
    /\ phase = "none"
    /\ links = {}
    /\ countdowns = Nothing
    /\ told = Nothing

Members == {c \in DOMAIN countdowns : countdowns[c].inside}

-----------------------------------------------------------------------------
(* Who is told. *)

Concerned(c, cs) == cs[c].attendees \cup {cs[c].organizer}

\* A notice of each of these countdowns for everybody it concerns; what it says is in `says`.
Notices(about, cs, says) ==
    [a \in UNION {Concerned(c, cs) : c \in about} |-> [c \in {d \in about : a \in Concerned(d, cs)} |-> says[c]]]

HasEnded(c, cs) == IF c \in DOMAIN cs THEN cs[c].phase \in Ended ELSE FALSE

\* The notices of the ends between two moments.
EndNotices(from, to) ==
    Notices({c \in DOMAIN to : HasEnded(c, to) /\ ~HasEnded(c, from)}, to, [c \in DOMAIN to |-> to[c].phase])

-----------------------------------------------------------------------------
(* The cascade, as Campaign.tla has it. *)

Before(c, ls) == {l[1] : l \in {k \in ls : k[2] = c}}

RECURSIVE Reached(_, _)
Reached(from, ls) ==
    LET more == from \cup {l[2] : l \in {k \in ls : k[1] \in from}}
    IN IF more = from THEN from ELSE Reached(more, ls)

Moved(c, cs, ls, ph) ==
    IF cs[c].phase \notin Waiting THEN cs[c].phase
    ELSE IF policy = "block" /\ (\E b \in Before(c, ls) : cs[b].phase \in {"missed", "scrubbed"}) THEN "scrubbed"
    ELSE IF ph = "running"
            /\ (\A b \in Before(c, ls) : cs[b].phase \in (IF policy = "block" THEN {"fired"} ELSE Ended))
         THEN (IF cs[c].phase = "ready" THEN "fired" ELSE "counting")
    ELSE cs[c].phase

RECURSIVE Settled(_, _, _)
Settled(cs, ls, ph) ==
    LET next == [c \in DOMAIN cs |-> [cs[c] EXCEPT !.phase = Moved(c, cs, ls, ph)]]
    IN IF next = cs THEN cs ELSE Settled(next, ls, ph)

Concluded(cs, ph) ==
    IF ph # "running" \/ (\E c \in DOMAIN cs : cs[c].inside /\ cs[c].phase \notin Ended) THEN ph
    ELSE IF \A c \in DOMAIN cs : cs[c].inside => cs[c].phase = "fired" THEN "completed"
    ELSE "failed"

Commit(cs, ls, ph) ==
    /\ countdowns' = cs
    /\ links' = ls
    /\ phase' = Concluded(cs, ph)
    /\ told' = EndNotices(countdowns, cs)
    /\ UNCHANGED <<organizer, policy>>

\* The commit leads to these countdowns, links and phase and to all that follows; whoever is concerned is told of the ends.
Settle(cs, ls, ph) == Commit(Settled(cs, ls, ph), ls, ph)

With(c, countdown) == [d \in DOMAIN countdowns \cup {c} |-> IF d = c THEN countdown ELSE countdowns[d]]
WithPhase(c, ph) == [countdowns EXCEPT ![c].phase = ph]

-----------------------------------------------------------------------------
(* Actors, and what everybody is told. *)

ActorRegistered(names) ==
    /\ names # {}
    /\ names \cap actors = {}
    /\ actors' = actors \cup names
    /\ told' = Nothing
    /\ UNCHANGED <<organizer, policy, phase, links, countdowns>>

\* A message to `all`. Whoever sends it is registered by that, if need be.
MessageSent(by) ==
    /\ actors \ {by} # {}
    /\ actors' = actors \cup {by}
    /\ told' = [a \in actors \ {by} |-> [all |-> by]]
    /\ UNCHANGED <<organizer, policy, phase, links, countdowns>>

-----------------------------------------------------------------------------
(* Countdowns and their campaign. *)

MayChange(by) ==
    /\ phase \in {"planned", "running"}
    /\ by = organizer

CampaignCreated(by, how) ==
    /\ phase = "none"
    /\ organizer' = by
    /\ policy' = how
    /\ phase' = "planned"
    /\ told' = Nothing
    /\ actors' = actors \cup {by}
    /\ UNCHANGED <<links, countdowns>>

\* Attendees are registered by being invited.
CountdownScheduled(by, c, attendees, inside, after) ==
    /\ inside => MayChange(by)
    /\ c \notin DOMAIN countdowns
    /\ after \subseteq (IF inside THEN Members ELSE {})
    /\ actors' = actors \cup attendees \cup {by}
    /\ Settle(With(c, [phase |-> IF inside THEN "held" ELSE "counting",
                       organizer |-> by, attendees |-> attendees, inside |-> inside]),
              links \cup {<<b, c>> : b \in after}, phase)

CountdownJoined(by, c, attendees) ==
    /\ MayChange(by)
    /\ phase = "planned"
    /\ IF c \in DOMAIN countdowns
       THEN countdowns[c] = [phase |-> "counting", organizer |-> by, attendees |-> attendees, inside |-> FALSE]
       ELSE TRUE
    /\ actors' = actors \cup attendees
    /\ Settle(With(c, [phase |-> "held", organizer |-> by, attendees |-> attendees, inside |-> TRUE]), links, phase)

CampaignLinked(by, a, b) ==
    /\ MayChange(by)
    /\ a \in Members
    /\ b \in Members
    /\ <<a, b>> \notin links
    /\ phase = "planned" \/ countdowns[b].phase \in Waiting
    /\ a \notin Reached({b}, links)
    /\ UNCHANGED actors
    /\ Settle(countdowns, links \cup {<<a, b>>}, phase)

CampaignUnlinked(by, a, b) ==
    /\ MayChange(by)
    /\ <<a, b>> \in links
    /\ UNCHANGED actors
    /\ Settle(countdowns, links \ {<<a, b>>}, phase)

CampaignStarted(by) ==
    /\ MayChange(by)
    /\ phase = "planned"
    /\ Members # {}
    /\ UNCHANGED actors
    /\ Settle(countdowns, links, "running")

CampaignCancelled(by) ==
    /\ MayChange(by)
    /\ UNCHANGED actors
    /\ Settle([c \in DOMAIN countdowns |->
                  IF countdowns[c].inside /\ countdowns[c].phase \notin Ended
                  THEN [countdowns[c] EXCEPT !.phase = "scrubbed"] ELSE countdowns[c]],
              links, "cancelled")

\* A new time: the answers are cleared, and everybody concerned is told.
CountdownRescheduled(by, c) ==
    /\ c \in DOMAIN countdowns
    /\ by = countdowns[c].organizer
    /\ countdowns[c].phase \notin Ended
    /\ countdowns' = WithPhase(c, IF countdowns[c].phase = "ready" THEN "held" ELSE countdowns[c].phase)
    /\ told' = Notices({c}, countdowns, [d \in {c} |-> "rescheduled"])
    /\ UNCHANGED <<actors, organizer, policy, phase, links>>

-----------------------------------------------------------------------------
(* What countdowns do by themselves. *)

MemberAnswered(c, ready) ==
    /\ c \in DOMAIN countdowns
    /\ countdowns[c].phase = (IF ready THEN "held" ELSE "ready")
    /\ UNCHANGED actors
    /\ Settle(WithPhase(c, IF ready THEN "ready" ELSE "held"), links, phase)

CountdownFired(c) ==
    /\ c \in DOMAIN countdowns
    /\ countdowns[c].phase = "counting"
    /\ UNCHANGED actors
    /\ Settle(WithPhase(c, "fired"), links, phase)

CountdownMissed(c) ==
    /\ c \in DOMAIN countdowns
    /\ countdowns[c].phase = "counting"
    /\ UNCHANGED actors
    /\ Settle(WithPhase(c, "missed"), links, phase)

CountdownScrubbed(c) ==
    /\ c \in DOMAIN countdowns
    /\ countdowns[c].phase \notin Ended
    /\ UNCHANGED actors
    /\ Settle(WithPhase(c, "scrubbed"), links, phase)

-----------------------------------------------------------------------------

Next ==
    \/ \E name \in Strangers : ActorRegistered({name})
    \/ \E by \in Actors : MessageSent(by)
    \/ \E by \in Organizers, how \in Policies : CampaignCreated(by, how)
    \/ \E by \in Organizers, c \in Plain : CountdownScheduled(by, c, InvitedAlone, FALSE, {})
    \/ \E by \in Actors, c \in Fresh, after \in SUBSET Members : CountdownScheduled(by, c, InvitedInside, TRUE, after)
    \/ \E by \in Actors, c \in Plain \cap DOMAIN countdowns : CountdownJoined(by, c, countdowns[c].attendees)
    \/ \E by \in Actors, a \in Members, b \in Members : CampaignLinked(by, a, b)
    \/ \E by \in Actors, a \in Members, b \in Members : CampaignUnlinked(by, a, b)
    \/ \E by \in Actors : CampaignStarted(by)
    \/ \E by \in Actors : CampaignCancelled(by)
    \/ \E by \in Actors, c \in DOMAIN countdowns : CountdownRescheduled(by, c)
    \/ \E c \in DOMAIN countdowns, ready \in BOOLEAN : MemberAnswered(c, ready)
    \/ \E c \in DOMAIN countdowns : CountdownFired(c)
    \/ \E c \in DOMAIN countdowns : CountdownMissed(c)
    \/ \E c \in DOMAIN countdowns : CountdownScrubbed(c)

Spec == Init /\ [][Next]_vars

\* Countdowns that count end, as Countdown.tla says, and campaigns are started or called off.
SomeCountdownEnds ==
    \E c \in DOMAIN countdowns : countdowns[c].phase = "counting" /\ (CountdownFired(c) \/ CountdownMissed(c))
TheCampaignGoesOn == \E by \in Actors : CampaignStarted(by) \/ CampaignCancelled(by)

FairSpec == Spec /\ WF_vars(SomeCountdownEnds) /\ WF_vars(TheCampaignGoesOn)

-----------------------------------------------------------------------------
(* Invariants. *)

TypeOK ==
    /\ phase \in {"none", "planned", "running"} \cup Over
    /\ \A c \in DOMAIN countdowns : countdowns[c].phase \in {"counting"} \cup Waiting \cup Ended
    /\ \A l \in links : l[1] \in Members /\ l[2] \in Members

OnlyTheRegisteredAreTold == DOMAIN told \subseteq actors

NothingRunsBeforeItsPredecessors ==
    \A l \in links :
        countdowns[l[2]].phase \in {"counting", "fired", "missed"} =>
            countdowns[l[1]].phase \in (IF policy = "block" THEN {"fired"} ELSE Ended)

FailureBlocksWhatDependsOnIt ==
    policy = "block" => \A l \in links :
        countdowns[l[1]].phase \in {"missed", "scrubbed"} => countdowns[l[2]].phase = "scrubbed"

\* What follows from a commit is in it: nothing is left that waits for nothing.
NothingIsLeftToFollow ==
    /\ phase = "running" =>
        /\ \E c \in Members : countdowns[c].phase \notin Ended
        /\ \A c \in Members : countdowns[c].phase \in Waiting =>
              \E b \in Before(c, links) : countdowns[b].phase \notin Ended
    /\ phase \in Over => \A c \in Members : countdowns[c].phase \in Ended

(* Properties of steps. *)

\* An end is told in its commit to attendees and organizer, as what it was, and at no other time and to nobody else.
EveryEndIsToldOnce ==
    [][\A c \in DOMAIN countdowns', a \in actors' :
        LET isTold == IF a \in DOMAIN told' THEN (IF c \in DOMAIN told'[a] THEN told'[a][c] \in Ended ELSE FALSE) ELSE FALSE
            ends == HasEnded(c, countdowns') /\ ~HasEnded(c, countdowns)
        IN /\ isTold <=> (ends /\ (a \in countdowns'[c].attendees \/ a = countdowns'[c].organizer))
           /\ isTold => told'[a][c] = countdowns'[c].phase]_vars

EndsAreFinal ==
    [][\A c \in DOMAIN countdowns :
        /\ countdowns[c].phase \in Ended => countdowns'[c] = countdowns[c]
        /\ countdowns[c].phase = "counting" /\ countdowns[c].inside => countdowns'[c].phase \notin Waiting]_vars

\* A message to all reaches whoever was registered before, and never its sender.
AllAreToldButTheSender ==
    [][\A a \in DOMAIN told' :
        IF "all" \in DOMAIN told'[a]
        THEN /\ a # told'[a]["all"]
             /\ DOMAIN told' = actors \ {told'[a]["all"]}
        ELSE TRUE]_vars

(* Liveness. *)

EveryCountdownOfACampaignEnds == (phase = "planned") ~> (\A c \in Members : countdowns[c].phase \in Ended)

(* Witnesses. *)

NeverCompleted == ~(phase = "completed" /\ links # {})
\* One commit in which both fire, the second because the first did.
NeverTwoNoticesInOneCommit ==
    ~(\E a \in DOMAIN told : DOMAIN told[a] = DOMAIN countdowns /\ (\A c \in DOMAIN told[a] : told[a][c] = "fired")
                             /\ (\E c, d \in DOMAIN told[a] : <<c, d>> \in links))
NeverScrubbedBecauseOfAMiss ==
    ~(\E a \in DOMAIN told : {told[a][c] : c \in DOMAIN told[a]} = {"missed", "scrubbed"})
NeverAPlainOneFired == ~(\E c \in DOMAIN countdowns : countdowns[c].phase = "fired" /\ ~countdowns[c].inside)
NeverAllFromAStranger == ~(\E a \in DOMAIN told : "all" \in DOMAIN told[a] /\ DOMAIN told = Organizers)
=============================================================================
