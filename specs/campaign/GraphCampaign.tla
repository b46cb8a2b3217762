--------------------------- MODULE GraphCampaign ---------------------------
(* The same machine with the name of each step and its parameters, for the canonical graph.  *)

EXTENDS Campaign

VARIABLE step

GraphInit == Init /\ step = [action |-> "Init", params |-> <<>>]

\* Besides what was asked, each step says which countdowns it let go.
GraphNext ==
    \/ \E by \in Organizers, how \in Policies :
        /\ CampaignCreated(by, how)
        /\ step' = [action |-> "CampaignCreated", params |-> [by |-> by, policy |-> how]]
    \/ \E by \in Actors, c \in Fresh, after \in SUBSET DOMAIN members :
        /\ CountdownScheduled(by, c, after)
        /\ step' = [action |-> "CountdownScheduled",
                    params |-> [by |-> by, countdown |-> c, after |-> after, released |-> Released]]
    \/ \E by \in Actors, c \in Outside :
        /\ CountdownJoined(by, c)
        /\ step' = [action |-> "CountdownJoined", params |-> [by |-> by, countdown |-> c]]
    \/ \E by \in Actors, a \in DOMAIN members, b \in DOMAIN members :
        /\ CampaignLinked(by, a, b)
        /\ step' = [action |-> "CampaignLinked",
                    params |-> [by |-> by, before |-> a, after |-> b, released |-> Released]]
    \/ \E by \in Actors, a \in DOMAIN members, b \in DOMAIN members :
        /\ CampaignUnlinked(by, a, b)
        /\ step' = [action |-> "CampaignUnlinked",
                    params |-> [by |-> by, before |-> a, after |-> b, released |-> Released]]
    \/ \E by \in Actors :
        /\ CampaignStarted(by)
        /\ step' = [action |-> "CampaignStarted", params |-> [by |-> by, released |-> Released]]
    \/ \E by \in Actors :
        /\ CampaignCancelled(by)
        /\ step' = [action |-> "CampaignCancelled", params |-> [by |-> by, released |-> Released]]
    \/ \E c \in Answering \cap DOMAIN members, ready \in BOOLEAN :
        /\ MemberAnswered(c, ready)
        /\ step' = [action |-> "MemberAnswered", params |-> [countdown |-> c, ready |-> ready]]
    \/ \E c \in DOMAIN members :
        /\ CountdownFired(c)
        /\ step' = [action |-> "CountdownFired", params |-> [countdown |-> c, released |-> Released \ {c}]]
    \/ \E c \in DOMAIN members :
        /\ CountdownMissed(c)
        /\ step' = [action |-> "CountdownMissed", params |-> [countdown |-> c, released |-> Released]]
    \/ \E c \in DOMAIN members :
        /\ CountdownScrubbed(c)
        /\ step' = [action |-> "CountdownScrubbed", params |-> [countdown |-> c, released |-> Released]]

GraphSpec == GraphInit /\ [][GraphNext]_<<vars, step>>
=============================================================================
