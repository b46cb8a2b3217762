---- MODULE TraceData ----
EXTENDS Integers
Traces == <<
<<
[action |-> "Init", params |-> <<>>, state |-> [size |-> 886]],
[action |-> "Appended", params |-> [count |-> 1, first |-> 886], state |-> [size |-> 887]],
[action |-> "Appended", params |-> [count |-> 1, first |-> 887], state |-> [size |-> 888]],
[action |-> "Appended", params |-> [count |-> 7, first |-> 888], state |-> [size |-> 895]],
[action |-> "Appended", params |-> [count |-> 7, first |-> 895], state |-> [size |-> 902]],
[action |-> "Appended", params |-> [count |-> 3, first |-> 902], state |-> [size |-> 905]],
[action |-> "Appended", params |-> [count |-> 2, first |-> 905], state |-> [size |-> 907]],
[action |-> "Appended", params |-> [count |-> 1, first |-> 907], state |-> [size |-> 908]],
[action |-> "Appended", params |-> [count |-> 5, first |-> 908], state |-> [size |-> 913]],
[action |-> "Appended", params |-> [count |-> 2, first |-> 913], state |-> [size |-> 915]],
[action |-> "Appended", params |-> [count |-> 1, first |-> 915], state |-> [size |-> 916]],
[action |-> "Appended", params |-> [count |-> 1, first |-> 916], state |-> [size |-> 917]],
[action |-> "Appended", params |-> [count |-> 1, first |-> 917], state |-> [size |-> 918]]
>>
>>
====
