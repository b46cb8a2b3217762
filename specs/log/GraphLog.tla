---- MODULE GraphLog ----
(***************************************************************************)
(* The log's state graph, with the parameters of each step. What the code  *)
(* is not asked here: snapshots are the engine's.                          *)
(***************************************************************************)
EXTENDS Log

VARIABLE step

GraphInit == Init /\ (step = [action |-> "Init", params |-> <<>>])

GraphNext ==
    \/ \E c \in Clients, expected \in Heads, what \in Contents :
        /\ Ask(c, expected, what)
        /\ step' = [action |-> "Ask", params |-> [by |-> c, expected |-> expected, what |-> what]]
    \/ \E c \in Clients, why \in {"conflict", "poisoned"} :
        /\ Refuse(c, why)
        /\ step' = [action |-> "Refuse", params |-> [by |-> c, why |-> why]]
    \/ \E c \in Clients :
        /\ Write(c)
        /\ step' = [action |-> "Write", params |-> [by |-> c]]
    \/ /\ Sync
       /\ step' = [action |-> "Sync", params |-> <<>>]
    \/ /\ Record
       /\ step' = [action |-> "Record", params |-> <<>>]
    \/ /\ RecordFail
       /\ step' = [action |-> "RecordFail", params |-> <<>>]
    \/ /\ Acknowledge
       /\ step' = [action |-> "Acknowledge", params |-> <<>>]
    \/ \E c \in Clients, part \in BOOLEAN :
        /\ FailToWrite(c, part)
        /\ step' = [action |-> "FailToWrite", params |-> [by |-> c, part |-> part]]
    \/ /\ LoseAcknowledgement
       /\ step' = [action |-> "LoseAcknowledgement", params |-> <<>>]
    \/ \E kept \in {"all", "part", "nothing"} :
        /\ Crash(kept)
        /\ step' = [action |-> "Crash", params |-> [kept |-> kept]]
    \/ \E left \in 0..Len(disk) :
        /\ LoseTail(left)
        /\ step' = [action |-> "LoseTail", params |-> [left |-> left]]
    \/ \E what \in Contents :
        /\ Exchange(what)
        /\ step' = [action |-> "Exchange", params |-> [what |-> what]]
    \/ /\ Open
       /\ step' = [action |-> "Open", params |-> <<>>]
    \/ \E why \in {"truncated", "exchanged"} :
        /\ OpenRefused(why)
        /\ step' = [action |-> "OpenRefused", params |-> [why |-> why]]

GraphSpec == GraphInit /\ [][GraphNext]_<<vars, step>>
====
