------------------------------ MODULE Mailbox ------------------------------
(* One mailbox and the messages in it: sent, taken under a lease, acknowledged, handed back,  *)
(* given up, sent once more. Its code is crates/core/src/mailbox.                              *)
(*                                                                                            *)
(* Every action but the last two is what one command, or one lease that ran out, writes about *)
(* this mailbox. What is refused, and what writes nothing, is no step.                        *)

EXTENDS Time, Sequences, FiniteSets

CONSTANTS
    Messages,       \* the names that messages can have
    Senders,        \* who sends
    Readers,        \* who may take from this mailbox
    Priorities,     \* how urgent messages are
    TakeLeases,     \* the lengths of leases that takers ask for
    Extensions,     \* the lengths of leases that holders extend to
    TakenMax,       \* how many messages are taken at once, at most
    Times,          \* the instants that time passes to
    Pause,          \* the pause after the first time that a message is handed back
    DeliveriesMax   \* how often a message is delivered before it is given up

VARIABLES
    now,
    msgs,           \* what lies in the mailbox, by name
    order,          \* the same, in the order in which it was sent
    acked           \* the claims that were acknowledged

vars == <<now, msgs, order, acked>>

-----------------------------------------------------------------------------
(* What can be said of a state. *)

Waiting == {"ready", "paused"}

Known == DOMAIN msgs \cup {claim.message : claim \in acked}

Rank(priority) ==
    IF priority = "critical" THEN 0 ELSE IF priority = "high" THEN 1 ELSE IF priority = "normal" THEN 2 ELSE 3

Place(m) == CHOOSE i \in 1..Len(order) : order[i] = m

\* Whether it is m's turn before it is n's.
GoesBefore(m, n) ==
    \/ Rank(msgs[m].priority) < Rank(msgs[n].priority)
    \/ /\ msgs[m].priority = msgs[n].priority
       /\ Place(m) < Place(n)

IsTaken(m) == msgs[m].status = "taken"

\* A pause that is over ends nothing by itself: whoever takes from the mailbox finds the message ready.
IsAwake(m) == msgs[m].status = "paused" /\ NotAfter(msgs[m].until, now)

CanBeTaken == {m \in DOMAIN msgs : msgs[m].status = "ready" \/ IsAwake(m)}

Ahead(m) == {n \in CanBeTaken : GoesBefore(n, m)}

\* The messages whose turn it is, if so many are taken.
TheFirst(count) == {m \in CanBeTaken : Cardinality(Ahead(m)) < count}

InTurn(count) == [i \in 1..count |-> CHOOSE m \in CanBeTaken : Cardinality(Ahead(m)) = i - 1]

IsDue(m) == IsTaken(m) /\ NotAfter(msgs[m].until, now)

\* What is due is decided before any command.
NothingIsDue == \A m \in DOMAIN msgs : ~IsDue(m)

\* The token names the claim that is current, and it is this actor's.
IsClaimOf(by, m, fence) ==
    /\ m \in DOMAIN msgs
    /\ IsTaken(m)
    /\ msgs[m].holder = by
    /\ msgs[m].deliveries = fence

Holds(by) == \E m \in DOMAIN msgs : IsTaken(m) /\ msgs[m].holder = by

Doubled(span) == Plus(span, span)

\* A pause for each time that a message was handed back, each twice as long as the one before. After the fifth there is none.
PauseAfter(nacks) ==
    IF nacks = 0 THEN Pause
    ELSE IF nacks = 1 THEN Doubled(Pause)
    ELSE IF nacks = 2 THEN Doubled(Doubled(Pause))
    ELSE Doubled(Doubled(Doubled(Pause)))

-----------------------------------------------------------------------------
(* What becomes of messages. *)

New(from, priority) ==
    [from |-> from, priority |-> priority, status |-> "ready", deliveries |-> 0, nacks |-> 0,
     holder |-> "none", lease |-> Zero, until |-> Zero, reason |-> "none", again |-> "none"]

Ready(letter) == [letter EXCEPT !.status = "ready", !.holder = "none", !.lease = Zero, !.until = Zero]

Dead(letter, reason) == [Ready(letter) EXCEPT !.status = "dead", !.reason = reason]

\* Put back as it is then, or given up after the last delivery.
PutBack(letter, back, reason) == IF letter.deliveries < DeliveriesMax THEN back ELSE Dead(back, reason)

\* Whoever acts shows that he is alive: his leases last their full length from now.
Touched(by, m) ==
    IF IsTaken(m) /\ msgs[m].holder = by
    THEN [msgs[m] EXCEPT !.until = Plus(now, msgs[m].lease)]
    ELSE msgs[m]

Without(gone) == SelectSeq(order, LAMBDA m : m \notin gone)

-----------------------------------------------------------------------------
Init ==
    /\ now = Zero
    /\ msgs = [m \in {} |-> New("none", "none")]
    /\ order = <<>>
    /\ acked = {}

\* Messages arrive: one that somebody sends, or what a command or the time made the system tell, and that can be several.
\* What is due elsewhere is decided by when it was due, and may be earlier than a lease here that ran out since.
MessageSent(by, sent) ==
    /\ by = "system" \/ NothingIsDue
    /\ Len(sent) > 0
    /\ \A i \in 1..Len(sent) : sent[i].from \in {by, "system"}
    /\ \A i \in 1..Len(sent) : sent[i].message \notin Known
    /\ \A i \in 1..Len(sent), j \in 1..Len(sent) : i = j \/ sent[i].message # sent[j].message
    /\ msgs' = [m \in DOMAIN msgs \cup {sent[i].message : i \in 1..Len(sent)} |->
                    IF m \in DOMAIN msgs
                    THEN Touched(by, m)
                    ELSE LET i == CHOOSE i \in 1..Len(sent) : sent[i].message = m
                         IN New(sent[i].from, sent[i].priority)]
    /\ order' = order \o [i \in 1..Len(sent) |-> sent[i].message]
    /\ UNCHANGED <<now, acked>>

\* Somebody takes the first so many; with `ack` they are acknowledged as they are handed out.
MessageTaken(by, count, lease, ack) ==
    /\ by \in Readers
    /\ NothingIsDue
    /\ count > 0
    /\ count <= Cardinality(CanBeTaken)
    /\ Before(Zero, lease)
    /\ LET taken == TheFirst(count)
           gone == IF ack THEN taken ELSE {}
       IN /\ msgs' = [m \in DOMAIN msgs \ gone |->
                        IF m \in taken
                        THEN [msgs[m] EXCEPT !.status = "taken", !.deliveries = @ + 1, !.holder = by,
                                             !.lease = lease, !.until = Plus(now, lease)]
                        ELSE IF IsAwake(m)
                        THEN Ready(msgs[m])
                        ELSE Touched(by, m)]
          /\ order' = Without(gone)
          /\ acked' = acked \cup {[message |-> m, by |-> by, fence |-> msgs[m].deliveries + 1] : m \in gone}
    /\ UNCHANGED now

MessageAcked(by, m, fence) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, m, fence)
    /\ msgs' = [n \in DOMAIN msgs \ {m} |-> Touched(by, n)]
    /\ order' = Without({m})
    /\ acked' = acked \cup {[message |-> m, by |-> by, fence |-> fence]}
    /\ UNCHANGED now

MessageNacked(by, m, fence) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, m, fence)
    /\ LET back == [Ready(msgs[m]) EXCEPT !.status = "paused", !.nacks = @ + 1,
                                          !.until = Plus(now, PauseAfter(msgs[m].nacks))]
       IN msgs' = [n \in DOMAIN msgs |->
                        IF n = m THEN PutBack(msgs[m], back, "nacked") ELSE Touched(by, n)]
    /\ UNCHANGED <<now, order, acked>>

\* The lease never becomes shorter; one that would end when it ends anyway is not written.
MessageLeaseExtended(by, m, fence, lease) ==
    /\ NothingIsDue
    /\ IsClaimOf(by, m, fence)
    /\ NotAfter(msgs[m].lease, lease)
    /\ Plus(now, lease) # msgs[m].until
    /\ msgs' = [n \in DOMAIN msgs |->
                    IF n = m THEN [msgs[m] EXCEPT !.lease = lease, !.until = Plus(now, lease)] ELSE Touched(by, n)]
    /\ UNCHANGED <<now, order, acked>>

\* Of several the one that was due first.
MessageLeaseExpired(m) ==
    /\ IsDue(m)
    /\ \A n \in DOMAIN msgs : IsDue(n) => NotAfter(msgs[m].until, msgs[n].until)
    /\ msgs' = [msgs EXCEPT ![m] = PutBack(msgs[m], Ready(msgs[m]), "lease_expired")]
    /\ UNCHANGED <<now, order, acked>>

\* A dead letter is sent once more, once, as a new message; it is still its first sender's.
MessageRedriven(by, m, again) ==
    /\ by \in Readers
    /\ NothingIsDue
    /\ m \in DOMAIN msgs
    /\ msgs[m].status = "dead"
    /\ msgs[m].again = "none"
    /\ again \notin Known
    /\ msgs' = [n \in DOMAIN msgs \cup {again} |->
                    IF n = again THEN New(msgs[m].from, msgs[m].priority)
                    ELSE IF n = m THEN [msgs[m] EXCEPT !.again = again]
                    ELSE Touched(by, n)]
    /\ order' = Append(order, again)
    /\ UNCHANGED <<now, acked>>

\* Somebody who holds a message wrote something that is not about this mailbox.
HolderActed(by) ==
    /\ NothingIsDue
    /\ Holds(by)
    /\ msgs' = [m \in DOMAIN msgs |-> Touched(by, m)]
    /\ UNCHANGED <<now, order, acked>>

\* Time passes; past what is due as well, if nobody was there to decide it.
Advance(t) ==
    /\ Before(now, t)
    /\ now' = t
    /\ UNCHANGED <<msgs, order, acked>>

Next ==
    \/ \E by \in Senders, m \in Messages, p \in Priorities : MessageSent(by, <<[message |-> m, from |-> by, priority |-> p]>>)
    \/ \E by \in Readers, count \in 1..TakenMax, lease \in TakeLeases, ack \in BOOLEAN : MessageTaken(by, count, lease, ack)
    \/ \E by \in Readers, m \in Messages, fence \in 1..DeliveriesMax : MessageAcked(by, m, fence)
    \/ \E by \in Readers, m \in Messages, fence \in 1..DeliveriesMax : MessageNacked(by, m, fence)
    \/ \E by \in Readers, m \in Messages, fence \in 1..DeliveriesMax, lease \in Extensions : MessageLeaseExtended(by, m, fence, lease)
    \/ \E m \in DOMAIN msgs : MessageLeaseExpired(m)
    \/ \E by \in Readers, m \in DOMAIN msgs, again \in Messages : MessageRedriven(by, m, again)
    \/ \E by \in Readers : HolderActed(by)
    \/ \E t \in Times : Advance(t)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* Safety. *)

Somebody == Senders \cup Readers

TypeOK ==
    /\ DOMAIN msgs \subseteq Messages
    /\ \A m \in DOMAIN msgs :
        /\ msgs[m].from \in Somebody
        /\ msgs[m].priority \in Priorities
        /\ msgs[m].status \in {"ready", "paused", "taken", "dead"}
        /\ msgs[m].holder \in Readers \cup {"none"}
        /\ msgs[m].reason \in {"none", "nacked", "lease_expired"}
        /\ msgs[m].again \in Messages \cup {"none"}
        /\ (msgs[m].holder # "none") <=> IsTaken(m)
        /\ (msgs[m].lease # Zero) <=> IsTaken(m)
        /\ (msgs[m].until # Zero) => (IsTaken(m) \/ msgs[m].status = "paused")
        /\ (msgs[m].reason # "none") <=> (msgs[m].status = "dead")
        /\ (msgs[m].again # "none") => (msgs[m].status = "dead")
    /\ \A claim \in acked : claim.message \in Messages /\ claim.by \in Readers

\* The order names what is there, each once.
OrderIsOfWhatIsThere ==
    /\ {order[i] : i \in 1..Len(order)} = DOMAIN msgs
    /\ Len(order) = Cardinality(DOMAIN msgs)

\* A message that was acknowledged is not there any more, and was acknowledged once.
AckedNeverAgain ==
    /\ \A claim \in acked : claim.message \notin DOMAIN msgs
    /\ \A one \in acked, other \in acked : (one.message = other.message) => (one = other)

\* Dead letters have had all their deliveries, and what had them all is no longer delivered.
DeliveriesBounded ==
    /\ \A m \in DOMAIN msgs :
        /\ msgs[m].deliveries <= DeliveriesMax
        /\ msgs[m].nacks <= msgs[m].deliveries
        /\ (msgs[m].status = "dead") => (msgs[m].deliveries = DeliveriesMax)
        /\ (msgs[m].status \in Waiting) => (msgs[m].deliveries < DeliveriesMax)
    /\ \A claim \in acked : claim.fence \in 1..DeliveriesMax

\* All that somebody holds he holds since the same sign of life.
OneSignOfLifeForAll ==
    \A m \in DOMAIN msgs, n \in DOMAIN msgs :
        (IsTaken(m) /\ IsTaken(n) /\ msgs[m].holder = msgs[n].holder /\ ~IsDue(m) /\ ~IsDue(n))
            => (Plus(msgs[m].until, msgs[n].lease) = Plus(msgs[n].until, msgs[m].lease))

\* A lease lasts no longer than its length, and a pause no longer than it grew to.
NothingWaitsTooLong ==
    \A m \in DOMAIN msgs :
        /\ IsTaken(m) => NotAfter(msgs[m].until, Plus(now, msgs[m].lease))
        /\ (msgs[m].status = "paused") =>
                (msgs[m].nacks > 0 /\ NotAfter(msgs[m].until, Plus(now, PauseAfter(msgs[m].nacks - 1))))

\* What took a dead letter's place is of the same sender and as urgent.
RedrivenIsTheSame ==
    \A m \in DOMAIN msgs :
        (msgs[m].again \in DOMAIN msgs) =>
            /\ msgs[msgs[m].again].from = msgs[m].from
            /\ msgs[msgs[m].again].priority = msgs[m].priority
            /\ msgs[m].again # m

RedrivenOnce ==
    \A m \in DOMAIN msgs, n \in DOMAIN msgs :
        (msgs[m].again # "none" /\ msgs[m].again = msgs[n].again) => (m = n)

-----------------------------------------------------------------------------
(* Safety of steps. *)

Acknowledged == {claim.message : claim \in acked}

\* What is in a mailbox was sent to it: it begins as nobody's, at the end of the order.
NothingFromNowhere ==
    [][ /\ \A m \in DOMAIN msgs' \ DOMAIN msgs :
            /\ m \notin Acknowledged
            /\ msgs'[m].deliveries = 0
            /\ msgs'[m].status = "ready"
        /\ \A claim \in acked' \ acked : claim.message \in DOMAIN msgs ]_vars

\* Nothing leaves but by an ack.
NothingIsLost ==
    [][ /\ acked \subseteq acked'
        /\ \A m \in DOMAIN msgs \ DOMAIN msgs' : \E claim \in acked' : claim.message = m ]_vars

\* A message that was taken is its taker's until he lets it go or its time is over.
OneTakerAtATime ==
    [][ \A m \in DOMAIN msgs : IsTaken(m) =>
            \/ /\ m \in DOMAIN msgs'
               /\ msgs'[m].status = "taken"
               /\ msgs'[m].holder = msgs[m].holder
               /\ msgs'[m].deliveries = msgs[m].deliveries
            \/ /\ m \notin DOMAIN msgs'
               /\ [message |-> m, by |-> msgs[m].holder, fence |-> msgs[m].deliveries] \in acked'
            \/ /\ m \in DOMAIN msgs'
               /\ msgs'[m].nacks = msgs[m].nacks + 1
               /\ msgs'[m].status # "taken"
            \/ /\ IsDue(m)
               /\ m \in DOMAIN msgs'
               /\ msgs'[m].status \in {"ready", "dead"} ]_vars

\* Each delivery has a fence of its own, one more than the one before.
FencesGrow ==
    [][ /\ \A m \in DOMAIN msgs \cap DOMAIN msgs' :
            IF ~IsTaken(m) /\ msgs'[m].status = "taken"
            THEN msgs'[m].deliveries = msgs[m].deliveries + 1
            ELSE msgs'[m].deliveries = msgs[m].deliveries
        /\ \A m \in DOMAIN msgs \ DOMAIN msgs' :
            \A claim \in acked' : (claim.message = m) =>
                (claim.fence = msgs[m].deliveries + (IF IsTaken(m) THEN 0 ELSE 1)) ]_vars

\* Whether m is delivered for the first time in this step.
FirstDelivered(m) == msgs[m].deliveries = 0 /\ (m \notin DOMAIN msgs' \/ msgs'[m].deliveries > 0)

\* First in, first out: no message is delivered for the first time before an earlier one that is as urgent.
OrderKeptPerSenderAndPriority ==
    [][ \A m \in DOMAIN msgs, n \in DOMAIN msgs :
            (/\ msgs[m].from = msgs[n].from
             /\ msgs[m].priority = msgs[n].priority
             /\ Place(m) < Place(n)
             /\ FirstDelivered(n)) => (msgs[m].deliveries > 0 \/ FirstDelivered(m)) ]_vars

\* Nothing is taken while something more urgent could be.
UrgentFirst ==
    [][ \A m \in CanBeTaken, n \in CanBeTaken :
            (/\ Rank(msgs[m].priority) < Rank(msgs[n].priority)
             /\ (n \notin DOMAIN msgs' \/ msgs'[n].status = "taken"))
                => (m \notin DOMAIN msgs' \/ msgs'[m].status = "taken") ]_vars

DeadIsFinal ==
    [][ \A m \in DOMAIN msgs : (msgs[m].status = "dead") =>
            /\ m \in DOMAIN msgs'
            /\ msgs'[m] = [msgs[m] EXCEPT !.again = msgs'[m].again]
            /\ (msgs[m].again # "none") => (msgs'[m].again = msgs[m].again) ]_vars
=============================================================================
