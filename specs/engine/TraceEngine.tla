---- MODULE TraceEngine ----
(***************************************************************************)
(* Traces of a log: what it alone says about the engine. Each group of     *)
(* events is an entry, whatever it does; what was due next before it comes *)
(* with it. Who was answered what, and when, a log does not say.           *)
(***************************************************************************)
EXTENDS Engine, TraceData

VARIABLES trace, line, size

\* Of the entries before the trace began only the last one's time is known, and how many keys they left.
Observed == [
    time |-> LastTime(log),
    size |-> size,
    keys |-> IF told + Cardinality(Keyed(log)) > KeysKept THEN KeysKept ELSE told + Cardinality(Keyed(log))]

TraceInit ==
    /\ trace \in 1..Len(Traces)
    /\ line = 1
    /\ log = <<Entry("before", "none", Traces[trace][1].state.time, 0)>>
    /\ told = Traces[trace][1].state.keys
    /\ size = Traces[trace][1].state.size
    /\ batch = <<>>
    /\ phase = "idle"
    /\ calls = [c \in Clients |-> Idle]
    /\ view = <<>>
    /\ now = Zero
    /\ ahead = Zero
    /\ crashes = 0
    /\ Observed = Traces[trace][1].state

IsDue(due) == (Len(due) > 0) /\ NotAfter(due[1], now)

Written(kind, key, params) ==
    /\ params.first = size
    /\ params.count > 0
    /\ size' = size + params.count
    /\ params.at = now
    /\ NotAfter(LastTime(log), now)
    /\ log' = Append(log, Entry(kind, key, now, 0))
    /\ UNCHANGED <<batch, phase, calls, view, now, ahead, told, crashes>>

IsNew(key) == (key = "none") \/ (Remembered(log, key) = {})

Accepts(entry) ==
    \/ /\ entry.action = "Advance"
       /\ Advance(entry.params.to)
       /\ UNCHANGED size
    \/ /\ entry.action = "BecameDue"
       /\ IsDue(entry.params.due)
       /\ Written("due", "none", entry.params)
    \/ /\ entry.action = "CommandDecided"
       /\ ~IsDue(entry.params.due)
       /\ IsNew(entry.params.key)
       /\ Written("command", entry.params.key, entry.params)
    \/ /\ entry.action = "ClockAccepted"
       /\ IsNew(entry.params.key)
       /\ Written("accept", entry.params.key, entry.params)

TraceNext ==
    /\ line < Len(Traces[trace])
    /\ Accepts(Traces[trace][line + 1])
    /\ Observed' = Traces[trace][line + 1].state
    /\ line' = line + 1
    /\ UNCHANGED trace
====
