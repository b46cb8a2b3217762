---- MODULE Countdown ----
(***************************************************************************)
(* One countdown: a time, a quorum, attendees who answer.                  *)
(*                                                                         *)
(* It is held by its campaign, counting, or on hold; then it is fired,     *)
(* missed or scrubbed, for good. Code: crates/core/src/countdown/.         *)
(* What differs from countdown to countdown (its terms) is in the state,   *)
(* so that one run can check the traces of many.                           *)
(***************************************************************************)
EXTENDS Time, FiniteSets

CONSTANTS
    Actors,     \* who tries to do something, attending or not
    Offers,     \* what may be scheduled: [terms |-> .., attendees |-> ..]
    Instants,   \* the times that come, and that T-0 may be planned for
    Planned,    \* what a time may be: [relative |-> .., at |-> .., t0 |-> ..]
    Spans,      \* by how much T-0 is deferred
    Notices     \* what a campaign gives at least between release and T-0

VARIABLES
    now,        \* Convoke's time
    countdown   \* all that is known of it

vars == <<now, countdown>>

NoTerms ==
    [organizer |-> "nobody", quorum |-> 0, policy |-> "on_quorum", lead |-> Zero, slipMax |-> Zero, holdMax |-> Zero]

(***************************************************************************)
(* phase      none, held, counting, on_hold, fired, missed, scrubbed       *)
(* t0         T-0 while counting or on hold; while held the planned one,   *)
(*            or if relative, how long after the release it is             *)
(* slipped    by how much deferrals moved T-0 since it was last planned    *)
(* since      on hold since then; until: at most until then                *)
(* cause      why it is scrubbed                                           *)
(***************************************************************************)
Nothing ==
    [phase |-> "none", terms |-> NoTerms, inCampaign |-> FALSE, answers |-> [a \in {} |-> "pending"],
     relative |-> FALSE, t0 |-> Zero, slipped |-> Zero, since |-> Zero, until |-> Zero, cause |-> "none"]

Init ==
    /\ now = Zero
    /\ countdown = Nothing

-----------------------------------------------------------------------------
(* What can be said of it.                                                 *)

Phase == countdown.phase
Terms == countdown.terms
Attendees == DOMAIN countdown.answers

IsLive == Phase \in {"held", "counting", "on_hold"}
HasEnded == Phase \in {"fired", "missed", "scrubbed"}

HowMany(answers, answer) == Cardinality({a \in DOMAIN answers : answers[a] = answer})

\* T-0 has come, or the limit of the hold.
IsDue ==
    \/ /\ Phase = "counting"
       /\ NotAfter(countdown.t0, now)
    \/ /\ Phase = "on_hold"
       /\ NotAfter(countdown.until, now)

\* Due first: whoever comes when something is due comes after it.
IsOpen == IsLive /\ ~IsDue

\* These answers fire a countdown whose clock runs; a plain timer and the policy at_t0 wait for T-0.
FiresWith(answers) ==
    /\ Terms.policy = "on_quorum"
    /\ Terms.quorum > 0
    /\ HowMany(answers, "confirmed") >= Terms.quorum

\* Quorum is out of reach.
IsNoGo(answers) == Cardinality(DOMAIN answers) - HowMany(answers, "declined") < Terms.quorum

Ended(phase, cause, answers) ==
    [Nothing EXCEPT !.phase = phase, !.cause = cause, !.answers = answers,
                    !.terms = Terms, !.inCampaign = countdown.inCampaign]

\* The clock runs, to this T-0; answers that suffice fire it at once.
Running(before, t0) ==
    IF FiresWith(before.answers)
    THEN Ended("fired", "none", before.answers)
    ELSE [before EXCEPT !.phase = "counting", !.relative = FALSE, !.t0 = t0, !.since = Zero, !.until = Zero]

\* T-0 is `lead` before the time of an absolute plan. A relative one is counted from the release.
IsPlan(plan, lead) == IF plan.relative THEN plan.t0 = plan.at ELSE Plus(plan.t0, lead) = plan.at

IsInTime(plan, allowPast) == plan.relative \/ allowPast \/ Before(now, plan.t0)

ReleasedAt(relative, t0, notice) == IF relative THEN Plus(now, t0) ELSE Later(t0, Plus(now, notice))

-----------------------------------------------------------------------------
(* What happens. `campaign` says what the campaign that it is put into     *)
(* does in the same commit: there is none, or it holds, releases or blocks *)
(* it, since a predecessor has ended badly.                                *)

CountdownScheduled(terms, attendees, plan, allowPast, campaign, notice) ==
    /\ Phase = "none"
    /\ terms.quorum <= Cardinality(attendees)
    /\ terms.holdMax # Zero
    /\ plan.relative => (campaign # "none")
    /\ (campaign = "releases") \/ (notice = Zero)
    /\ IsPlan(plan, terms.lead)
    /\ IsInTime(plan, allowPast)
    /\ countdown' =
        [Nothing EXCEPT
            !.terms = terms,
            !.inCampaign = (campaign # "none"),
            !.answers = [a \in attendees |-> "pending"],
            !.phase = IF campaign = "holds" THEN "held" ELSE IF campaign = "blocks" THEN "scrubbed" ELSE "counting",
            !.relative = (plan.relative /\ (campaign = "holds")),
            !.t0 = IF campaign = "releases"
                   THEN ReleasedAt(plan.relative, plan.t0, notice)
                   ELSE IF campaign = "blocks" THEN Zero ELSE plan.t0,
            !.cause = IF campaign = "blocks" THEN "predecessor" ELSE "none"]
    /\ UNCHANGED now

\* A planned campaign takes it, and holds it. Answers and deferrals stay in force.
CountdownJoined(by) ==
    /\ IsOpen
    /\ by = Terms.organizer
    /\ Phase = "counting"
    /\ ~countdown.inCampaign
    /\ countdown' = [countdown EXCEPT !.phase = "held", !.inCampaign = TRUE]
    /\ UNCHANGED now

CountdownReleased(notice) ==
    /\ Phase = "held"
    /\ countdown' = Running(countdown, ReleasedAt(countdown.relative, countdown.t0, notice))
    /\ UNCHANGED now

CountdownConfirmed(by) ==
    /\ IsOpen
    /\ by \in Attendees
    /\ countdown.answers[by] # "confirmed"
    /\ LET answers == [countdown.answers EXCEPT ![by] = "confirmed"]
       IN  countdown' = IF (Phase = "counting") /\ FiresWith(answers)
                        THEN Ended("fired", "none", answers)
                        ELSE [countdown EXCEPT !.answers = answers]
    /\ UNCHANGED now

CountdownDeclined(by) ==
    /\ IsOpen
    /\ by \in Attendees
    /\ countdown.answers[by] # "declined"
    /\ LET answers == [countdown.answers EXCEPT ![by] = "declined"]
       IN  countdown' = IF IsNoGo(answers)
                        THEN Ended("scrubbed", "no_go", answers)
                        ELSE [countdown EXCEPT !.answers = answers]
    /\ UNCHANGED now

\* T-0 moves later, and whoever asked for it is to answer again.
CountdownDeferred(by, span) ==
    /\ IsOpen
    /\ by \in Attendees
    /\ Phase = "counting"
    /\ span # Zero
    /\ NotAfter(Plus(countdown.slipped, span), Terms.slipMax)
    /\ countdown' =
        [countdown EXCEPT
            !.t0 = Plus(countdown.t0, span),
            !.slipped = Plus(countdown.slipped, span),
            !.answers[by] = "pending"]
    /\ UNCHANGED now

CountdownHoldStarted(by) ==
    /\ IsOpen
    /\ by = Terms.organizer
    /\ Phase = "counting"
    /\ countdown' = [countdown EXCEPT !.phase = "on_hold", !.since = now, !.until = Plus(now, Terms.holdMax)]
    /\ UNCHANGED now

\* T-0 moves by the time on hold.
CountdownResumed(by) ==
    /\ IsOpen
    /\ by = Terms.organizer
    /\ Phase = "on_hold"
    /\ countdown' = Running(countdown, Plus(countdown.t0, Minus(now, countdown.since)))
    /\ UNCHANGED now

\* A new time: answers are cleared, the slip starts again.
CountdownRescheduled(by, plan, allowPast) ==
    /\ IsOpen
    /\ by = Terms.organizer
    /\ Phase \in {"held", "counting"}
    /\ plan.relative => (Phase = "held")
    /\ IsPlan(plan, Terms.lead)
    /\ IsInTime(plan, allowPast)
    /\ countdown' =
        [countdown EXCEPT
            !.relative = plan.relative,
            !.t0 = plan.t0,
            !.slipped = Zero,
            !.answers = [a \in Attendees |-> "pending"]]
    /\ UNCHANGED now

\* Called off: by its organizer; by its campaign; by the limit of its hold, when it is due.
CountdownScrubbed(by, cause) ==
    /\ \/ /\ cause = "organizer"
          /\ IsOpen
          /\ by = Terms.organizer
       \/ /\ cause = "campaign_cancelled"
          /\ by = "campaign"
          /\ IsOpen
          /\ countdown.inCampaign
       \/ /\ cause = "predecessor"
          /\ by = "campaign"
          /\ Phase = "held"
       \/ /\ cause = "hold_expired"
          /\ by = "time"
          /\ Phase = "on_hold"
          /\ IsDue
    /\ countdown' = Ended("scrubbed", cause, countdown.answers)
    /\ UNCHANGED now

\* T-0, with enough confirmations.
CountdownFired ==
    /\ Phase = "counting"
    /\ IsDue
    /\ HowMany(countdown.answers, "confirmed") >= Terms.quorum
    /\ countdown' = Ended("fired", "none", countdown.answers)
    /\ UNCHANGED now

\* T-0, without: every answer that is pending is missed.
CountdownMissed ==
    /\ Phase = "counting"
    /\ IsDue
    /\ HowMany(countdown.answers, "confirmed") < Terms.quorum
    /\ countdown' =
        Ended("missed", "none",
              [a \in Attendees |-> IF countdown.answers[a] = "pending" THEN "missed" ELSE countdown.answers[a]])
    /\ UNCHANGED now

\* Time may jump past a T-0: nobody was there.
Advance(to) ==
    /\ Before(now, to)
    /\ now' = to
    /\ UNCHANGED countdown

-----------------------------------------------------------------------------

Campaigns == {"none", "holds", "releases", "blocks"}
Causes == {"organizer", "campaign_cancelled", "predecessor", "hold_expired"}
Doers == Actors \cup {"campaign", "time"}

Next ==
    \/ Phase = "none" /\ \E o \in Offers, p \in Planned, l \in BOOLEAN, c \in Campaigns, n \in Notices: CountdownScheduled(o.terms, o.attendees, p, l, c, n)
    \/ \E by \in Actors: CountdownJoined(by)
    \/ \E notice \in Notices: CountdownReleased(notice)
    \/ \E by \in Actors: CountdownConfirmed(by)
    \/ \E by \in Actors: CountdownDeclined(by)
    \/ \E by \in Actors, span \in Spans: CountdownDeferred(by, span)
    \/ \E by \in Actors: CountdownHoldStarted(by)
    \/ \E by \in Actors: CountdownResumed(by)
    \/ \E by \in Actors, p \in Planned, l \in BOOLEAN: CountdownRescheduled(by, p, l)
    \/ \E by \in Doers, cause \in Causes: CountdownScrubbed(by, cause)
    \/ CountdownFired
    \/ CountdownMissed
    \/ \E to \in Instants: Advance(to)

\* What the time does, which is never forgotten for ever; and that time passes.
ByTime ==
    \/ CountdownFired
    \/ CountdownMissed
    \/ CountdownScrubbed("time", "hold_expired")
TimePasses == \E to \in Instants: Advance(to)

Unfair == Init /\ [][Next]_vars
Spec == Init /\ [][Next]_vars /\ WF_vars(ByTime) /\ WF_vars(TimePasses)

-----------------------------------------------------------------------------
(* What holds.                                                             *)

Phases == {"none", "held", "counting", "on_hold", "fired", "missed", "scrubbed"}
Answers == {"pending", "confirmed", "declined", "missed"}

WellFormed ==
    /\ Phase \in Phases
    /\ \A a \in Attendees: countdown.answers[a] \in Answers
    /\ (Phase = "held") => countdown.inCampaign
    /\ countdown.relative => (Phase = "held")
    /\ (Phase = "scrubbed") <=> (countdown.cause # "none")

\* Fired only with quorum; that of a plain timer is 0.
FiredOnlyWithQuorum == (Phase = "fired") => (HowMany(countdown.answers, "confirmed") >= Terms.quorum)

MissedOnlyWithoutQuorum == (Phase = "missed") => (HowMany(countdown.answers, "confirmed") < Terms.quorum)

\* Nobody is pending any more when it is missed, and nobody has missed it before.
MissedIsSaidAtTheEnd ==
    /\ (Phase = "missed") => (HowMany(countdown.answers, "pending") = 0)
    /\ (Phase # "missed") => (HowMany(countdown.answers, "missed") = 0)

\* A quorum that is reached does not wait, if it need not.
QuorumFiresAtOnce == (Phase = "counting") => ~FiresWith(countdown.answers)

\* One that cannot reach its quorum any more is not live.
QuorumIsInReach == IsLive => ~IsNoGo(countdown.answers)

SlipIsBounded == NotAfter(countdown.slipped, Terms.slipMax)

HoldIsBounded == (Phase = "on_hold") => (countdown.until = Plus(countdown.since, Terms.holdMax))

\* Fired, missed and scrubbed are final, and so exclusive.
EndsAreFinal == [][HasEnded => (countdown' = countdown)]_vars

\* Who answers, and on which terms, is said once.
OnlyAttendeesAnswer ==
    [][(Phase # "none") => ((DOMAIN countdown'.answers = Attendees) /\ (countdown'.terms = Terms))]_vars

\* While it is held, or on hold, neither an answer nor the time fires it: only letting it go does, with a quorum met before.
HeldNeverFires ==
    [][((Phase \in {"held", "on_hold"}) /\ (countdown'.phase \in {"fired", "missed"})) =>
        ((countdown'.phase = "fired") /\ (countdown'.answers = countdown.answers) /\ FiresWith(countdown.answers) /\ ~IsDue)]_vars

\* What waits for T-0 is neither fired nor missed before it.
NothingBeforeT0 ==
    [][((Phase = "counting") /\ ((countdown'.phase = "missed") \/ ((countdown'.phase = "fired") /\ ~FiresWith(countdown'.answers)))) => IsDue]_vars

\* At T-0 or after it no answer counts.
NoAnswerIsLate ==
    [][((countdown'.answers # countdown.answers) /\ IsDue) => (countdown'.phase = "missed")]_vars

\* A deferral moves T-0 later, by itself.
DeferralsMoveLater ==
    [][Before(countdown.slipped, countdown'.slipped) =>
        (countdown'.t0 = Plus(countdown.t0, Minus(countdown'.slipped, countdown.slipped)))]_vars

\* The time to go is the same after a hold as before it.
HoldsStopTheClock ==
    [][((Phase = "on_hold") /\ (countdown'.phase = "counting")) =>
        (Minus(countdown'.t0, now) = Minus(countdown.t0, countdown.since))]_vars

\* Every counting countdown ends, unless a campaign takes and holds it.
EveryCountingCountdownEnds == (Phase = "counting") ~> (HasEnded \/ (Phase = "held"))

\* No hold lasts for ever.
EveryHoldEnds == (Phase = "on_hold") ~> (Phase # "on_hold")

-----------------------------------------------------------------------------
(* What can come about: each of these is violated.                         *)

NeverFired == Phase # "fired"
NeverMissed == Phase # "missed"
NeverNoGo == countdown.cause # "no_go"
NeverHoldExpired == countdown.cause # "hold_expired"
NeverBlocked == countdown.cause # "predecessor"
NeverFiredWithoutAll == ~((Phase = "fired") /\ (HowMany(countdown.answers, "declined") > 0))
NeverHeldWithQuorum == ~((Phase = "held") /\ FiresWith(countdown.answers))
NeverWaitingWithQuorum == ~((Phase = "counting") /\ (Terms.quorum > 0) /\ (HowMany(countdown.answers, "confirmed") >= Terms.quorum))
NeverSlipExhausted == ~((Phase = "counting") /\ (countdown.slipped = Terms.slipMax) /\ (Terms.slipMax # Zero))
====
