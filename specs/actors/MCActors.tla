---- MODULE MCActors ----
(* A world for model checking. *)
EXTENDS Actors

MCNames == {"olga", "alice", "alise", "bob"}
MCSimilar == {<<"alice", "alise">>, <<"alise", "alice">>}
====
