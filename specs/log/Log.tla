---- MODULE Log ----
(***************************************************************************)
(* An append-only log on one disk: what `append_if` promises, step by      *)
(* step, with a crash, a power cut or a failing disk between any two.      *)
(*                                                                         *)
(* A commit is [what |-> its content, end |-> the log's size after it]. A  *)
(* log is a sequence of commits. A head (size and root) is written as the  *)
(* log that it names: the root is a hash, and no two logs share one.       *)
(***************************************************************************)
EXTENDS Naturals, Sequences, FiniteSets

CONSTANTS
    Clients,        \* who appends
    Contents,       \* what they append; "pair" is a commit of two events
    CommitsMax,     \* bound: commits in the log
    Faults          \* what the environment may do: "crash", "power", "fail", "damage"

VARIABLES
    disk,           \* the whole commits in the files, each with the root stored beside it
    torn,           \* whether an unfinished commit lies behind them
    synced,         \* how many of them survive a power cut
    recorded,       \* the recorded head: a file of its own, never synced
    status,         \* "closed", "open", "poisoned" (takes no writes), "refused" (cannot be opened)
    head,           \* the head that readers see
    tree,           \* the leaves in memory, from which roots are computed
    flight,         \* the append under way: whose it is, and its last finished step
    calls,          \* of each client, the append that waits for an answer; its count is 0 if there is none
    snapshot,       \* the head that the latest snapshot is of
    shown,          \* what was told to anybody: by an acknowledgement, or by an open log's head
    unrecorded,     \* whether the recorded head is known to be behind what was shown
    damaged         \* whether the disk lost or changed what it had kept

vars == <<disk, torn, synced, recorded, status, head, tree, flight, calls, snapshot, shown, unrecorded, damaged>>

IsPrefix(a, b) == (Len(a) <= Len(b)) /\ (SubSeq(b, 1, Len(a)) = a)
Size(log) == IF Len(log) = 0 THEN 0 ELSE log[Len(log)].end
Grown(log, what, count) == Append(log, [what |-> what, end |-> Size(log) + count])
CountOf(what) == IF what = "pair" THEN 2 ELSE 1

Commits == [i \in 1..Len(disk) |-> disk[i].commit]
Durable == SubSeq(Commits, 1, synced)
IsPair(record) == record.commit.end > Size(SubSeq(record.root, 1, Len(record.root) - 1)) + 1

Idle == [expected |-> <<>>, what |-> "none", count |-> 0]
NoFlight == [by |-> "none", phase |-> "none"]
Waits(c) == calls[c].count > 0
Fits(c) == Waits(c) /\ (calls[c].expected = head)
IsRunning == status \in {"open", "poisoned"}

\* Heads that somebody may hold: the log's own, the empty one, and one that another log has.
Heads == {<<>>, head} \cup {Grown(<<>>, what, CountOf(what)) : what \in Contents}

Init ==
    /\ disk = <<>>
    /\ torn = FALSE
    /\ synced = 0
    /\ recorded = <<>>
    /\ status = "open"
    /\ head = <<>>
    /\ tree = <<>>
    /\ flight = NoFlight
    /\ calls = [c \in Clients |-> Idle]
    /\ snapshot = <<>>
    /\ shown = <<>>
    /\ unrecorded = FALSE
    /\ damaged = FALSE

\* A client hands over a commit, with the head that it was decided on.
Ask(c, expected, what) ==
    /\ IsRunning
    /\ ~Waits(c)
    /\ Len(expected) < CommitsMax
    /\ calls' = [calls EXCEPT ![c] = [expected |-> expected, what |-> what, count |-> CountOf(what)]]
    /\ UNCHANGED <<disk, torn, synced, recorded, status, head, tree, flight, snapshot, shown, unrecorded, damaged>>

\* The head is another one by now, or an earlier append failed: nothing is written.
Refuse(c, why) ==
    /\ Waits(c)
    /\ flight = NoFlight
    /\ \/ (why = "poisoned") /\ (status = "poisoned")
       \/ (why = "conflict") /\ (status = "open") /\ ~Fits(c)
    /\ calls' = [calls EXCEPT ![c] = Idle]
    /\ UNCHANGED <<disk, torn, synced, recorded, status, head, tree, flight, snapshot, shown, unrecorded, damaged>>

\* The commit, with the root over all events, is handed to the file system. Nothing is durable yet.
Write(c) ==
    /\ status = "open"
    /\ flight = NoFlight
    /\ Fits(c)
    /\ Len(disk) < CommitsMax
    /\ tree' = Grown(tree, calls[c].what, calls[c].count)
    /\ disk' = Append(disk, [commit |-> tree'[Len(tree')], root |-> tree'])
    /\ flight' = [by |-> c, phase |-> "written"]
    /\ UNCHANGED <<torn, synced, recorded, status, head, calls, snapshot, shown, unrecorded, damaged>>

\* The disk says that it has everything.
Sync ==
    /\ flight.phase = "written"
    /\ synced' = Len(disk)
    /\ flight' = [flight EXCEPT !.phase = "synced"]
    /\ UNCHANGED <<disk, torn, recorded, status, head, tree, calls, snapshot, shown, unrecorded, damaged>>

\* The head is written beside the log: what a later loss is told by.
Record ==
    /\ flight.phase = "synced"
    /\ recorded' = tree
    /\ flight' = [flight EXCEPT !.phase = "recorded"]
    /\ UNCHANGED <<disk, torn, synced, status, head, tree, calls, snapshot, shown, unrecorded, damaged>>

\* The head could not be recorded. The commit is durable and will be acknowledged, but no further one is taken.
RecordFail ==
    /\ "fail" \in Faults
    /\ flight.phase = "synced"
    /\ status' = "poisoned"
    /\ unrecorded' = TRUE
    /\ flight' = [flight EXCEPT !.phase = "recorded"]
    /\ UNCHANGED <<disk, torn, synced, recorded, head, tree, calls, snapshot, shown, damaged>>

\* Readers see the new head, and the client gets it.
Acknowledge ==
    /\ flight.phase = "recorded"
    /\ head' = tree
    /\ shown' = tree
    /\ calls' = [calls EXCEPT ![flight.by] = Idle]
    /\ flight' = NoFlight
    /\ UNCHANGED <<disk, torn, synced, recorded, status, tree, snapshot, unrecorded, damaged>>

\* The write fails before the commit is whole, perhaps with a part of it in the file: outcome unknown, the log is poisoned.
FailToWrite(c, part) ==
    /\ "fail" \in Faults
    /\ status = "open"
    /\ flight = NoFlight
    /\ Fits(c)
    /\ Len(tree) < CommitsMax
    /\ part => (calls[c].count > 1)
    /\ torn' = part
    /\ tree' = Grown(tree, calls[c].what, calls[c].count)
    /\ status' = "poisoned"
    /\ calls' = [calls EXCEPT ![c] = Idle]
    /\ UNCHANGED <<disk, synced, recorded, head, flight, snapshot, shown, unrecorded, damaged>>

\* The sync fails, or the acknowledgement is lost: outcome unknown, the log is poisoned, and the commit is in the file.
LoseAcknowledgement ==
    /\ "fail" \in Faults
    /\ flight # NoFlight
    /\ status' = "poisoned"
    /\ calls' = [calls EXCEPT ![flight.by] = Idle]
    /\ flight' = NoFlight
    /\ UNCHANGED <<disk, torn, synced, recorded, head, tree, snapshot, shown, unrecorded, damaged>>

\* A snapshot of what readers see.
TakeSnapshot ==
    /\ status = "open"
    /\ snapshot # head
    /\ snapshot' = head
    /\ UNCHANGED <<disk, torn, synced, recorded, status, head, tree, flight, calls, shown, unrecorded, damaged>>

\* Whoever waits does not learn what became of his append.
Forget ==
    /\ head' = <<>>
    /\ tree' = <<>>
    /\ flight' = NoFlight
    /\ calls' = [c \in Clients |-> Idle]

\* The process ends, at any moment. Of a commit that is being written all, a part, or nothing reached the file.
Crash(kept) ==
    /\ "crash" \in Faults
    /\ IsRunning
    /\ (kept # "all") => (flight.phase = "written")
    /\ (kept = "part") => IsPair(disk[Len(disk)])
    /\ disk' = IF kept = "all" THEN disk ELSE SubSeq(disk, 1, Len(disk) - 1)
    /\ torn' = (torn \/ (kept = "part"))
    /\ status' = "closed"
    /\ Forget
    /\ UNCHANGED <<synced, recorded, snapshot, shown, unrecorded, damaged>>

\* The power fails, at any moment: of what was not synced some beginning is left, and the recorded head may be an earlier one.
PowerCut(left, part, remembered) ==
    /\ "power" \in Faults
    /\ status # "refused"
    /\ synced <= left
    /\ part => ((left < Len(disk)) /\ IsPair(disk[left + 1])) \/ ((left = Len(disk)) /\ torn)
    /\ disk' = SubSeq(disk, 1, left)
    /\ torn' = part
    /\ synced' = left
    /\ recorded' = SubSeq(recorded, 1, remembered)
    /\ unrecorded' = (unrecorded \/ (remembered < Len(recorded)))
    /\ status' = "closed"
    /\ Forget
    /\ UNCHANGED <<snapshot, shown, damaged>>

\* The disk loses the end of what it had kept, without a word.
LoseTail(left) ==
    /\ "damage" \in Faults
    /\ status = "closed"
    /\ left < Len(disk)
    /\ disk' = SubSeq(disk, 1, left)
    /\ torn' = FALSE
    /\ synced' = IF synced < left THEN synced ELSE left
    /\ damaged' = TRUE
    /\ UNCHANGED <<recorded, status, head, tree, flight, calls, snapshot, shown, unrecorded>>

\* Somebody puts another log in its place, but not its recorded head.
Exchange(what) ==
    /\ "damage" \in Faults
    /\ status = "closed"
    /\ LET other == Grown(<<>>, what, CountOf(what)) IN
       /\ other # Commits
       /\ disk' = <<[commit |-> other[1], root |-> other]>>
    /\ torn' = FALSE
    /\ synced' = 1
    /\ damaged' = TRUE
    /\ UNCHANGED <<recorded, status, head, tree, flight, calls, snapshot, shown, unrecorded>>

\* The log is opened: it holds all that is on record. What was cut short is removed. What was found beyond the recorded head
\* is made durable and recorded before anybody sees it: nobody can tell how it came to be there.
Open ==
    /\ status = "closed"
    /\ IsPrefix(recorded, Commits)
    /\ torn' = FALSE
    /\ synced' = Len(disk)
    /\ recorded' = Commits
    /\ unrecorded' = FALSE
    /\ head' = Commits
    /\ tree' = Commits
    /\ shown' = Commits
    /\ status' = "open"
    /\ UNCHANGED <<disk, flight, calls, snapshot, damaged>>

\* It holds less than is on record, or something else.
OpenRefused(why) ==
    /\ status = "closed"
    /\ \/ (why = "truncated") /\ (Size(Commits) < Size(recorded))
       \/ (why = "exchanged") /\ (Size(Commits) >= Size(recorded)) /\ ~IsPrefix(recorded, Commits)
    /\ status' = "refused"
    /\ UNCHANGED <<disk, torn, synced, recorded, head, tree, flight, calls, snapshot, shown, unrecorded, damaged>>

Next ==
    \/ \E c \in Clients, expected \in Heads, what \in Contents : Ask(c, expected, what)
    \/ \E c \in Clients, why \in {"conflict", "poisoned"} : Refuse(c, why)
    \/ \E c \in Clients : Write(c)
    \/ Sync
    \/ Record
    \/ RecordFail
    \/ Acknowledge
    \/ \E c \in Clients, part \in BOOLEAN : FailToWrite(c, part)
    \/ LoseAcknowledgement
    \/ TakeSnapshot
    \/ \E kept \in {"all", "part", "nothing"} : Crash(kept)
    \/ \E left \in 0..Len(disk), part \in BOOLEAN, remembered \in 0..Len(recorded) : PowerCut(left, part, remembered)
    \/ \E left \in 0..Len(disk) : LoseTail(left)
    \/ \E what \in Contents : Exchange(what)
    \/ Open
    \/ \E why \in {"truncated", "exchanged"} : OpenRefused(why)

\* The log's own steps are taken as long as they can be; nobody has to ask, and nothing has to fail.
Fairness ==
    /\ \A c \in Clients : WF_vars(Write(c))
    /\ \A c \in Clients : WF_vars(\E why \in {"conflict", "poisoned"} : Refuse(c, why))
    /\ WF_vars(Sync)
    /\ WF_vars(Record)
    /\ WF_vars(Acknowledge)

SpecWithoutFairness == Init /\ [][Next]_vars
Spec == SpecWithoutFairness /\ Fairness

TypeOK ==
    /\ torn \in BOOLEAN
    /\ synced \in 0..Len(disk)
    /\ status \in {"closed", "open", "poisoned", "refused"}
    /\ flight.phase \in {"none", "written", "synced", "recorded"}
    /\ (flight.phase = "none") = (flight = NoFlight)

\* What anybody was shown survives a power cut, unless the disk loses what it had kept.
AcknowledgedIsDurable == damaged \/ IsPrefix(shown, Durable)

\* Readers see no more than what was shown to be durable.
ReadersSeeWhatIsDurable == damaged \/ IsPrefix(head, Durable)

\* A log that takes appends holds whole commits only, and those that its head names.
CommitIsAllOrNothing == ((status = "open") /\ (flight = NoFlight)) => ((~torn) /\ (head = Commits))

\* The root stored with a commit, and the head, are over the events up to there and no others.
RootNamesExactlyTheEvents == \A i \in 1..Len(disk) : disk[i].root = SubSeq(Commits, 1, i)

\* A snapshot is of a beginning of what is durable.
SnapshotNeverAheadOfTheLog == damaged \/ IsPrefix(snapshot, Durable)

\* What is durable stays as it is, and readers never see a log that is no longer the one they saw.
PrefixNeverChanges ==
    [][/\ (damaged' \/ IsPrefix(Durable, Durable'))
       /\ ((status = "open") /\ (status' # "closed")) => IsPrefix(head, head')]_vars

\* Whose append did not fit leaves no trace.
ConflictWritesNothing ==
    [][(\E c \in Clients : Waits(c) /\ (calls[c].expected # head) /\ (calls'[c].count = 0) /\ (status' = status))
        => UNCHANGED <<disk, torn, synced, recorded, status, head, tree>>]_vars

\* After a failure of unknown outcome nothing is written until the log is opened anew.
PoisonedWritesNothing ==
    [][((status = "poisoned") /\ (flight = NoFlight) /\ (status' = "poisoned")) => UNCHANGED <<disk, torn, recorded, head>>]_vars

\* If what was shown is gone, the log is not opened, unless its recorded head was lost, too.
LossIsNoticed == [][((status = "closed") /\ (status' = "open")) => (unrecorded \/ IsPrefix(shown, head'))]_vars

EveryAppendEndsAcknowledgedOrRefused == \A c \in Clients : Waits(c) ~> ~Waits(c)

NeverAcknowledged == Len(shown) < CommitsMax
NeverConflict == ~ \E c \in Clients : Waits(c) /\ (status = "open") /\ (flight = NoFlight) /\ (calls[c].expected # head)
NeverPoisoned == ~((status = "poisoned") /\ (Len(disk) > Len(head)))
NeverTorn == ~(torn /\ (status = "closed"))
NeverTruncated == ~((status = "refused") /\ (Size(Commits) < Size(recorded)))
NeverExchanged == ~((status = "refused") /\ (Size(Commits) >= Size(recorded)))
====
