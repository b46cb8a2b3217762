----------------------------- MODULE MCMailbox -----------------------------
(* The mailbox with a time that has no end: instants are counted from now, so that it is       *)
(* always Zero, and as time passes everything comes nearer. Nothing depends on more than the   *)
(* spans between instants. So the states are few, and leases and pauses always end.            *)

EXTENDS Mailbox

CONSTANT Passing    \* how much time passes at once

TimePasses(span) ==
    /\ \E m \in DOMAIN msgs : msgs[m].until # Zero
    /\ msgs' = [m \in DOMAIN msgs |-> [msgs[m] EXCEPT !.until = Minus(@, span)]]
    /\ UNCHANGED <<now, order, acked>>

MCNext ==
    \/ Next
    \/ \E span \in Passing : TimePasses(span)

MCSpec == Init /\ [][MCNext]_vars

-----------------------------------------------------------------------------
(* Fairness. *)

Takes == \E by \in Readers, count \in 1..TakenMax, lease \in TakeLeases : MessageTaken(by, count, lease, FALSE)
Acks(m) == \E by \in Readers, fence \in 1..DeliveriesMax : MessageAcked(by, m, fence)
Expires == \E m \in DOMAIN msgs : MessageLeaseExpired(m)
Passes == \E span \in Passing : TimePasses(span)

\* Time passes and what is due is decided; and a mailbox that can be read again and again is read, and what is held
\* again and again is acknowledged sometime, if it is not given up before.
FairSpec ==
    /\ MCSpec
    /\ WF_vars(Passes)
    /\ WF_vars(Expires)
    /\ SF_vars(Takes)
    /\ \A m \in Messages : SF_vars(Acks(m))

EveryMessageIsAckedOrDead ==
    \A m \in Messages :
        (m \in DOMAIN msgs) ~> (m \notin DOMAIN msgs \/ msgs[m].status = "dead")

-----------------------------------------------------------------------------
(* What must be possible: each of these is violated. *)

NeverAcked == acked = {}
NeverAckedAfterExpiry == \A claim \in acked : claim.fence = 1
NeverDeadByNack == \A m \in DOMAIN msgs : msgs[m].reason # "nacked"
NeverDeadByExpiry == \A m \in DOMAIN msgs : msgs[m].reason # "lease_expired"
NeverRedrivenAndAcked == \A m \in DOMAIN msgs : msgs[m].again = "none" \/ msgs[m].again \in DOMAIN msgs
\* A message that is handed back waits aside, and a later one is taken meanwhile.
NeverOvertaken ==
    \A m \in DOMAIN msgs, n \in DOMAIN msgs :
        ~(msgs[m].status = "paused" /\ IsTaken(n) /\ Place(m) < Place(n) /\ msgs[m].priority = msgs[n].priority)
NeverTakesTheUrgentOneFirst ==
    \A m \in DOMAIN msgs, n \in DOMAIN msgs :
        ~(IsTaken(n) /\ msgs[m].deliveries = 0 /\ Place(m) < Place(n) /\ Rank(msgs[n].priority) < Rank(msgs[m].priority))
NeverTakenByAnother ==
    \A m \in DOMAIN msgs, n \in DOMAIN msgs :
        ~(IsTaken(m) /\ IsTaken(n) /\ msgs[m].holder # msgs[n].holder)
=============================================================================
