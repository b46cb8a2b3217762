----------------------------- MODULE GraphQueue -----------------------------
(* The same machine with the name of each step and its parameters, for the canonical graph:    *)
(* two changes that may overlap, two workers, the first seconds.                               *)

EXTENDS Queue

VARIABLE step

CONSTANTS
    Start,          \* now, at the beginning
    StartOfTwo,     \* now, at the beginning of the other world
    Tries           \* in how many claims a change is claimed

Names == <<"c1", "c2", "c3">>

\* Changes are named as they come.
Unnamed == {Names[i] : i \in {j \in 1..Len(Names) : j = Len(order) + 1}}

\* Two worlds, told apart by their time. In the one is one change, which can do everything, and what is put back for it.
\* In the other are two, which are in each other's way.
IsOfOne == Before(now, StartOfTwo)

Request(work, priority, paths, needed, reviewers, supersedes) ==
    [work |-> work, priority |-> priority, paths |-> paths, needed |-> needed, reviewers |-> reviewers,
     supersedes |-> supersedes]

Plain == <<"ann", Request("k1", "normal", {<<"src">>}, 0, {}, "none")>>

\* What is handed in in the one world. In the state that the first makes the second is a duplicate, and the other way round.
OfOne ==
    {Plain, <<"ann", Request("k1", "high", {<<"src">>}, 2, {"ann", "bob", "rae"}, "none")>>}

Urgent == <<"bob", Request("k2", "critical", {<<"src", "a">>, <<"doc">>}, 0, {}, "none")>>

\* And in the other: what overlaps with the first and is more urgent, what does not, and what takes its place: itself, sooner.
OfTwo ==
    {Plain, Urgent,
     <<"bob", Request("k2", "low", {<<"srca">>}, 0, {}, "none")>>,
     <<"ann", Request("k1", "high", {<<"src">>}, 0, {}, "c1")>>}

IsOld(c) == changes[c].turn = StartOfTwo - 200

Submits ==
    IF IsOfOne THEN IF Len(order) = 0 THEN OfOne ELSE {Plain}
    ELSE IF \E c \in DOMAIN changes : IsOld(c) THEN {Urgent} ELSE OfTwo

One == [base |-> "b", tested |-> "t", commit |-> "one", tree |-> "t"]
Other == [One EXCEPT !.commit = "other"]

\* The second is announced only after the first, for the same change or for one that it overlaps with and that goes before it: in vain.
CanAnnounce(c, receipt) ==
    \/ receipt = One
    \/ IsLanding(c)
    \/ \E d \in Ahead(c) : IsLanding(d) /\ Overlap(c, d)

\* So often each is claimed: in the one world often enough for a claim to be outranked, but only the first change.
CanStillBeClaimed(c) ==
    IF IsOfOne THEN c = "c1" /\ (changes[c].fence < Tries \/ changes[c].fence = 4) ELSE changes[c].fence = 0

\* Of leases that end at the same moment the earlier change's ends first. In the code it is the one with the lower id.
IsFirstDue(c) ==
    \A d \in DOMAIN changes : (IsDue(d) /\ changes[d].until = changes[c].until) => Place(c) <= Place(d)

Begun(at, change) ==
    /\ now = at
    /\ changes = [c \in {"c1"} |-> change]
    /\ order = <<"c1">>
    /\ paused = FALSE

Old(turn) == [New("ann", Plain[2]) EXCEPT !.turn = turn]

\* Each begins with an empty queue. The one also with a change whose attempts failed three times, so that its longest pause is
\* next, or four times, so that its last attempt is; the other with one that was handed in so long before that nothing overtakes it.
GraphInit ==
    /\ step = [action |-> "Init", params |-> <<>>]
    /\ \/ /\ now \in {Start, StartOfTwo}
          /\ changes = [c \in {} |-> NoLanding]
          /\ order = <<>>
          /\ paused = FALSE
       \/ Begun(Start, [Old(Doubled(Handicap)) EXCEPT !.fence = 4, !.failures = 3, !.until = Start])
       \/ Begun(Start, [Old(Doubled(Handicap)) EXCEPT !.fence = 4, !.failures = 4, !.until = Start])
       \/ Begun(StartOfTwo, Old(StartOfTwo - 200))

OfClaim(by, c, fence) == [by |-> by, change |-> c, fence |-> fence]

Step(action, params) == step' = [action |-> action, params |-> params]

\* What those who do not work do.
OfPeople ==
    \/ \E submit \in Submits, c \in Unnamed \ {"c3"} :
        /\ ChangeSubmitted(submit[1], c, submit[2])
        /\ Step("ChangeSubmitted", [by |-> submit[1], change |-> c, request |-> submit[2]])
    \/ \E dead \in DOMAIN changes, c \in Unnamed :
        /\ ChangeRequeued(dead, c)
        /\ Step("ChangeRequeued", [dead |-> dead, change |-> c])
    \/ \E by \in Actors, c \in DOMAIN changes :
        \/ /\ ChangeApproved(by, c)
           /\ Step("ChangeApproved", [by |-> by, change |-> c])
        \/ /\ ChangeDisapproved(by, c)
           /\ Step("ChangeDisapproved", [by |-> by, change |-> c])
        \/ /\ ChangeCancelled(by, c)
           /\ Step("ChangeCancelled", [by |-> by, change |-> c])
        \/ /\ IsOfOne
           /\ ChangeSuperseded(by, c)
           /\ Step("ChangeSuperseded", [by |-> by, change |-> c])
    \/ /\ IsOfOne
       /\ QueuePaused
       /\ Step("QueuePaused", <<>>)
    \/ /\ QueueResumed
       /\ Step("QueueResumed", <<>>)

\* What is done under a claim, in both worlds.
OfWorkers(by, c, fence) ==
    \/ /\ ChangeReturned(by, c, fence)
       /\ Step("ChangeReturned", OfClaim(by, c, fence))
    \/ \E receipt \in Receipts :
        /\ ChangeLandingStarted(by, c, fence, receipt)
        /\ CanAnnounce(c, receipt)
        /\ Step("ChangeLandingStarted", [by |-> by, change |-> c, fence |-> fence, receipt |-> receipt])
    \/ \E receipt \in Receipts :
        /\ ChangeLanded(by, c, fence, receipt)
        /\ Step("ChangeLanded", [by |-> by, change |-> c, fence |-> fence, receipt |-> receipt])
    \/ \E class \in {"check"} :
        /\ ChangeFailed(by, c, fence, class, PauseAfter(changes[c].failures))
        /\ Step("ChangeFailed", [by |-> by, change |-> c, fence |-> fence, class |-> class,
                                 pause |-> PauseAfter(changes[c].failures)])

\* And what only in the one.
OfWorkersOfOne(by, c, fence) ==
    \/ \E lease \in Leases :
        /\ ChangeLeaseExtended(by, c, fence, lease)
        /\ Step("ChangeLeaseExtended", [by |-> by, change |-> c, fence |-> fence, lease |-> lease])
    \/ /\ ChangeConflicted(by, c, fence)
       /\ Step("ChangeConflicted", OfClaim(by, c, fence))
    \/ /\ ChangeRejected(by, c, fence)
       /\ Step("ChangeRejected", OfClaim(by, c, fence))
    \/ \E class \in {"check", "final"} :
        /\ ChangeDied(by, c, fence, class)
        /\ Step("ChangeDied", [by |-> by, change |-> c, fence |-> fence, class |-> class])

\* Where there are two, leases of two lengths: so that the later claim can end first.
LeaseOf(by) == IF IsOfOne \/ by = "w1" THEN 1 ELSE 2

GraphNext ==
    \/ OfPeople
    \/ \E by \in Workers, count \in 1..ClaimedMax :
        /\ ChangeLeased(by, count, LeaseOf(by))
        /\ \A c \in TheFirst(count, CanBeClaimed(by)) : CanStillBeClaimed(c)
        /\ Step("ChangeLeased", [by |-> by, changes |-> ClaimedInTurn(by, count), lease |-> LeaseOf(by)])
    \/ \E c \in DOMAIN changes :
        /\ ChangeLeaseExpired(c)
        /\ IsFirstDue(c)
        /\ Step("ChangeLeaseExpired", [change |-> c])
    \/ \E by \in Workers \cup {"ann"}, c \in DOMAIN changes : \E fence \in Fences \cap {changes[c].fence, changes[c].fence - 1} :
        \/ OfWorkers(by, c, fence)
        \/ /\ IsOfOne
           /\ OfWorkersOfOne(by, c, fence)
    \/ \E t \in Times :
        /\ IsOfOne <=> Before(t, StartOfTwo)
        /\ Advance(t)
        /\ Step("Advance", [to |-> t])

GraphReceipts == {One, Other, [One EXCEPT !.tree = "another"]}

GraphSpec == GraphInit /\ [][GraphNext]_<<vars, step>>
=============================================================================
