---------------------------- MODULE GraphMailbox ----------------------------
(* The same machine with the name of each step and its parameters, for the canonical graph:    *)
(* bob's mailbox, to which ann and bob himself write, in the first seconds.                    *)

EXTENDS Mailbox

VARIABLE step

Names == <<"m1", "m2">>

\* Messages are named as they come.
Unnamed == {Names[i] : i \in {j \in 1..Len(Names) : j = Cardinality(Known) + 1}}

\* Ann writes what is ordinary, bob reminds himself of what is urgent.
Sends == {<<"ann", "normal">>, <<"bob", "high">>}

\* Of leases that end at the same moment the earlier message's ends first. In the code it is the one with the lower id:
\* ids grow with time, and those of one millisecond say nothing.
IsFirstDue(m) ==
    \A n \in DOMAIN msgs : (IsDue(n) /\ msgs[n].until = msgs[m].until) => Place(m) <= Place(n)

\* It begins with an empty mailbox; with a message that was handed back three times, and whose pause ends now: the next is
\* the longest; or with one whose fourth delivery then ran out: the next is the last.
Begun(letter) ==
    /\ now = Zero
    /\ msgs = [m \in {"m1"} |-> letter]
    /\ order = <<"m1">>
    /\ acked = {}

Worn == [New("ann", "normal") EXCEPT !.status = "paused", !.deliveries = 3, !.nacks = 3]
WornOut == [New("ann", "normal") EXCEPT !.deliveries = 4, !.nacks = 3]

GraphInit == (Init \/ Begun(Worn) \/ Begun(WornOut)) /\ step = [action |-> "Init", params |-> <<>>]

GraphNext ==
    \/ \E send \in Sends, m \in Unnamed :
        LET sent == <<[message |-> m, from |-> send[1], priority |-> send[2]]>>
        IN /\ MessageSent(send[1], sent)
           /\ step' = [action |-> "MessageSent", params |-> [by |-> send[1], sent |-> sent]]
    \/ \E by \in Readers, count \in 1..TakenMax, lease \in TakeLeases, ack \in BOOLEAN :
        /\ MessageTaken(by, count, lease, ack)
        /\ step' = [action |-> "MessageTaken",
                    params |-> [by |-> by, messages |-> InTurn(count), lease |-> lease, ack |-> ack]]
    \/ \E by \in Readers, m \in DOMAIN msgs, fence \in 1..DeliveriesMax :
        /\ MessageAcked(by, m, fence)
        /\ step' = [action |-> "MessageAcked", params |-> [by |-> by, message |-> m, fence |-> fence]]
    \/ \E by \in Readers, m \in DOMAIN msgs, fence \in 1..DeliveriesMax :
        /\ MessageNacked(by, m, fence)
        /\ step' = [action |-> "MessageNacked", params |-> [by |-> by, message |-> m, fence |-> fence]]
    \/ \E by \in Readers, m \in DOMAIN msgs, fence \in 1..DeliveriesMax, lease \in Extensions :
        /\ MessageLeaseExtended(by, m, fence, lease)
        /\ step' = [action |-> "MessageLeaseExtended",
                    params |-> [by |-> by, message |-> m, fence |-> fence, lease |-> lease]]
    \/ \E m \in DOMAIN msgs :
        /\ MessageLeaseExpired(m)
        /\ IsFirstDue(m)
        /\ step' = [action |-> "MessageLeaseExpired", params |-> [message |-> m]]
    \/ \E by \in Readers, m \in DOMAIN msgs, again \in Unnamed :
        /\ MessageRedriven(by, m, again)
        /\ step' = [action |-> "MessageRedriven", params |-> [by |-> by, message |-> m, again |-> again]]
    \/ \E by \in Readers :
        /\ HolderActed(by)
        /\ step' = [action |-> "HolderActed", params |-> [by |-> by]]
    \/ \E t \in Times :
        /\ Advance(t)
        /\ step' = [action |-> "Advance", params |-> [to |-> t]]

GraphSpec == GraphInit /\ [][GraphNext]_<<vars, step>>
=============================================================================
