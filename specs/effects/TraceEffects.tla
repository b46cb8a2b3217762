---------------------------- MODULE TraceEffects ----------------------------
(* Recorded steps: each must be one that Effects.tla allows, and lead and tell what it says.  *)

EXTENDS Effects, TraceData, Naturals, Sequences

VARIABLES trace, line

Observed ==
    [actors |-> actors, organizer |-> organizer, policy |-> policy, phase |-> phase,
     links |-> links, countdowns |-> countdowns, told |-> told]

TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ Init
    /\ Observed = Traces[trace][1].state

Accepts(entry) ==
    \/ /\ entry.action = "ActorRegistered"
       /\ ActorRegistered(entry.params.names)
    \/ /\ entry.action = "MessageSent"
       /\ MessageSent(entry.params.by)
    \/ /\ entry.action = "CampaignCreated"
       /\ entry.params.policy \in Policies
       /\ CampaignCreated(entry.params.by, entry.params.policy)
    \/ /\ entry.action = "CountdownScheduled"
       /\ CountdownScheduled(entry.params.by, entry.params.countdown, entry.params.attendees, entry.params.inside, entry.params.after)
    \/ /\ entry.action = "CountdownJoined"
       /\ CountdownJoined(entry.params.by, entry.params.countdown, entry.params.attendees)
    \/ /\ entry.action = "CampaignLinked"
       /\ CampaignLinked(entry.params.by, entry.params.before, entry.params.after)
    \/ /\ entry.action = "CampaignUnlinked"
       /\ CampaignUnlinked(entry.params.by, entry.params.before, entry.params.after)
    \/ /\ entry.action = "CampaignStarted"
       /\ CampaignStarted(entry.params.by)
    \/ /\ entry.action = "CampaignCancelled"
       /\ CampaignCancelled(entry.params.by)
    \/ /\ entry.action = "CountdownRescheduled"
       /\ CountdownRescheduled(entry.params.by, entry.params.countdown)
    \/ /\ entry.action = "MemberAnswered"
       /\ MemberAnswered(entry.params.countdown, entry.params.ready)
    \/ /\ entry.action = "CountdownFired"
       /\ CountdownFired(entry.params.countdown)
    \/ /\ entry.action = "CountdownMissed"
       /\ CountdownMissed(entry.params.countdown)
    \/ /\ entry.action = "CountdownScrubbed"
       /\ CountdownScrubbed(entry.params.countdown)

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
=============================================================================
