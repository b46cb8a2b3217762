---- MODULE MCCountdown ----
(***************************************************************************)
(* Worlds for model checking.                                              *)
(***************************************************************************)
EXTENDS Countdown

SomeTerms(quorum, policy) ==
    [organizer |-> "olga", quorum |-> quorum, policy |-> policy, lead |-> 1, slipMax |-> 2, holdMax |-> 2]

MCOffers ==
    {[terms |-> SomeTerms(1, "on_quorum"), attendees |-> {"ann", "bob"}],
     [terms |-> SomeTerms(1, "at_t0"), attendees |-> {"ann", "bob"}],
     [terms |-> SomeTerms(0, "on_quorum"), attendees |-> {"ann"}]}

MCActors == {"ann", "bob", "olga"}
MCInstants == {1, 2, 3}
MCSpans == {0, 1, 2}
MCNotices == {0, 1}
MCPlanned ==
    {[relative |-> FALSE, at |-> 3, t0 |-> 2], [relative |-> TRUE, at |-> 1, t0 |-> 1]}

\* For liveness people and campaigns act until LastAct; from then on time alone goes on, until all that they set has come.
LastAct == 1
LiveOffers ==
    {[terms |-> [SomeTerms(1, "on_quorum") EXCEPT !.slipMax = 1], attendees |-> {"ann"}],
     [terms |-> [SomeTerms(0, "on_quorum") EXCEPT !.slipMax = 1], attendees |-> {"ann"}]}
LiveInstants == {1, 2, 3, 4, 5}
LiveNext ==
    \/ /\ NotAfter(now, LastAct)
       /\ Next
    \/ ByTime
    \/ TimePasses
UnfairLive == Init /\ [][LiveNext]_vars
\* The second checker sees fairness only where it stands in the specification itself.
Live == Init /\ [][LiveNext]_vars /\ WF_vars(ByTime) /\ WF_vars(TimePasses)
====
