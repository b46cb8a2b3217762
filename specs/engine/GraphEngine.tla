---- MODULE GraphEngine ----
(***************************************************************************)
(* The engine's state graph, with the parameters of each step: of two      *)
(* worlds. In one ann is alone, tries everything, and there is a crash.    *)
(* In the other there is none, and ann and bob share the writer.           *)
(***************************************************************************)
EXTENDS Engine

VARIABLE step

IsAlone == calls["bob"].state = "away"

GraphInit ==
    /\ log = <<>>
    /\ batch = <<>>
    /\ phase = "idle"
    /\ \/ /\ calls = [c \in Clients |-> IF c = "bob" THEN [Idle EXCEPT !.state = "away"] ELSE Idle]
          /\ crashes = 0
       \/ /\ calls = [c \in Clients |-> Idle]
          /\ crashes = CrashesMax
    /\ view = <<>>
    /\ now = Zero
    /\ ahead = Zero
    /\ told = 0
    /\ step = [action |-> "Init", params |-> <<>>]

MayAsk(c, command) == IsAlone \/ (command = "plan") \/ ((c = "ann") /\ (command = "accept"))

GraphNext ==
    \/ \E c \in Clients, command \in Commands :
        /\ MayAsk(c, command)
        /\ Ask(c, command)
        /\ step' = [action |-> "Ask", params |-> [by |-> c, command |-> command]]
    \/ \E c \in Clients :
        /\ Retry(c)
        /\ step' = [action |-> "Retry", params |-> [by |-> c]]
    \/ \E c \in Clients :
        /\ Disconnect(c)
        /\ step' = [action |-> "Disconnect", params |-> [by |-> c]]
    \/ \E of \in 1..Len(Deciding) :
        /\ BecameDue(of)
        /\ step' = [action |-> "BecameDue", params |-> [of |-> of]]
    \/ \E c \in Clients, answer \in {"repeated", "key_reused"} :
        /\ RepeatAnswered(c, answer)
        /\ step' = [action |-> "RepeatAnswered", params |-> [by |-> c, answer |-> answer]]
    \/ \E c \in Clients, answer \in {"clock_jumped", "clock_fine", "refused", "nothing"} :
        /\ NothingWritten(c, answer)
        /\ step' = [action |-> "NothingWritten", params |-> [by |-> c, answer |-> answer]]
    \/ \E c \in Clients :
        /\ CommandDecided(c)
        /\ step' = [action |-> "CommandDecided", params |-> [by |-> c]]
    \/ \E c \in Clients :
        /\ ClockAccepted(c)
        /\ step' = [action |-> "ClockAccepted", params |-> [by |-> c]]
    \/ /\ EndBatch
       /\ step' = [action |-> "EndBatch", params |-> <<>>]
    \/ /\ BatchDurable
       /\ step' = [action |-> "BatchDurable", params |-> <<>>]
    \/ /\ Publish
       /\ step' = [action |-> "Publish", params |-> <<>>]
    \/ /\ AnswerAll
       /\ step' = [action |-> "AnswerAll", params |-> <<>>]
    \/ \E kept \in BOOLEAN :
        /\ Crash(kept)
        /\ step' = [action |-> "Crash", params |-> [kept |-> kept]]
    \/ /\ Recover
       /\ step' = [action |-> "Recover", params |-> <<>>]
    \/ \E to \in {t \in Instants : Plus(t, ahead) \in Instants} :
        /\ Advance(to)
        /\ step' = [action |-> "Advance", params |-> [to |-> to]]
    \/ /\ ClockJumps
       /\ step' = [action |-> "ClockJumps", params |-> <<>>]

GraphSpec == GraphInit /\ [][GraphNext]_<<vars, step>>
====
