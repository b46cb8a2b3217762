----------------------------- MODULE TraceQueue -----------------------------
(* The changes to real branches, step by step: see specs/README.md.                            *)

EXTENDS Queue, TraceData

VARIABLES trace, line

\* A quarter of an hour, and a second.
TraceHandicap == <<900, 0>>
TracePause == <<1, 0>>

\* Besides what there is, in which order the code has those that wait.
Observed == [changes |-> changes, order |-> order, paused |-> paused, line |-> InLine]

\* A trace can begin while the queue is paused.
TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ now = Zero
    /\ changes = [c \in {} |-> NoLanding]
    /\ order = <<>>
    /\ paused = Traces[trace][1].state.paused
    /\ Observed = Traces[trace][1].state

Accepts(entry) ==
    \/ /\ entry.action = "Advance"
       /\ Advance(entry.params.to)
    \/ /\ entry.action = "ChangeSubmitted"
       /\ ChangeSubmitted(entry.params.by, entry.params.change, entry.params.request)
    \/ /\ entry.action = "ChangeRequeued"
       /\ ChangeRequeued(entry.params.dead, entry.params.change)
    \/ /\ entry.action = "ChangeApproved"
       /\ ChangeApproved(entry.params.by, entry.params.change)
    \/ /\ entry.action = "ChangeDisapproved"
       /\ ChangeDisapproved(entry.params.by, entry.params.change)
    \/ /\ entry.action = "ChangeLeased"
       /\ ChangeLeased(entry.params.by, Len(entry.params.changes), entry.params.lease)
       /\ ClaimedInTurn(entry.params.by, Len(entry.params.changes)) = entry.params.changes
    \/ /\ entry.action = "ChangeLeaseExtended"
       /\ ChangeLeaseExtended(entry.params.by, entry.params.change, entry.params.fence, entry.params.lease)
    \/ /\ entry.action = "ChangeLeaseExpired"
       /\ entry.params.change \in DOMAIN changes
       /\ ChangeLeaseExpired(entry.params.change)
    \/ /\ entry.action = "ChangeReturned"
       /\ ChangeReturned(entry.params.by, entry.params.change, entry.params.fence)
    \/ /\ entry.action = "ChangeLandingStarted"
       /\ ChangeLandingStarted(entry.params.by, entry.params.change, entry.params.fence, entry.params.receipt)
    \/ /\ entry.action = "ChangeLanded"
       /\ ChangeLanded(entry.params.by, entry.params.change, entry.params.fence, entry.params.receipt)
    \/ /\ entry.action = "ChangeConflicted"
       /\ ChangeConflicted(entry.params.by, entry.params.change, entry.params.fence)
    \/ /\ entry.action = "ChangeRejected"
       /\ ChangeRejected(entry.params.by, entry.params.change, entry.params.fence)
    \/ /\ entry.action = "ChangeFailed"
       /\ ChangeFailed(entry.params.by, entry.params.change, entry.params.fence, entry.params.class, entry.params.pause)
    \/ /\ entry.action = "ChangeDied"
       /\ ChangeDied(entry.params.by, entry.params.change, entry.params.fence, entry.params.class)
    \/ /\ entry.action = "ChangeCancelled"
       /\ ChangeCancelled(entry.params.by, entry.params.change)
    \/ /\ entry.action = "ChangeSuperseded"
       /\ ChangeSuperseded(entry.params.by, entry.params.change)
    \/ /\ entry.action = "QueuePaused"
       /\ QueuePaused
    \/ /\ entry.action = "QueueResumed"
       /\ QueueResumed

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
=============================================================================
