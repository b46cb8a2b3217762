---- MODULE Time ----
(***************************************************************************)
(* Instants and spans as <<seconds, microseconds>>: for traces of real     *)
(* runs, since the checkers' 32 bits do not hold microseconds. Seconds     *)
(* count from the first second of the trace and are negative before it;    *)
(* microseconds are in 0..999999. lib/small has the same operators on      *)
(* small numbers.                                                          *)
(***************************************************************************)
EXTENDS Integers

\* The first second of the trace, and the span of no length.
Zero == <<0, 0>>

\* Whether t is earlier than u.
Before(t, u) == (t[1] < u[1]) \/ ((t[1] = u[1]) /\ (t[2] < u[2]))

\* Whether t is no later than u.
NotAfter(t, u) == ~Before(u, t)

\* The instant a span d after t.
Plus(t, d) ==
    IF t[2] + d[2] < 1000000
    THEN <<t[1] + d[1], t[2] + d[2]>>
    ELSE <<t[1] + d[1] + 1, t[2] + d[2] - 1000000>>

\* The span from u to t; Zero if t is not after u.
Minus(t, u) ==
    IF ~Before(u, t)
    THEN Zero
    ELSE IF t[2] < u[2]
    THEN <<t[1] - u[1] - 1, t[2] - u[2] + 1000000>>
    ELSE <<t[1] - u[1], t[2] - u[2]>>

\* The later and the earlier of two.
Later(t, u) == IF Before(t, u) THEN u ELSE t
Earlier(t, u) == IF Before(t, u) THEN t ELSE u
====
