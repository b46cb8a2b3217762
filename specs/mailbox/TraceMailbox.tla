---------------------------- MODULE TraceMailbox ----------------------------
(* Real mailboxes, step by step: see specs/README.md. Whoever may take from the mailbox is a1. *)

EXTENDS Mailbox, TraceData

VARIABLES trace, line

\* The first pause: a second.
TracePause == <<1, 0>>

\* Besides what lies there, how much of it the code counts: without the dead letters that were sent once more.
Observed ==
    [msgs |-> msgs,
     order |-> order,
     live |-> Cardinality({m \in DOMAIN msgs : msgs[m].again = "none"})]

TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ Init
    /\ Observed = Traces[trace][1].state

Accepts(entry) ==
    \/ /\ entry.action = "Advance"
       /\ Advance(entry.params.to)
    \/ /\ entry.action = "MessageSent"
       /\ MessageSent(entry.params.by, entry.params.sent)
    \/ /\ entry.action = "MessageTaken"
       /\ MessageTaken(entry.params.by, Len(entry.params.messages), entry.params.lease, entry.params.ack)
       /\ InTurn(Len(entry.params.messages)) = entry.params.messages
    \/ /\ entry.action = "MessageAcked"
       /\ MessageAcked(entry.params.by, entry.params.message, entry.params.fence)
    \/ /\ entry.action = "MessageNacked"
       /\ MessageNacked(entry.params.by, entry.params.message, entry.params.fence)
    \/ /\ entry.action = "MessageLeaseExtended"
       /\ MessageLeaseExtended(entry.params.by, entry.params.message, entry.params.fence, entry.params.lease)
    \/ /\ entry.action = "MessageLeaseExpired"
       /\ entry.params.message \in DOMAIN msgs
       /\ MessageLeaseExpired(entry.params.message)
    \/ /\ entry.action = "MessageRedriven"
       /\ MessageRedriven(entry.params.by, entry.params.message, entry.params.again)
    \/ /\ entry.action = "HolderActed"
       /\ HolderActed(entry.params.by)

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
=============================================================================
