--------------------------- MODULE TraceCampaign ---------------------------
(* Recorded steps of campaigns: each must be one that Campaign.tla allows, and lead where it says.  *)

EXTENDS Campaign, TraceData, Naturals, Sequences

VARIABLES trace, line

Observed == [organizer |-> organizer, policy |-> policy, phase |-> phase, members |-> members, links |-> links]

TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ Init
    /\ Observed = Traces[trace][1].state

Accepts(entry) ==
    \/ /\ entry.action = "CampaignCreated"
       /\ entry.params.policy \in Policies
       /\ CampaignCreated(entry.params.by, entry.params.policy)
    \/ /\ entry.action = "CountdownScheduled"
       /\ CountdownScheduled(entry.params.by, entry.params.countdown, entry.params.after)
       /\ entry.params.released = Released
    \/ /\ entry.action = "CountdownJoined"
       /\ CountdownJoined(entry.params.by, entry.params.countdown)
    \/ /\ entry.action = "CampaignLinked"
       /\ CampaignLinked(entry.params.by, entry.params.before, entry.params.after)
       /\ entry.params.released = Released
    \/ /\ entry.action = "CampaignUnlinked"
       /\ CampaignUnlinked(entry.params.by, entry.params.before, entry.params.after)
       /\ entry.params.released = Released
    \/ /\ entry.action = "CampaignStarted"
       /\ CampaignStarted(entry.params.by)
       /\ entry.params.released = Released
    \/ /\ entry.action = "CampaignCancelled"
       /\ CampaignCancelled(entry.params.by)
       /\ entry.params.released = Released
    \/ /\ entry.action = "MemberAnswered"
       /\ MemberAnswered(entry.params.countdown, entry.params.ready)
    \/ /\ entry.action = "CountdownFired"
       /\ CountdownFired(entry.params.countdown)
       /\ entry.params.released = Released \ {entry.params.countdown}
    \/ /\ entry.action = "CountdownMissed"
       /\ CountdownMissed(entry.params.countdown)
       /\ entry.params.released = Released
    \/ /\ entry.action = "CountdownScrubbed"
       /\ CountdownScrubbed(entry.params.countdown)
       /\ entry.params.released = Released

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
=============================================================================
