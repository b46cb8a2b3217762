---- MODULE TraceCountdown ----
(***************************************************************************)
(* Recorded runs: every line of a trace is a step of Countdown, and leads  *)
(* to what was observed.                                                   *)
(***************************************************************************)
EXTENDS Countdown, TraceData, Sequences

VARIABLES trace, line

Observed == countdown

TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ Init
    /\ Observed = Traces[trace][1].state

Accepts(entry) ==
    \/ /\ entry.action = "CountdownScheduled"
       /\ CountdownScheduled(entry.params.terms, entry.params.attendees, entry.params.plan, entry.params.allowPast,
                             entry.params.campaign, entry.params.notice)
    \/ /\ entry.action = "CountdownJoined"
       /\ CountdownJoined(entry.params.by)
    \/ /\ entry.action = "CountdownReleased"
       /\ CountdownReleased(entry.params.notice)
    \/ /\ entry.action = "CountdownConfirmed"
       /\ CountdownConfirmed(entry.params.by)
    \/ /\ entry.action = "CountdownDeclined"
       /\ CountdownDeclined(entry.params.by)
    \/ /\ entry.action = "CountdownDeferred"
       /\ CountdownDeferred(entry.params.by, entry.params.span)
    \/ /\ entry.action = "CountdownHoldStarted"
       /\ CountdownHoldStarted(entry.params.by)
    \/ /\ entry.action = "CountdownResumed"
       /\ CountdownResumed(entry.params.by)
    \/ /\ entry.action = "CountdownRescheduled"
       /\ CountdownRescheduled(entry.params.by, entry.params.plan, entry.params.allowPast)
    \/ /\ entry.action = "CountdownScrubbed"
       /\ CountdownScrubbed(entry.params.by, entry.params.cause)
    \/ /\ entry.action = "CountdownFired"
       /\ CountdownFired
    \/ /\ entry.action = "CountdownMissed"
       /\ CountdownMissed
    \/ /\ entry.action = "Advance"
       /\ Advance(entry.params.to)

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
====
