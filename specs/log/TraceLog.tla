---- MODULE TraceLog ----
(***************************************************************************)
(* Traces of a log that somebody keeps: of each append only that it was    *)
(* written, and where. So one line stands for Ask, Write, Sync, Record and *)
(* Acknowledge together, with nothing in between.                          *)
(***************************************************************************)
EXTENDS Log, TraceData

VARIABLES trace, line

Observed == [size |-> Size(head)]

\* A log that began before the trace did: all of it is one commit here.
Begun(size) == IF size = 0 THEN <<>> ELSE <<[what |-> 0, end |-> size]>>

TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ head = Begun(Traces[trace][1].state.size)
    /\ disk = [i \in 1..Len(head) |-> [commit |-> head[i], root |-> head]]
    /\ synced = Len(head)
    /\ recorded = head
    /\ tree = head
    /\ shown = head
    /\ snapshot = <<>>
    /\ torn = FALSE
    /\ status = "open"
    /\ flight = NoFlight
    /\ calls = [c \in Clients |-> Idle]
    /\ unrecorded = FALSE
    /\ damaged = FALSE
    /\ Observed = Traces[trace][1].state

Appended(first, count) ==
    /\ first = Size(head)
    /\ count > 0
    /\ head' = Grown(head, Len(head), count)
    /\ disk' = Append(disk, [commit |-> head'[Len(head')], root |-> head'])
    /\ synced' = Len(disk')
    /\ recorded' = head'
    /\ tree' = head'
    /\ shown' = head'
    /\ UNCHANGED <<torn, status, flight, calls, snapshot, unrecorded, damaged>>

Accepts(entry) ==
    /\ entry.action = "Appended"
    /\ Appended(entry.params.first, entry.params.count)

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
====
