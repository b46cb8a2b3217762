---------------------------- MODULE GraphEffects ----------------------------
(* The same machine with the name of each step and its parameters, for the canonical graph.  *)

EXTENDS Effects

VARIABLE step

Step(action, params) == step' = [action |-> action, params |-> params]

GraphInit == Init /\ step = [action |-> "Init", params |-> <<>>]

GraphNext ==
    \/ \E name \in Strangers :
        ActorRegistered({name}) /\ Step("ActorRegistered", [names |-> {name}])
    \/ \E by \in Actors :
        MessageSent(by) /\ Step("MessageSent", [by |-> by])
    \/ \E by \in Organizers, how \in Policies :
        CampaignCreated(by, how) /\ Step("CampaignCreated", [by |-> by, policy |-> how])
    \/ \E by \in Organizers, c \in Plain :
        /\ CountdownScheduled(by, c, InvitedAlone, FALSE, {})
        /\ Step("CountdownScheduled",
                [by |-> by, countdown |-> c, attendees |-> InvitedAlone, inside |-> FALSE, after |-> {}])
    \/ \E by \in Actors, c \in Fresh, after \in SUBSET Members :
        /\ CountdownScheduled(by, c, InvitedInside, TRUE, after)
        /\ Step("CountdownScheduled",
                [by |-> by, countdown |-> c, attendees |-> InvitedInside, inside |-> TRUE, after |-> after])
    \/ \E by \in Actors, c \in Plain \cap DOMAIN countdowns :
        /\ CountdownJoined(by, c, countdowns[c].attendees)
        /\ Step("CountdownJoined", [by |-> by, countdown |-> c, attendees |-> countdowns[c].attendees])
    \/ \E by \in Actors, a \in Members, b \in Members :
        CampaignLinked(by, a, b) /\ Step("CampaignLinked", [by |-> by, before |-> a, after |-> b])
    \/ \E by \in Actors, a \in Members, b \in Members :
        CampaignUnlinked(by, a, b) /\ Step("CampaignUnlinked", [by |-> by, before |-> a, after |-> b])
    \/ \E by \in Actors :
        CampaignStarted(by) /\ Step("CampaignStarted", [by |-> by])
    \/ \E by \in Actors :
        CampaignCancelled(by) /\ Step("CampaignCancelled", [by |-> by])
    \/ \E by \in Actors, c \in DOMAIN countdowns :
        CountdownRescheduled(by, c) /\ Step("CountdownRescheduled", [by |-> by, countdown |-> c])
    \/ \E c \in DOMAIN countdowns, ready \in BOOLEAN :
        MemberAnswered(c, ready) /\ Step("MemberAnswered", [countdown |-> c, ready |-> ready])
    \/ \E c \in DOMAIN countdowns :
        CountdownFired(c) /\ Step("CountdownFired", [countdown |-> c])
    \/ \E c \in DOMAIN countdowns :
        CountdownMissed(c) /\ Step("CountdownMissed", [countdown |-> c])
    \/ \E c \in DOMAIN countdowns :
        CountdownScrubbed(c) /\ Step("CountdownScrubbed", [countdown |-> c])

GraphSpec == GraphInit /\ [][GraphNext]_<<vars, step>>
=============================================================================
