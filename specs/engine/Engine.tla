---- MODULE Engine ----
(***************************************************************************)
(* The one writer of a log: takes requests, decides them into one commit,  *)
(* makes it durable, shows it, and only then answers; and clients who ask  *)
(* again with their idempotency key when the answer was lost.              *)
(*                                                                         *)
(* An entry of the log is all that one command or one due item wrote:      *)
(* [kind, key |-> whose key it carries, at |-> when, of |-> the number of  *)
(* the entry that became due, or 0]. Of the domain there is as much as is  *)
(* needed: a "plan" becomes due a while later, a "note" does nothing more, *)
(* a "vain" command is refused, a "tick" changes nothing, and "accept"     *)
(* accepts a jump of the clock.                                            *)
(***************************************************************************)
EXTENDS Time, Naturals, Sequences, FiniteSets

CONSTANTS
    Clients,        \* who ask; each has one idempotency key, his name
    Commands,       \* what they may ask for
    KeysKept,       \* how many keys are remembered
    Lead,           \* after what span a plan becomes due
    JumpBy,         \* by what span the wall clock jumps, if it does
    Instants,       \* bound: the times there are
    EntriesMax,     \* bound: the log at which nobody asks any more; keys bound it, too, unless they are forgotten
    CrashesMax      \* bound: how often it crashes, or a connection breaks

VARIABLES
    log,            \* the entries that are durable
    batch,          \* the entries that are decided and not known to be durable
    phase,          \* "idle", "deciding", "closed" (the batch takes no more), "writing", "publishing", "answering", "down"
    calls,          \* of each client: what he asked, and what was decided, resting on how many entries
    view,           \* the entries that the views were folded from
    now,            \* Convoke's time
    ahead,          \* by how much the wall clock is ahead of it since a jump that was not accepted
    told,           \* how many entries the answers given so far rest on, at most
    crashes         \* how often it crashed, or a connection broke

vars == <<log, batch, phase, calls, view, now, ahead, told, crashes>>

IsPrefix(a, b) == (Len(a) <= Len(b)) /\ (SubSeq(b, 1, Len(a)) = a)

\* What decisions rest on: the log, and the batch that is ahead of it.
Deciding == log \o batch

\* The plans among the entries that did not become due before.
Pending(entries) == {i \in 1..Len(entries) :
    (entries[i].kind = "plan") /\ (\A j \in 1..Len(entries) : entries[j].of # i)}
DueAt(entries, i) == Plus(entries[i].at, Lead)
Due(entries, t) == {i \in Pending(entries) : NotAfter(DueAt(entries, i), t)}
IsFirst(entries, i, due) == \A j \in due :
    \/ Before(DueAt(entries, i), DueAt(entries, j))
    \/ (DueAt(entries, i) = DueAt(entries, j)) /\ (i <= j)

\* The entries that carry a key, as many as are remembered, and among them the one of this key.
Keyed(entries) == {i \in 1..Len(entries) : entries[i].key # "none"}
Remembered(entries, key) == {i \in Keyed(entries) :
    (entries[i].key = key) /\ (Cardinality({j \in Keyed(entries) : j > i}) < KeysKept)}

LastTime(entries) == IF Len(entries) = 0 THEN Zero ELSE entries[Len(entries)].at
HasJumped == ahead # Zero

Idle == [state |-> "idle", command |-> "none", answer |-> "none", rests |-> 0]
Decided(c, answer, entries) ==
    calls' = [calls EXCEPT ![c] = [state |-> "decided", command |-> calls[c].command, answer |-> answer, rests |-> Len(entries)]]
Entry(kind, key, at, of) == [kind |-> kind, key |-> key, at |-> at, of |-> of]

Init ==
    /\ log = <<>>
    /\ batch = <<>>
    /\ phase = "idle"
    /\ calls = [c \in Clients |-> Idle]
    /\ view = <<>>
    /\ now = Zero
    /\ ahead = Zero
    /\ told = 0
    /\ crashes = 0

\* A client asks for something, with his key: for the first time, or once more although he has the answer.
Ask(c, command) ==
    /\ phase # "down"
    /\ Len(Deciding) < EntriesMax
    /\ calls[c].state = "idle"
    /\ calls' = [calls EXCEPT ![c] = [Idle EXCEPT !.state = "asked", !.command = command]]
    /\ UNCHANGED <<log, batch, phase, view, now, ahead, told, crashes>>

\* A client whose answer was lost asks again.
Retry(c) ==
    /\ phase # "down"
    /\ calls[c].state = "lost"
    /\ calls' = [calls EXCEPT ![c].state = "asked"]
    /\ UNCHANGED <<log, batch, phase, view, now, ahead, told, crashes>>

\* A client's connection breaks, and with it his answer is lost; what was decided stays.
Disconnect(c) ==
    /\ crashes < CrashesMax
    /\ calls[c].state = "decided"
    /\ calls' = [calls EXCEPT ![c] = [Idle EXCEPT !.state = "lost", !.command = calls[c].command]]
    /\ crashes' = crashes + 1
    /\ UNCHANGED <<log, batch, phase, view, now, ahead, told>>

\* Before every request, and once more at the end, what is due is decided: the earliest first.
BecameDue(of) ==
    /\ phase \in {"idle", "deciding"}
    /\ ~HasJumped
    /\ of \in Due(Deciding, now)
    /\ IsFirst(Deciding, of, Due(Deciding, now))
    /\ batch' = Append(batch, Entry("due", "none", now, of))
    /\ phase' = "deciding"
    /\ UNCHANGED <<log, calls, view, now, ahead, told, crashes>>

\* A request may be decided when nothing is due. While the clock's jump is not accepted nothing is known to be due.
MayDecide(c) ==
    /\ phase \in {"idle", "deciding"}
    /\ calls[c].state = "asked"
    /\ HasJumped \/ (Due(Deciding, now) = {})

\* His key is known: the same command gets the same answer, another one is refused. Nothing is written.
RepeatAnswered(c, answer) ==
    /\ MayDecide(c)
    /\ \E i \in Remembered(Deciding, c) :
        answer = IF Deciding[i].kind = calls[c].command THEN "repeated" ELSE "key_reused"
    /\ Decided(c, answer, Deciding)
    /\ phase' = "deciding"
    /\ UNCHANGED <<log, batch, view, now, ahead, told, crashes>>

\* It is refused, or changes nothing.
NothingWritten(c, answer) ==
    /\ MayDecide(c)
    /\ Remembered(Deciding, c) = {}
    /\ answer =
        IF HasJumped /\ (calls[c].command # "accept") THEN "clock_jumped"
        ELSE IF (~HasJumped) /\ (calls[c].command = "accept") THEN "clock_fine"
        ELSE IF calls[c].command = "vain" THEN "refused"
        ELSE IF calls[c].command = "tick" THEN "nothing"
        ELSE "none"
    /\ answer # "none"
    /\ Decided(c, answer, Deciding)
    /\ phase' = "deciding"
    /\ UNCHANGED <<log, batch, view, now, ahead, told, crashes>>

\* It is decided, and its key remembered from now on.
CommandDecided(c) ==
    /\ MayDecide(c)
    /\ Remembered(Deciding, c) = {}
    /\ ~HasJumped
    /\ calls[c].command \in {"plan", "note"}
    /\ batch' = Append(batch, Entry(calls[c].command, c, now, 0))
    /\ Decided(c, "done", log \o batch')
    /\ phase' = "deciding"
    /\ UNCHANGED <<log, view, now, ahead, told, crashes>>

\* The jump is accepted: the wall clock counts from here on. What became due by that comes before every other request, so the
\* batch ends here.
ClockAccepted(c) ==
    /\ MayDecide(c)
    /\ Remembered(Deciding, c) = {}
    /\ HasJumped
    /\ calls[c].command = "accept"
    /\ now' = Plus(now, ahead)
    /\ ahead' = Zero
    /\ batch' = Append(batch, Entry("accept", c, now', 0))
    /\ Decided(c, "done", log \o batch')
    /\ phase' = "closed"
    /\ UNCHANGED <<log, view, told, crashes>>

\* The batch is handed to the log. If nothing was written, the head it rests on is durable already.
EndBatch ==
    /\ \/ phase = "closed"
       \/ (phase = "deciding") /\ (HasJumped \/ (Due(Deciding, now) = {}))
    /\ phase' = IF batch = <<>> THEN "answering" ELSE "writing"
    /\ UNCHANGED <<log, batch, calls, view, now, ahead, told, crashes>>

\* The log says that the commit is durable.
BatchDurable ==
    /\ phase = "writing"
    /\ log' = log \o batch
    /\ batch' = <<>>
    /\ phase' = "publishing"
    /\ UNCHANGED <<calls, view, now, ahead, told, crashes>>

\* The views fold it.
Publish ==
    /\ phase = "publishing"
    /\ view' = view \o SubSeq(log, Len(view) + 1, Len(log))
    /\ phase' = "answering"
    /\ UNCHANGED <<log, batch, calls, now, ahead, told, crashes>>

\* Everybody whose request was decided is answered, refusals and repetitions included.
AnswerAll ==
    /\ phase = "answering"
    /\ LET answered == {c \in Clients : calls[c].state = "decided"} IN
       /\ calls' = [c \in Clients |-> IF c \in answered THEN Idle ELSE calls[c]]
       /\ \E most \in {told} \cup {calls[c].rests : c \in answered} :
            /\ told <= most
            /\ \A c \in answered : calls[c].rests <= most
            /\ told' = most
    /\ phase' = "idle"
    /\ UNCHANGED <<log, batch, view, now, ahead, crashes>>

\* The process ends, or the log fails: a batch that is being written is in the log, or is not. All that was in memory is gone.
Crash(kept) ==
    /\ phase # "down"
    /\ crashes < CrashesMax
    /\ kept => (phase = "writing")
    /\ log' = IF kept THEN log \o batch ELSE log
    /\ batch' = <<>>
    /\ view' = <<>>
    /\ calls' = [c \in Clients |->
        IF calls[c].state \in {"asked", "decided"} THEN [Idle EXCEPT !.state = "lost", !.command = calls[c].command] ELSE calls[c]]
    /\ phase' = "down"
    /\ crashes' = crashes + 1
    /\ UNCHANGED <<now, ahead, told>>

\* The log is folded anew. On opening a wall clock that is ahead is believed: for all that is known, Convoke was off.
Recover ==
    /\ phase = "down"
    /\ view' = log
    /\ now' = Plus(now, ahead)
    /\ ahead' = Zero
    /\ phase' = "idle"
    /\ UNCHANGED <<log, batch, calls, told, crashes>>

\* Time passes; a batch is decided at one moment.
Advance(to) ==
    /\ phase \notin {"deciding", "closed"}
    /\ Before(now, to)
    /\ now' = to
    /\ UNCHANGED <<log, batch, phase, calls, view, ahead, told, crashes>>

\* The wall clock is suddenly far ahead.
ClockJumps ==
    /\ phase \notin {"deciding", "closed", "down"}
    /\ ~HasJumped
    /\ Plus(now, JumpBy) \in Instants
    /\ ahead' = JumpBy
    /\ UNCHANGED <<log, batch, phase, calls, view, now, told, crashes>>

Next ==
    \/ \E c \in Clients, command \in Commands : Ask(c, command)
    \/ \E c \in Clients : Retry(c)
    \/ \E c \in Clients : Disconnect(c)
    \/ \E of \in 1..Len(Deciding) : BecameDue(of)
    \/ \E c \in Clients, answer \in {"repeated", "key_reused"} : RepeatAnswered(c, answer)
    \/ \E c \in Clients, answer \in {"clock_jumped", "clock_fine", "refused", "nothing"} : NothingWritten(c, answer)
    \/ \E c \in Clients : CommandDecided(c)
    \/ \E c \in Clients : ClockAccepted(c)
    \/ EndBatch
    \/ BatchDurable
    \/ Publish
    \/ AnswerAll
    \/ \E kept \in BOOLEAN : Crash(kept)
    \/ Recover
    \/ \E to \in {t \in Instants : Plus(t, ahead) \in Instants} : Advance(to)
    \/ ClockJumps

Decide(c) ==
    \/ \E answer \in {"repeated", "key_reused"} : RepeatAnswered(c, answer)
    \/ \E answer \in {"clock_jumped", "clock_fine", "refused", "nothing"} : NothingWritten(c, answer)
    \/ CommandDecided(c)
    \/ ClockAccepted(c)

\* Requests are taken in their order, so none is passed over for ever; the writer goes on; clients ask until they are answered.
Fairness ==
    /\ \A c \in Clients : SF_vars(Decide(c))
    /\ \A c \in Clients : WF_vars(Retry(c))
    /\ WF_vars(\E of \in 1..Len(Deciding) : BecameDue(of))
    /\ WF_vars(EndBatch)
    /\ WF_vars(BatchDurable)
    /\ WF_vars(Publish)
    /\ WF_vars(AnswerAll)
    /\ WF_vars(Recover)

SpecWithoutFairness == Init /\ [][Next]_vars
Spec == SpecWithoutFairness /\ Fairness

TypeOK ==
    /\ phase \in {"idle", "deciding", "closed", "writing", "publishing", "answering", "down"}
    /\ \A c \in Clients : calls[c].state \in {"idle", "asked", "decided", "lost"}
    /\ crashes \in 0..CrashesMax

\* What a key did is not done again while the key is remembered.
SameKeyOneEffect == \A i \in Keyed(Deciding), j \in Keyed(Deciding) :
    ((i < j) /\ (Deciding[i].key = Deciding[j].key)) => (Cardinality({k \in Keyed(Deciding) : (i < k) /\ (k < j)}) >= KeysKept)

\* Whatever was answered rests on entries that are in the log, and that whoever asks next can see.
RepliesOnlyAfterDurability == (told <= Len(log)) /\ ((phase # "down") => (told <= Len(view)))

\* The views are a fold of a beginning of the log, of each entry once; of all of it when somebody is answered.
ViewEqualsFoldOfPrefix == IsPrefix(view, log) /\ ((phase \in {"idle", "deciding", "answering"}) => (view = log))

\* Nobody slips a command in after something was due. Accepting a jump is what lets it become due.
DueFirst == \A j \in 1..Len(Deciding) : (Deciding[j].kind \in {"plan", "note"}) =>
    \A i \in 1..(j - 1) : (Deciding[i].kind = "plan") =>
        \/ Before(Deciding[j].at, DueAt(Deciding, i))
        \/ \E k \in 1..(j - 1) : Deciding[k].of = i

\* Nothing becomes due twice, or before its time.
DueOnce == \A j \in 1..Len(Deciding) : (Deciding[j].kind = "due") =>
    /\ NotAfter(DueAt(Deciding, Deciding[j].of), Deciding[j].at)
    /\ \A k \in 1..(j - 1) : Deciding[k].of # Deciding[j].of

TimeNeverDecreases ==
    /\ \A i \in 1..(Len(Deciding) - 1) : NotAfter(Deciding[i].at, Deciding[i + 1].at)
    /\ NotAfter(LastTime(Deciding), now)

\* The deciding state is ahead of the log by one batch at most, and by none while no batch is under way.
AheadByOneBatch == (phase \in {"idle", "publishing", "answering", "down"}) => (batch = <<>>)

\* While a jump is not accepted, nothing is written but its acceptance.
NothingIsDecidedInAJump == [][HasJumped => ((Len(batch') <= Len(batch)) \/ (batch'[Len(batch')].kind = "accept"))]_vars

\* What is in the log stays there.
LogOnlyGrows == [][IsPrefix(log, log')]_vars

EveryRequestIsAnswered == \A c \in Clients : (calls[c].state \in {"asked", "decided", "lost"}) ~> (calls[c].state = "idle")

NeverRepeatedAfterCrash == ~((crashes > 0) /\ (\E c \in Clients : (calls[c].answer = "repeated") /\ (Len(log) = 1)))
NeverKeyReused == ~ \E c \in Clients : calls[c].answer = "key_reused"
NeverForgotten == ~ \E i \in Keyed(log), j \in Keyed(log) : (i < j) /\ (log[i].key = log[j].key)
NeverRefusedInJump == ~ \E c \in Clients : calls[c].answer = "clock_jumped"
NeverAccepted == ~ \E i \in 1..Len(log) : log[i].kind = "accept"
NeverDueAfterAccepted == ~ \E i \in 1..(Len(log) - 1) : (log[i].kind = "accept") /\ (log[i + 1].kind = "due")
NeverDueBeforeCommand == ~((phase = "writing") /\ (Len(batch) > 1) /\ (batch[1].kind = "due") /\ (batch[2].kind = "note"))
NeverSharedCommit == ~((phase = "writing") /\ (Cardinality({i \in 1..Len(batch) : batch[i].of = 0}) > 1))
====
