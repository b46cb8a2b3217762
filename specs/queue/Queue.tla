------------------------------- MODULE Queue -------------------------------
(* The changes on their way to one branch: handed in, approved, claimed under a lease and a    *)
(* fence, tested, announced, landed, or ended with their cause. Its code is crates/core/src/queue. *)
(*                                                                                            *)
(* Every action but the last two is what one command, or one lease that ran out, writes about *)
(* this branch. What is refused, and what writes nothing, is no step. What workers do with the *)
(* repository meanwhile is in MCQueue.                                                         *)

EXTENDS Time, Sequences, FiniteSets

CONSTANTS
    Changes,        \* the names that changes can have
    Requests,       \* what can be handed in, and by whom
    Workers,        \* who claims
    Actors,         \* who does anything else
    ClaimedMax,     \* how many changes are claimed at once, at most
    Leases,         \* the lengths of leases that are asked for
    Receipts,       \* what can be said of a landing
    Pauses,         \* the pauses after failures
    Times,          \* the instants that time passes to
    Handicap,       \* how much later the turn of a change of high priority is than that of a critical one
    Pause,          \* the shortest pause after the first failure; the longest is twice as long
    AttemptsMax,    \* how many attempts fail before a change is dead
    FenceMax        \* how many claims are tried out

VARIABLES
    now,
    changes,        \* all changes to this branch, by name
    order,          \* the same, in the order in which they were handed in
    paused          \* whether nothing is claimed

vars == <<now, changes, order, paused>>

-----------------------------------------------------------------------------
(* What can be said of a state. *)

Live == {"awaiting_approval", "queued", "leased"}

IsLive(c) == changes[c].status \in Live

IsLeased(c) == changes[c].status = "leased"

\* A pause ends by itself: nothing is written when it is over.
IsReady(c) == changes[c].status = "queued" /\ NotAfter(changes[c].until, now)

Place(c) == CHOOSE i \in 1..Len(order) : order[i] = c

\* Whoever is urgent has an earlier turn, but as a time: so it does not overtake what has waited for long.
Doubled(span) == Plus(span, span)

After(priority) ==
    IF priority = "critical" THEN Zero
    ELSE IF priority = "high" THEN Handicap
    ELSE IF priority = "normal" THEN Doubled(Handicap)
    ELSE Doubled(Doubled(Handicap))

GoesBefore(c, d) ==
    \/ Before(changes[c].turn, changes[d].turn)
    \/ /\ changes[c].turn = changes[d].turn
       /\ Place(c) < Place(d)

\* A path is the sequence of its parts. Two touch if one of them is the other, or lies below it.
Touch(p, q) == \A i \in 1..(IF Len(p) < Len(q) THEN Len(p) ELSE Len(q)) : p[i] = q[i]

Overlap(c, d) == \E p \in changes[c].paths, q \in changes[d].paths : Touch(p, q)

\* Those that wait for their landing, in order of their turns.
Line == {c \in DOMAIN changes : changes[c].status \in {"queued", "leased"}}

Ahead(c) == {d \in Line : GoesBefore(d, c)}

InLine ==
    LET line == Line
        ahead == [c \in line |-> Cardinality({d \in line : GoesBefore(d, c)})]
    IN [i \in 1..Cardinality(line) |-> CHOOSE c \in line : ahead[c] = i - 1]

\* What a worker cannot pass by: what others have, and what is ready and cannot be passed by itself.
WithBarrier(by, barriers, c) ==
    IF \/ IsLeased(c) /\ changes[c].worker # by
       \/ IsReady(c) /\ (\E d \in barriers : Overlap(c, d))
    THEN barriers \cup {c}
    ELSE barriers

RECURSIVE BarriersIn(_, _, _)
BarriersIn(by, line, count) ==
    IF count = 0 THEN {} ELSE WithBarrier(by, BarriersIn(by, line, count - 1), line[count])

Barriers(by) == BarriersIn(by, InLine, Cardinality(Line))

\* What a worker may claim: what is ready, and overlaps with nothing ahead of it but what the worker has itself.
CanBeClaimed(by) == {c \in DOMAIN changes : IsReady(c)} \ Barriers(by)

TheFirst(count, claimable) == {c \in claimable : Cardinality(claimable \cap Ahead(c)) < count}

ClaimedInTurn(by, count) ==
    LET claimable == CanBeClaimed(by)
    IN [i \in 1..count |-> CHOOSE c \in claimable : Cardinality(claimable \cap Ahead(c)) = i - 1]

IsDue(c) == IsLeased(c) /\ NotAfter(changes[c].until, now)

\* What is due is decided before any command.
NothingIsDue == \A c \in DOMAIN changes : ~IsDue(c)

\* The claim is the newest, it is this actor's, and it has not ended.
IsClaimOf(by, c, fence) ==
    /\ c \in DOMAIN changes
    /\ IsLeased(c)
    /\ changes[c].worker = by
    /\ changes[c].fence = fence

NoLanding == [base |-> "none", tested |-> "none", commit |-> "none", tree |-> "none"]

\* A landing was announced, and only a look at the repository says whether it happened.
IsLanding(c) == changes[c].landing # NoLanding

\* Something that it overlaps with lands first, and not with the same commit.
IsOutOfTurn(c, receipt) ==
    \E d \in Ahead(c) : (IsLeased(d) \/ IsReady(d)) /\ Overlap(c, d) /\ changes[d].landing # receipt

MayReview(by, c) == by \in changes[c].reviewers /\ by # changes[c].agent

\* Only its author withdraws a change, and not while it may be on the branch already.
MayWithdraw(by, c) ==
    /\ c \in DOMAIN changes
    /\ IsLive(c)
    /\ changes[c].agent = by
    /\ ~IsLanding(c)

\* A second change of the same task with the same content would be a duplicate, but for the one whose place it takes.
IsTaken(work, old) == \E c \in DOMAIN changes \ {old} : IsLive(c) /\ changes[c].work = work

PauseAfter(failures) ==
    IF failures = 0 THEN Pause
    ELSE IF failures = 1 THEN Doubled(Pause)
    ELSE IF failures = 2 THEN Doubled(Doubled(Pause))
    ELSE Doubled(Doubled(Doubled(Pause)))

-----------------------------------------------------------------------------
(* What becomes of changes. *)

New(by, request) ==
    [agent |-> by, work |-> request.work, priority |-> request.priority, paths |-> request.paths,
     turn |-> Plus(now, After(request.priority)), needed |-> request.needed, reviewers |-> request.reviewers,
     approved |-> {}, disapproved |-> {}, failures |-> 0, fence |-> 0,
     status |-> IF request.needed > 0 THEN "awaiting_approval" ELSE "queued",
     worker |-> "none", until |-> Zero, landing |-> NoLanding, class |-> "none", next |-> "none"]

Queued(change, until) == [change EXCEPT !.status = "queued", !.worker = "none", !.until = until]

\* What has ended keeps nothing that is not needed any more. What is dead may be put back, and keeps its paths.
Ended(change, status) ==
    [Queued(change, Zero) EXCEPT !.status = status, !.landing = NoLanding,
                                 !.paths = IF status = "dead" THEN @ ELSE {}]

\* Replaced by another.
Followed(change, next) == [change EXCEPT !.next = next, !.paths = {}]

Becomes(c, change) == changes' = [changes EXCEPT ![c] = change]

Reviewed(by, c, agrees) ==
    LET approved == IF agrees THEN changes[c].approved \cup {by} ELSE changes[c].approved \ {by}
        disapproved == IF agrees THEN changes[c].disapproved \ {by} ELSE changes[c].disapproved \cup {by}
    IN [changes[c] EXCEPT !.approved = approved, !.disapproved = disapproved,
                          !.status = IF Cardinality(approved) >= changes[c].needed THEN "queued" ELSE @]

-----------------------------------------------------------------------------
Init ==
    /\ now = Zero
    /\ changes = [c \in {} |-> NoLanding]
    /\ order = <<>>
    /\ paused = FALSE

\* Handed in, perhaps in the place of another one of the same author.
ChangeSubmitted(by, c, request) ==
    /\ NothingIsDue
    /\ c \notin DOMAIN changes
    /\ request.paths # {}
    /\ request.needed <= Cardinality(request.reviewers \ {by})
    /\ ~IsTaken(request.work, request.supersedes)
    /\ (request.supersedes # "none") => MayWithdraw(by, request.supersedes)
    /\ changes' = [d \in DOMAIN changes \cup {c} |->
                        IF d = c THEN New(by, request)
                        ELSE IF d = request.supersedes
                        THEN Followed(Ended(changes[d], "superseded"), c)
                        ELSE changes[d]]
    /\ order' = Append(order, c)
    /\ UNCHANGED <<now, paused>>

\* A dead one is put back, once and by anybody, as a new one of its author; it was approved before it was ever tried.
ChangeRequeued(dead, c) ==
    /\ NothingIsDue
    /\ dead \in DOMAIN changes
    /\ changes[dead].status = "dead"
    /\ changes[dead].next = "none"
    /\ ~IsTaken(changes[dead].work, "none")
    /\ c \notin DOMAIN changes
    /\ changes' = [d \in DOMAIN changes \cup {c} |->
                        IF d = c THEN New(changes[dead].agent,
                                          [work |-> changes[dead].work, priority |-> changes[dead].priority,
                                           paths |-> changes[dead].paths, needed |-> 0, reviewers |-> {}])
                        ELSE IF d = dead
                        THEN Followed(changes[d], c)
                        ELSE changes[d]]
    /\ order' = Append(order, c)
    /\ UNCHANGED <<now, paused>>

ChangeApproved(by, c) ==
    /\ NothingIsDue
    /\ c \in DOMAIN changes
    /\ changes[c].status = "awaiting_approval"
    /\ MayReview(by, c)
    /\ by \notin changes[c].approved
    /\ Becomes(c, Reviewed(by, c, TRUE))
    /\ UNCHANGED <<now, order, paused>>

ChangeDisapproved(by, c) ==
    /\ NothingIsDue
    /\ c \in DOMAIN changes
    /\ changes[c].status = "awaiting_approval"
    /\ MayReview(by, c)
    /\ by \notin changes[c].disapproved
    /\ Becomes(c, Reviewed(by, c, FALSE))
    /\ UNCHANGED <<now, order, paused>>

Claimed(by, these, until) ==
    [c \in DOMAIN changes |->
        IF c \in these
        THEN [changes[c] EXCEPT !.status = "leased", !.worker = by, !.fence = @ + 1, !.until = until]
        ELSE changes[c]]

\* A worker takes the first so many that it may have.
ChangeLeased(by, count, lease) ==
    /\ NothingIsDue
    /\ ~paused
    /\ count > 0
    /\ Before(Zero, lease)
    /\ count <= Cardinality(CanBeClaimed(by))
    /\ changes' = Claimed(by, TheFirst(count, CanBeClaimed(by)), Plus(now, lease))
    /\ UNCHANGED <<now, order, paused>>

\* The worker lives. A lease never becomes shorter.
ChangeLeaseExtended(by, c, fence, lease) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ Before(changes[c].until, Plus(now, lease))
    /\ Becomes(c, [changes[c] EXCEPT !.until = Plus(now, lease)])
    /\ UNCHANGED <<now, order, paused>>

\* The worker was silent for too long; of several the one that was due first. What it announced may have happened.
ChangeLeaseExpired(c) ==
    /\ IsDue(c)
    /\ \A d \in DOMAIN changes : IsDue(d) => NotAfter(changes[c].until, changes[d].until)
    /\ Becomes(c, Queued(changes[c], Zero))
    /\ UNCHANGED <<now, order, paused>>

\* Given back without blame; and what was announced did not happen.
ChangeReturned(by, c, fence) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ Becomes(c, [Queued(changes[c], Zero) EXCEPT !.landing = NoLanding])
    /\ UNCHANGED <<now, order, paused>>

\* Tested, and about to be put on the branch: exactly what was tested, and not before what it overlaps with.
ChangeLandingStarted(by, c, fence, receipt) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ receipt.tree = receipt.tested
    /\ ~IsLanding(c)
    /\ ~IsOutOfTurn(c, receipt)
    /\ Becomes(c, [changes[c] EXCEPT !.landing = receipt])
    /\ UNCHANGED <<now, order, paused>>

\* On the branch: what was announced, whoever announced it.
ChangeLanded(by, c, fence, receipt) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ IsLanding(c)
    /\ receipt = changes[c].landing
    /\ Becomes(c, Ended(changes[c], "landed"))
    /\ UNCHANGED <<now, order, paused>>

\* It ends, or it fails, only while it cannot be on the branch.
ChangeConflicted(by, c, fence) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ ~IsLanding(c)
    /\ Becomes(c, Ended(changes[c], "conflicted"))
    /\ UNCHANGED <<now, order, paused>>

ChangeRejected(by, c, fence) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ ~IsLanding(c)
    /\ Becomes(c, Ended(changes[c], "rejected"))
    /\ UNCHANGED <<now, order, paused>>

IsTheLast(c, class) == class = "final" \/ changes[c].failures + 1 >= AttemptsMax

\* Tried again, after a pause that doubles with each failure; how long it is exactly is each change's own.
ChangeFailed(by, c, fence, class, pause) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ ~IsLanding(c)
    /\ ~IsTheLast(c, class)
    /\ class \in {"check", "machine"}
    /\ NotAfter(PauseAfter(changes[c].failures), pause)
    /\ NotAfter(pause, Doubled(PauseAfter(changes[c].failures)))
    /\ Becomes(c, [Queued(changes[c], Plus(now, pause)) EXCEPT !.failures = @ + 1])
    /\ UNCHANGED <<now, order, paused>>

ChangeDied(by, c, fence, class) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, c, fence)
    /\ ~IsLanding(c)
    /\ IsTheLast(c, class)
    /\ Becomes(c, [Ended(changes[c], "dead") EXCEPT !.class = class])
    /\ UNCHANGED <<now, order, paused>>

ChangeCancelled(by, c) ==
    /\ NothingIsDue
    /\ MayWithdraw(by, c)
    /\ Becomes(c, Ended(changes[c], "cancelled"))
    /\ UNCHANGED <<now, order, paused>>

\* One that goes to another branch takes its place.
ChangeSuperseded(by, c) ==
    /\ NothingIsDue
    /\ MayWithdraw(by, c)
    /\ Becomes(c, Followed(Ended(changes[c], "superseded"), "elsewhere"))
    /\ UNCHANGED <<now, order, paused>>

\* Nothing is claimed any more; what is claimed goes on.
QueuePaused ==
    /\ NothingIsDue
    /\ ~paused
    /\ paused' = TRUE
    /\ UNCHANGED <<now, changes, order>>

QueueResumed ==
    /\ NothingIsDue
    /\ paused
    /\ paused' = FALSE
    /\ UNCHANGED <<now, changes, order>>

\* Time passes; past what is due as well, if nobody was there to decide it.
Advance(t) ==
    /\ Before(now, t)
    /\ now' = t
    /\ UNCHANGED <<changes, order, paused>>

Fences == 1..FenceMax

Next ==
    \/ \E by \in Actors, c \in Changes, request \in Requests : ChangeSubmitted(by, c, request)
    \/ \E dead \in DOMAIN changes, c \in Changes : ChangeRequeued(dead, c)
    \/ \E by \in Actors, c \in DOMAIN changes : ChangeApproved(by, c)
    \/ \E by \in Actors, c \in DOMAIN changes : ChangeDisapproved(by, c)
    \/ \E by \in Workers, count \in 1..ClaimedMax, lease \in Leases : ChangeLeased(by, count, lease)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences, lease \in Leases : ChangeLeaseExtended(by, c, fence, lease)
    \/ \E c \in DOMAIN changes : ChangeLeaseExpired(c)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences : ChangeReturned(by, c, fence)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences, receipt \in Receipts : ChangeLandingStarted(by, c, fence, receipt)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences, receipt \in Receipts : ChangeLanded(by, c, fence, receipt)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences : ChangeConflicted(by, c, fence)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences : ChangeRejected(by, c, fence)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences, class \in {"check", "final"}, pause \in Pauses : ChangeFailed(by, c, fence, class, pause)
    \/ \E by \in Workers, c \in DOMAIN changes, fence \in Fences, class \in {"check", "final"} : ChangeDied(by, c, fence, class)
    \/ \E by \in Actors, c \in DOMAIN changes : ChangeCancelled(by, c)
    \/ \E by \in Actors, c \in DOMAIN changes : ChangeSuperseded(by, c)
    \/ QueuePaused
    \/ QueueResumed
    \/ \E t \in Times : Advance(t)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Safety. *)

Ends == {"landed", "conflicted", "rejected", "dead", "cancelled", "superseded"}

HasEnded(c) == changes[c].status \in Ends

TypeOK ==
    /\ paused \in BOOLEAN
    /\ \A c \in DOMAIN changes :
        /\ changes[c].status \in (Live \cup Ends)
        /\ (changes[c].worker # "none") <=> IsLeased(c)
        /\ (changes[c].until # Zero) => (IsLeased(c) \/ changes[c].status = "queued")
        /\ (changes[c].class # "none") <=> (changes[c].status = "dead")
        /\ (changes[c].next # "none") => (changes[c].status \in {"dead", "superseded"})
        /\ (changes[c].paths = {}) <=> (HasEnded(c) /\ (changes[c].status = "dead" => changes[c].next # "none"))
        /\ changes[c].approved \cap changes[c].disapproved = {}

OrderIsOfWhatIsThere ==
    /\ {order[i] : i \in 1..Len(order)} = DOMAIN changes
    /\ Len(order) = Cardinality(DOMAIN changes)

\* A landing is announced under a claim, of what was tested; and nothing ends with one that is not cleared up.
OnlyTheTestedTreeLands ==
    \A c \in DOMAIN changes : IsLanding(c) =>
        /\ changes[c].landing.tree = changes[c].landing.tested
        /\ changes[c].fence > 0
        /\ changes[c].status \in {"queued", "leased"}

AttemptsBounded == \A c \in DOMAIN changes : changes[c].failures < AttemptsMax

\* Nothing is queued without the approvals that it needs, and its author gives none.
ApprovedBeforeItIsQueued ==
    \A c \in DOMAIN changes :
        /\ changes[c].approved \subseteq (changes[c].reviewers \ {changes[c].agent})
        /\ (changes[c].fence > 0 \/ changes[c].status = "queued") => (Cardinality(changes[c].approved) >= changes[c].needed)

\* No two live changes do the same.
NoDuplicates ==
    \A c \in DOMAIN changes, d \in DOMAIN changes :
        (IsLive(c) /\ IsLive(d) /\ changes[c].work = changes[d].work) => (c = d)

PutBackOnce ==
    \A c \in DOMAIN changes, d \in DOMAIN changes :
        (changes[c].next = changes[d].next /\ changes[c].next \in DOMAIN changes) => (c = d)

-----------------------------------------------------------------------------
(* Safety of steps. *)

NothingIsLost == [][ DOMAIN changes \subseteq DOMAIN changes' ]_vars

\* Only that a dead one was put back is added to what has ended.
TerminalIsFinal ==
    [][ \A c \in DOMAIN changes : HasEnded(c) =>
            \/ changes'[c] = changes[c]
            \/ /\ changes[c].status = "dead"
               /\ changes[c].next = "none"
               /\ changes'[c] = Followed(changes[c], changes'[c].next) ]_vars

\* Each claim has a fence of its own, one more than the one before.
FencesGrow ==
    [][ \A c \in DOMAIN changes :
            IF ~IsLeased(c) /\ changes'[c].status = "leased"
            THEN changes'[c].fence = changes[c].fence + 1
            ELSE changes'[c].fence = changes[c].fence ]_vars

OneWorkerAtATime ==
    [][ \A c \in DOMAIN changes :
            (IsLeased(c) /\ changes'[c].status = "leased") => (changes'[c].worker = changes[c].worker) ]_vars

LandsOnlyAsAnnounced ==
    [][ \A c \in DOMAIN changes :
            (~HasEnded(c) /\ changes'[c].status = "landed") => (IsLeased(c) /\ IsLanding(c)) ]_vars

\* From its announcement until it is cleared up, a change can only land.
NoOtherEndWhileItLands ==
    [][ \A c \in DOMAIN changes :
            IsLanding(c) => changes'[c].status \in {"leased", "queued", "landed"} ]_vars

\* What overlaps lands in its turn.
OverlapsLandInTurn ==
    [][ \A c \in DOMAIN changes :
            (~IsLanding(c) /\ changes'[c].landing # NoLanding) =>
                \A d \in Ahead(c) :
                    Overlap(c, d) => (~(IsLeased(d) \/ IsReady(d)) \/ changes[d].landing = changes'[c].landing) ]_vars

\* Two workers never have overlapping changes, but for one that came back from its pause, or that was urgent: it goes first.
OthersWorkIsNotTouched ==
    [][ \A c \in DOMAIN changes :
            (~IsLeased(c) /\ changes'[c].status = "leased") =>
                \A d \in Ahead(c) :
                    Overlap(c, d) => (changes[d].status = "queued" /\ ~IsReady(d)) \/ changes'[d].worker = changes'[c].worker ]_vars

PausedClaimsNothing ==
    [][ paused => \A c \in DOMAIN changes : changes'[c].fence = changes[c].fence ]_vars
=============================================================================
