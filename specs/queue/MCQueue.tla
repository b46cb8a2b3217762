------------------------------ MODULE MCQueue ------------------------------
(* The queue with what is around it: the repository, and the workers, which look at it and      *)
(* change it while the log goes on. A worker claims a change, writes its fence to the           *)
(* repository, builds and tests on the branch's tip, announces the landing, moves the branch,   *)
(* and says so. It can be slow, or gone, at any point; what it had begun then may happen later.  *)
(*                                                                                              *)
(* Instants are counted from now, so that now is always Zero: leases and pauses end however      *)
(* long a behaviour is, and the states are few.                                                  *)

EXTENDS Queue

CONSTANTS
    Passing,        \* how much time passes at once
    Mishaps,        \* how often a worker dies, is slow for too long, or stops
    Classes,        \* how attempts fail
    Withdrawing,    \* whether authors withdraw what they handed in
    Spoiled         \* whether some changes cannot land: they conflict, or are not what they say

VARIABLES
    fences,         \* in the repository: the newest claim that was written for each change
    branch,         \* in the repository: what landed on the branch, and on how much before it each was tested
    workers,        \* what each worker is doing, and knows
    orphans,        \* what dead workers had begun, and git may still do
    mishaps         \* how many are left

world == <<fences, branch, workers, orphans, mishaps>>
all == <<now, changes, order, paused, fences, branch, workers, orphans, mishaps>>

-----------------------------------------------------------------------------
(* What is handed in: everything touches the same file. *)

Names == <<"c1", "c2", "c3">>

Unnamed == {c \in Changes : Names[Len(order) + 1] = c}

RequestOf(c) ==
    [work |-> c, priority |-> "normal", paths |-> {<<"src">>}, needed |-> 0, reviewers |-> {}, supersedes |-> "none"]

\* The tip of the branch after so many landings.
Tips == <<"t0", "t1", "t2", "t3">>

\* A change on that tip: the tree in which it was tested, and the commit that has this tree.
ReceiptOf(c, base) == [base |-> Tips[base + 1], tested |-> c, commit |-> c, tree |-> c]

\* Whether the commit that was announced is on the branch.
IsThere(c) == \E i \in 1..Len(branch) : branch[i].change = c /\ Tips[branch[i].base + 1] = changes[c].landing.base

-----------------------------------------------------------------------------
(* The repository. *)

\* One transaction: the fence is the newest, and the branch is where it was when the change was tested.
Moves(c, fence, base) == fences[c] = fence /\ Len(branch) = base

Moved(c, fence, base) == branch' = Append(branch, [change |-> c, fence |-> fence, base |-> base])

-----------------------------------------------------------------------------
(* The workers. *)

Idle == [stage |-> "idle", change |-> "none", fence |-> 0, base |-> 0]

At(w, stage) == workers[w].stage = stage

Goes(w, stage) == workers' = [workers EXCEPT ![w].stage = stage]

Rests(w) == workers' = [workers EXCEPT ![w] = Idle]

Mine(w) == workers[w].change

Fence(w) == workers[w].fence

\* What the log would say: the claim is current.
HasClaim(w) == IsClaimOf(w, Mine(w), Fence(w))

Claims(w) ==
    /\ At(w, "idle")
    /\ \E lease \in Leases : ChangeLeased(w, 1, lease)
    /\ workers' = [workers EXCEPT ![w] =
                        LET c == ClaimedInTurn(w, 1)[1]
                        IN [stage |-> "claimed", change |-> c, fence |-> changes[c].fence + 1, base |-> 0]]
    /\ UNCHANGED <<fences, branch, orphans, mishaps>>

\* From now on no older claim lands. An older one never replaces a newer one.
WritesFence(w) ==
    /\ At(w, "claimed")
    /\ IF fences[Mine(w)] <= Fence(w)
       THEN fences' = [fences EXCEPT ![Mine(w)] = Fence(w)] /\ Goes(w, "ready")
       ELSE UNCHANGED fences /\ Rests(w)
    /\ UNCHANGED <<vars, branch, orphans, mishaps>>

\* A landing was begun: it is looked for first, now that nobody can bring it about any more.
Looks(w) ==
    /\ At(w, "ready")
    /\ HasClaim(w)
    /\ IsLanding(Mine(w))
    /\ Goes(w, IF IsThere(Mine(w)) THEN "moved" ELSE "missed")
    /\ UNCHANGED <<vars, fences, branch, orphans, mishaps>>

Tests(w) ==
    /\ At(w, "ready")
    /\ HasClaim(w)
    /\ ~IsLanding(Mine(w))
    /\ workers' = [workers EXCEPT ![w].stage = "tested", ![w].base = Len(branch)]
    /\ UNCHANGED <<vars, fences, branch, orphans, mishaps>>

Announces(w) ==
    /\ At(w, "tested")
    /\ ChangeLandingStarted(w, Mine(w), Fence(w), ReceiptOf(Mine(w), workers[w].base))
    /\ Goes(w, "announced")
    /\ UNCHANGED <<fences, branch, orphans, mishaps>>

\* It asks nobody whether its claim is still current: the repository says.
Lands(w) ==
    /\ At(w, "announced")
    /\ IF Moves(Mine(w), Fence(w), workers[w].base)
       THEN Moved(Mine(w), Fence(w), workers[w].base) /\ Goes(w, "moved")
       ELSE UNCHANGED branch /\ Goes(w, "missed")
    /\ UNCHANGED <<vars, fences, orphans, mishaps>>

Tells(w) ==
    /\ At(w, "moved")
    /\ ChangeLanded(w, Mine(w), Fence(w), changes[Mine(w)].landing)
    /\ Rests(w)
    /\ UNCHANGED <<fences, branch, orphans, mishaps>>

\* The branch has moved, or it was not there: built anew under another claim.
GivesBack(w) ==
    /\ At(w, "missed")
    /\ ChangeReturned(w, Mine(w), Fence(w))
    /\ Rests(w)
    /\ UNCHANGED <<fences, branch, orphans, mishaps>>

\* Whatever a worker wants to say, the log refuses if its claim has ended; it then drops its work.
FindsOut(w) ==
    /\ ~At(w, "idle")
    /\ NothingIsDue
    /\ ~HasClaim(w)
    /\ Rests(w)
    /\ UNCHANGED <<vars, fences, branch, orphans, mishaps>>

Beats(w) ==
    /\ ~At(w, "idle")
    /\ \E lease \in Leases : ChangeLeaseExtended(w, Mine(w), Fence(w), lease)
    /\ UNCHANGED world

\* The change is not what it should be, or the checks say no.
IsWorked(w) == (At(w, "ready") \/ At(w, "tested")) /\ HasClaim(w)

Fails(w) ==
    /\ IsWorked(w)
    /\ \E class \in Classes :
        \/ \E pause \in Pauses : ChangeFailed(w, Mine(w), Fence(w), class, pause)
        \/ ChangeDied(w, Mine(w), Fence(w), class)
    /\ Rests(w)
    /\ UNCHANGED <<fences, branch, orphans, mishaps>>

Condemns(w) ==
    /\ Spoiled
    /\ IsWorked(w)
    /\ \/ ChangeConflicted(w, Mine(w), Fence(w))
       \/ ChangeRejected(w, Mine(w), Fence(w))
    /\ Rests(w)
    /\ UNCHANGED <<fences, branch, orphans, mishaps>>

\* A worker dies, and another process takes its name. What it had begun in the repository may go on without it.
Dies(w) ==
    /\ mishaps > 0
    /\ ~At(w, "idle")
    /\ mishaps' = mishaps - 1
    /\ \/ UNCHANGED orphans
       \/ /\ At(w, "announced")
          /\ orphans' = orphans \cup {[change |-> Mine(w), fence |-> Fence(w), base |-> workers[w].base]}
    /\ Rests(w)
    /\ UNCHANGED <<vars, fences, branch>>

OrphanLands ==
    \E orphan \in orphans :
        /\ IF Moves(orphan.change, orphan.fence, orphan.base)
           THEN Moved(orphan.change, orphan.fence, orphan.base)
           ELSE UNCHANGED branch
        /\ orphans' = orphans \ {orphan}
        /\ UNCHANGED <<vars, fences, workers, mishaps>>

-----------------------------------------------------------------------------
(* The others, and the time. *)

Submits ==
    /\ \E c \in Unnamed : ChangeSubmitted("ann", c, RequestOf(c))
    /\ UNCHANGED world

Withdraws ==
    /\ Withdrawing
    /\ \E c \in DOMAIN changes : ChangeCancelled("ann", c)
    /\ UNCHANGED world

Expires ==
    /\ \E c \in DOMAIN changes : ChangeLeaseExpired(c)
    /\ UNCHANGED world

\* Whether a worker that is alive loses its claim when so much time passes.
WouldLose(w, span) ==
    /\ ~At(w, "idle")
    /\ HasClaim(w)
    /\ NotAfter(changes[Mine(w)].until, span)

\* A worker that is alive shows it in time, but for so many mishaps.
TimePasses(span) ==
    /\ NothingIsDue
    /\ \E c \in DOMAIN changes : changes[c].until # Zero
    /\ IF \E w \in Workers : WouldLose(w, span)
       THEN mishaps > 0 /\ mishaps' = mishaps - 1
       ELSE UNCHANGED mishaps
    /\ changes' = [c \in DOMAIN changes |-> [changes[c] EXCEPT !.until = Minus(@, span)]]
    /\ UNCHANGED <<now, order, paused, fences, branch, workers, orphans>>

Passes == \E span \in Passing : TimePasses(span)

MCInit ==
    /\ Init
    /\ fences = [c \in Changes |-> 0]
    /\ branch = <<>>
    /\ workers = [w \in Workers |-> Idle]
    /\ orphans = {}
    /\ mishaps = Mishaps

Works(w) == Looks(w) \/ Tests(w) \/ WritesFence(w) \/ Announces(w) \/ Lands(w) \/ Tells(w) \/ GivesBack(w) \/ FindsOut(w)

MCNext ==
    \/ Submits
    \/ Withdraws
    \/ \E w \in Workers : Claims(w) \/ Works(w) \/ Beats(w) \/ Fails(w) \/ Condemns(w) \/ Dies(w)
    \/ OrphanLands
    \/ Expires
    \/ Passes

MCSpec == MCInit /\ [][MCNext]_all

-----------------------------------------------------------------------------
(* The log alone: every command, by everybody. *)

Request(work, priority, paths, needed, reviewers, supersedes) ==
    [work |-> work, priority |-> priority, paths |-> paths, needed |-> needed, reviewers |-> reviewers,
     supersedes |-> supersedes]

LogRequests ==
    {Request("k1", "normal", {<<"src">>}, 1, {"ann", "rae"}, "none"),
     Request("k2", "critical", {<<"src", "a">>}, 0, {}, "c1")}

PlainRequests ==
    {Request("k1", "normal", {<<"src">>}, 0, {}, "none"),
     Request("k2", "critical", {<<"src", "a">>}, 0, {}, "none")}

\* The same work once more, in the place of the first: of itself, or of another while its twin lives.
TwinRequests ==
    {Request("k1", "normal", {<<"src">>}, 0, {}, "none"),
     Request("k2", "normal", {<<"src">>}, 0, {}, "none"),
     Request("k1", "high", {<<"src">>}, 0, {}, "c1")}

LogReceipts == {[base |-> "b", tested |-> "t", commit |-> "c", tree |-> "t"], [base |-> "b", tested |-> "t", commit |-> "c", tree |-> "u"]}

LogPasses ==
    \E span \in Passing :
        /\ \E c \in DOMAIN changes : changes[c].until # Zero
        /\ changes' = [c \in DOMAIN changes |-> [changes[c] EXCEPT !.until = Minus(@, span)]]
        /\ UNCHANGED <<now, order, paused>>

LogNext == (Next \/ LogPasses) /\ UNCHANGED world

LogSpec == MCInit /\ [][LogNext]_all

\* So far it is searched.
FewClaims == \A c \in DOMAIN changes : changes[c].fence <= FenceMax

-----------------------------------------------------------------------------
(* Safety of both together. *)

\* Each change is on the branch at most once.
LandedAtMostOnce ==
    \A i \in 1..Len(branch), j \in 1..Len(branch) : (branch[i].change = branch[j].change) => (i = j)

\* What landed is on exactly what it was tested on, so that its tree is the tested one.
LandedTreeIsTestedTree == \A i \in 1..Len(branch) : branch[i].base = i - 1

\* The log says that it landed only if it did; and what did is landed, or somebody has to look for it: it is not cancelled.
LandedMeansLanded ==
    /\ \A c \in DOMAIN changes : (changes[c].status = "landed") => (\E i \in 1..Len(branch) : branch[i].change = c)
    /\ \A i \in 1..Len(branch) :
        LET c == branch[i].change
        IN changes[c].status = "landed" \/ (changes[c].status \in {"queued", "leased"} /\ IsLanding(c))

\* What a worker with a current claim did not find is not there.
NotFoundMeansNotThere ==
    \A w \in Workers :
        (At(w, "missed") /\ HasClaim(w)) => (\A i \in 1..Len(branch) : branch[i].change # Mine(w))

\* The repository knows no claim that the log does not.
FencesFollowTheLog == \A c \in DOMAIN changes : fences[c] <= changes[c].fence

\* What overlaps is on the branch in order of its turns. (Everything does here, and nothing fails.)
OverlapsLandInOrder ==
    \A i \in 1..Len(branch), j \in 1..Len(branch) : (i < j) => GoesBefore(branch[i].change, branch[j].change)

\* The branch only grows: an earlier landing stays an ancestor.
EarlierLandingsStay == [][ \A i \in 1..Len(branch) : branch'[i] = branch[i] ]_all

\* Only the newest claim moves the branch.
NoStaleLanding ==
    [][ (Len(branch') > Len(branch)) =>
            LET last == branch'[Len(branch')] IN last.fence = fences[last.change] ]_all

FencesOfTheRepositoryGrow == [][ \A c \in Changes : fences'[c] >= fences[c] ]_all

-----------------------------------------------------------------------------
(* Fairness: workers work, one claims if it can again and again, leases end, time passes. *)

FairSpec ==
    /\ MCInit
    /\ [][MCNext]_all
    /\ WF_all(Passes)
    /\ WF_all(Expires)
    /\ SF_all(\E w \in Workers : Claims(w))
    /\ \A w \in Workers : WF_all(Works(w))
    /\ \A w \in Workers : WF_all(Beats(w))

EveryChangeEnds == \A c \in Changes : (c \in DOMAIN changes) ~> (c \in DOMAIN changes /\ HasEnded(c))

-----------------------------------------------------------------------------
(* What must be possible: each of these is violated. *)

Became(status) == \E c \in DOMAIN changes : changes[c].status = status

NeverLanded == ~Became("landed")
NeverConflicted == ~Became("conflicted")
NeverRejected == ~Became("rejected")
NeverCancelled == ~Became("cancelled")
NeverSuperseded == ~Became("superseded")
\* In its place is the same work, with another priority.
NeverSooner ==
    \A c \in DOMAIN changes :
        ~(/\ changes[c].status = "superseded"
          /\ changes[c].next \in DOMAIN changes
          /\ changes[changes[c].next].work = changes[c].work)
NeverDead == ~Became("dead")
NeverRequeued == \A c \in DOMAIN changes : changes[c].status = "dead" => changes[c].next = "none"
NeverApproved == \A c \in DOMAIN changes : changes[c].approved = {}
NeverLandedAfterFailure == \A c \in DOMAIN changes : ~(changes[c].status = "landed" /\ changes[c].failures > 0)
\* A worker moved the branch and died; another one found it there.
NeverRecovered ==
    \A c \in DOMAIN changes, i \in 1..Len(branch) :
        ~(changes[c].status = "landed" /\ branch[i].change = c /\ branch[i].fence < changes[c].fence)
\* A worker that was too slow tries to move the branch, and the repository refuses.
NeverStale == \A w \in Workers : ~(At(w, "announced") /\ fences[Mine(w)] > Fence(w))
\* A landing that was begun did not happen, and the change is withdrawn after all.
NeverWithdrawnAfterAll == \A c \in DOMAIN changes : ~(changes[c].status = "cancelled" /\ \E o \in orphans : o.change = c)
\* The branch moved on between the test and the landing.
NeverMissed == \A w \in Workers : ~(At(w, "missed") /\ fences[Mine(w)] = Fence(w) /\ workers[w].base < Len(branch))
\* One worker has two changes of which one builds on the other.
NeverStacked ==
    \A c \in DOMAIN changes, d \in DOMAIN changes :
        ~(c # d /\ IsLeased(c) /\ IsLeased(d) /\ Overlap(c, d) /\ changes[c].worker = changes[d].worker)
\* A later change goes first while an earlier one is in its pause.
NeverOvertaken ==
    \A c \in DOMAIN changes, d \in DOMAIN changes :
        ~(/\ GoesBefore(c, d)
          /\ IsLanding(d)
          /\ changes[c].status = "queued"
          /\ changes[c].failures > 0
          /\ ~IsReady(c))
=============================================================================
