---- MODULE GraphCountdown ----
(***************************************************************************)
(* The state graph that the code's must equal: a tiny world, in which each *)
(* step is remembered with its parameters. crates/model/tests/countdown.rs *)
(* is the same world.                                                      *)
(***************************************************************************)
EXTENDS Countdown

VARIABLE step

Terms1(quorum, policy, slipMax, holdMax) ==
    [organizer |-> "olga", quorum |-> quorum, policy |-> policy, lead |-> 1, slipMax |-> slipMax, holdMax |-> holdMax]

\* One of two; both of two; one, at T-0; a plain timer. The last two are refused: too large a quorum, no time to hold.
GraphOffers ==
    {[terms |-> Terms1(1, "on_quorum", 1, 2), attendees |-> {"ann", "bob"}],
     [terms |-> Terms1(2, "on_quorum", 0, 2), attendees |-> {"ann", "bob"}],
     [terms |-> Terms1(1, "at_t0", 2, 1), attendees |-> {"ann"}],
     [terms |-> Terms1(0, "on_quorum", 0, 1), attendees |-> {"ann"}],
     [terms |-> Terms1(2, "on_quorum", 0, 1), attendees |-> {"ann"}],
     [terms |-> Terms1(1, "on_quorum", 0, 0), attendees |-> {"ann"}]}

GraphActors == {"ann", "bob", "olga"}
GraphInstants == {1, 2}
GraphSpans == {0, 1, 2}
GraphNotices == {0, 1}
GraphPlanned ==
    {[relative |-> FALSE, at |-> at, t0 |-> t0] : at \in {2, 3}, t0 \in {1, 2}}
        \cup {[relative |-> TRUE, at |-> 1, t0 |-> 1]}

Took(action, params) == step' = [action |-> action, params |-> params]

GraphInit ==
    /\ Init
    /\ step = [action |-> "Init", params |-> <<>>]

GraphNext ==
    \/ Phase = "none" /\ \E o \in Offers, p \in Planned, l \in BOOLEAN, c \in Campaigns, n \in Notices:
        /\ CountdownScheduled(o.terms, o.attendees, p, l, c, n)
        /\ Took("CountdownScheduled",
                [terms |-> o.terms, attendees |-> o.attendees, plan |-> p, allowPast |-> l, campaign |-> c, notice |-> n])
    \/ \E by \in Actors:
        /\ CountdownJoined(by)
        /\ Took("CountdownJoined", [by |-> by])
    \/ \E notice \in Notices:
        /\ CountdownReleased(notice)
        /\ Took("CountdownReleased", [notice |-> notice])
    \/ \E by \in Actors:
        /\ CountdownConfirmed(by)
        /\ Took("CountdownConfirmed", [by |-> by])
    \/ \E by \in Actors:
        /\ CountdownDeclined(by)
        /\ Took("CountdownDeclined", [by |-> by])
    \/ \E by \in Actors, span \in Spans:
        /\ CountdownDeferred(by, span)
        /\ Took("CountdownDeferred", [by |-> by, span |-> span])
    \/ \E by \in Actors:
        /\ CountdownHoldStarted(by)
        /\ Took("CountdownHoldStarted", [by |-> by])
    \/ \E by \in Actors:
        /\ CountdownResumed(by)
        /\ Took("CountdownResumed", [by |-> by])
    \/ \E by \in Actors, p \in Planned, l \in BOOLEAN:
        /\ CountdownRescheduled(by, p, l)
        /\ Took("CountdownRescheduled", [by |-> by, plan |-> p, allowPast |-> l])
    \/ \E by \in Doers, cause \in Causes:
        /\ CountdownScrubbed(by, cause)
        /\ Took("CountdownScrubbed", [by |-> by, cause |-> cause])
    \/ /\ CountdownFired
       /\ Took("CountdownFired", <<>>)
    \/ /\ CountdownMissed
       /\ Took("CountdownMissed", <<>>)
    \/ \E to \in Instants:
        /\ Advance(to)
        /\ Took("Advance", [to |-> to])
====
