---- MODULE Time ----
(***************************************************************************)
(* Instants and spans as small numbers: for models and graphs, which       *)
(* search every state. lib/wide has the same operators for real times.     *)
(***************************************************************************)
EXTENDS Naturals

\* The beginning of time, and the span of no length.
Zero == 0

\* Whether t is earlier than u.
Before(t, u) == t < u

\* Whether t is no later than u.
NotAfter(t, u) == t <= u

\* The instant a span d after t.
Plus(t, d) == t + d

\* The span from u to t; Zero if t is not after u.
Minus(t, u) == IF t > u THEN t - u ELSE 0

\* The later and the earlier of two.
Later(t, u) == IF t < u THEN u ELSE t
Earlier(t, u) == IF t < u THEN t ELSE u
====
