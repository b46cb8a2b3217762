"""Checks the checker, on a small module of its own: what is right passes, and each thing that can be wrong is noticed.

`specs/check --self-test`
"""

import json
import pathlib
import re
import tempfile
import textwrap
import unittest

from . import dot, graph, graphs, jobs, manifest, models, modules, mutants, process, sample, spoil, tools, traces
from .outcome import Outcome
from .values import Unreadable, canonical

DOOR = r"""
---- MODULE Door ----
EXTENDS Time, FiniteSets
CONSTANTS Keepers, Times
VARIABLES door, now

Init ==
    /\ door = [status |-> "none", keeper |-> "", knocks |-> 0, locked |-> FALSE]
    /\ now = Zero

Hung(by) ==
    /\ door.status = "none"
    /\ by \in Keepers
    /\ door' = [door EXCEPT !.status = "shut", !.keeper = by]
    /\ UNCHANGED now

Knocked(times) ==
    /\ door.status = "shut"
    /\ door.knocks + times <= 2
    /\ times > 0
    /\ door' = [door EXCEPT !.knocks = door.knocks + times]
    /\ UNCHANGED now

Opened(by) ==
    /\ door.status = "shut"
    /\ door.knocks > 0
    /\ by = door.keeper
    /\ door' = [door EXCEPT !.status = "open"]
    /\ UNCHANGED now

Advance(to) ==
    /\ Before(now, to)
    /\ now' = to
    /\ UNCHANGED door

Next ==
    \/ \E by \in Keepers: Hung(by)
    \/ \E times \in 1..2: Knocked(times)
    \/ \E by \in Keepers: Opened(by)
    \/ \E to \in Times: Advance(to)

Spec == Init /\ [][Next]_<<door, now>>
FairSpec == Init /\ [][Next]_<<door, now>> /\ WF_<<door, now>>(\E by \in Keepers: Opened(by))

OpenedOnlyAfterAKnock == door.status = "open" => door.knocks > 0
NeverOpen == door.status # "open"
AKnockIsHeard == (door.knocks > 0) ~> (door.status = "open")
====
"""
GRAPH = r"""
---- MODULE GraphDoor ----
EXTENDS Door
VARIABLE step
GraphInit == Init /\ step = [action |-> "Init", params |-> <<>>]
GraphNext ==
    \/ \E by \in Keepers: Hung(by) /\ step' = [action |-> "Hung", params |-> [by |-> by]]
    \/ \E times \in 1..2: Knocked(times) /\ step' = [action |-> "Knocked", params |-> [times |-> times]]
    \/ \E by \in Keepers: Opened(by) /\ step' = [action |-> "Opened", params |-> [by |-> by]]
    \/ \E to \in Times: Advance(to) /\ step' = [action |-> "Advance", params |-> [to |-> to]]
====
"""
TRACE = r"""
---- MODULE TraceDoor ----
EXTENDS Door, TraceData, Sequences
VARIABLES trace, line
Observed == [status |-> door.status, knocks |-> door.knocks]
TraceInit == /\ trace \in 1..Len(Traces)
             /\ line = 1
             /\ Init
             /\ Observed = Traces[trace][1].state
Accepts(entry) ==
    \/ entry.action = "Hung" /\ Hung(entry.params.by)
    \/ entry.action = "Knocked" /\ Knocked(entry.params.times)
    \/ entry.action = "Opened" /\ Opened(entry.params.by)
    \/ entry.action = "Advance" /\ Advance(entry.params.to)
TraceNext == /\ line < Len(Traces[trace])
             /\ Accepts(Traces[trace][line + 1])
             /\ Observed' = Traces[trace][line + 1].state
             /\ line' = line + 1
             /\ UNCHANGED trace
====
"""
CONSTANTS = 'CONSTANT Keepers = {"a1", "a2"}\nCONSTANT Times = {1}\n'
FILES = {
    "Door.tla": DOOR, "GraphDoor.tla": GRAPH, "TraceDoor.tla": TRACE,
    "MCSafety.cfg": f"SPECIFICATION Spec\n{CONSTANTS}INVARIANT OpenedOnlyAfterAKnock\n",
    "MCLiveness.cfg": f"SPECIFICATION FairSpec\n{CONSTANTS}PROPERTY AKnockIsHeard\n",
    "MCNoFairness.cfg": f"SPECIFICATION Spec\n{CONSTANTS}PROPERTY AKnockIsHeard\n",
    "MCWitnessOpen.cfg": f"SPECIFICATION Spec\n{CONSTANTS}INVARIANT NeverOpen\n",
    "Graph.cfg": f"INIT GraphInit\nNEXT GraphNext\n{CONSTANTS}",
    "Trace.cfg": f"INIT TraceInit\nNEXT TraceNext\n{CONSTANTS}",
}


def line(action, params, status, knocks):
    """A line of a trace."""
    return f'[action |-> "{action}", params |-> {params}, state |-> [knocks |-> {knocks}, status |-> "{status}"]]'


TRACE_OF_A_DOOR = [
    line("Init", "<<>>", "none", 0), line("Advance", "[to |-> <<0, 5>>]", "none", 0), line("Hung", '[by |-> "a1"]', "shut", 0),
    line("Advance", "[to |-> <<0, 999999>>]", "shut", 0), line("Knocked", "[times |-> 2]", "shut", 2),
    line("Advance", "[to |-> <<1, 3>>]", "shut", 2), line("Opened", '[by |-> "a1"]', "open", 2),
]


class Values(unittest.TestCase):
    """Reading values and graphs."""

    def test_every_form_of_a_value_has_one_text(self):
        for text, expected in [
            ("{10, 9}", "{10, 9}"), ("<< >>", "<<>>"), ("[b |-> {}, a |-> -1]", "[a |-> -1, b |-> {}]"), ('("b" :> 1 @@ "a" :> TRUE)', "[a |-> TRUE, b |-> 1]"),
            ("(1 :> 5 @@ 2 :> 6)", "<<5, 6>>"), ("(3 :> 5 @@ 2 :> 6)", "(2 :> 6 @@ 3 :> 5)"), ('("a-b" :> 1)', '("a-b" :> 1)'), ("true", "TRUE"), ("m1", "m1"),
        ]:
            self.assertEqual(canonical(text), expected)

    def test_what_is_no_value_is_an_error(self):
        for text in ("", "<<1", "[a |-> ]", "{1 2}", "1 2", "[1 |-> 2]", "#"):
            with self.assertRaises(Unreadable, msg=text):
                canonical(text)

    def test_both_checkers_nodes_are_read(self):
        tlc_text = 'strict digraph DiskGraph {\n1 [label="/\\\\ x = \\"a\\"\\n/\\\\ step = [action |-> \\"Init\\", params |-> <<>>]",style = filled]\n}\n'
        other = 'digraph StateGraph {\n  rankdir=TB;\n  s0 [label="x=\\"a\\"\\nstep=[action |-> \\"Init\\", params |-> <<>>]"];\n}\n'
        for text in (tlc_text, other):
            made = graph.from_dot(dot.read(text))
            self.assertEqual((made.states, made.initial), ({'[x |-> "a"]'}, {'[x |-> "a"]'}))

    def test_a_line_of_no_known_form_is_an_error(self):
        with self.assertRaises(Unreadable):
            dot.read('digraph G {\n1 [label="broken\n}\n')

    def test_a_program_that_does_not_end_is_ended(self):
        for idle_or_busy in (["sleep", "60"], ["sh", "-c", "while :; do :; done"]):
            status, out, _, used = process.run(idle_or_busy, "/", 0.1)
            self.assertTrue(status is None and used < 5, idle_or_busy)
        self.assertEqual(process.run(["sh", "-c", "echo out; echo err >&2; exit 3"], "/", 1)[:3], (3, "out\n", "err\n"))


class Judging(unittest.TestCase):
    """What a model's row says of two outcomes."""

    def problems(self, first, other, **model):
        """Of a model that is expected to be ok in 5 states."""
        row = models.Row("door", "MCSafety", {"expect": "ok", "states": 5, **model})
        row.first, row.other = first, other
        return row.judge().problems

    def test_two_equal_answers_that_were_expected_hold(self):
        self.assertEqual(self.problems(Outcome("ok", states=5), Outcome("ok", states=5)), [])

    def test_anything_else_fails(self):
        good = Outcome("ok", states=5)
        for other in (Outcome("ok", states=6), Outcome("ok"), Outcome("violated:X", steps=2), Outcome("error", detail="no"), Outcome("ok", states=5, complaints=["Warning: odd"])):
            self.assertNotEqual(self.problems(good, other), [], other.verdict)
            self.assertNotEqual(self.problems(other, good), [], other.verdict)

    def test_a_table_of_mutants_is_made_anew_for_some_modules(self):
        def mutant(module, caught):
            one = mutants.Mutant(module, {"name": f"of {module}", "why": "a fault"})
            one.caught, one.noticed = [caught], {caught: caught}
            return one

        before = mutants._text([mutant("door", "graph"), mutant("gate", "graph")], ["door", "gate"])
        made = mutants._text([mutant("gate", "traces"), mutant("hall", "traces")], ["gate", "hall"])
        after = mutants._text([mutant("door", "graph"), mutant("gate", "traces"), mutant("hall", "traces")], ["door", "gate", "hall"])
        self.assertEqual(mutants._spliced(before, made, ["gate", "hall"]), after)
        self.assertEqual(mutants._spliced(before, before, ["gate"]), before)


class Running(unittest.TestCase):
    """The whole checker, with both checkers, on the door."""

    @classmethod
    def setUpClass(cls):
        cls.tools = tools.prepare(print)

    def setUp(self):
        self.place = tempfile.TemporaryDirectory(prefix="convoke-self-test-")
        self.addCleanup(self.place.cleanup)
        self.specs = pathlib.Path(self.place.name)
        (self.specs / "door").mkdir()
        for name, text in FILES.items():
            (self.specs / "door" / name).write_text(textwrap.dedent(text).lstrip(), encoding="utf-8")
        self.entries = {}

    def write(self, name, find, replace):
        """Edits a file of the door."""
        file = self.specs / "door" / name
        text = file.read_text(encoding="utf-8")
        self.assertEqual(text.count(find), 1, find)
        file.write_text(text.replace(find, replace), encoding="utf-8")

    def models(self, update=False):
        """What is wrong with each model."""
        rows = models.run(self.tools, ["door"], self.entries, jobs.Progress(silent=True), update, self.specs)
        return {row.name: row.problems for row in rows}

    def graph(self, update=False):
        """What is wrong with the graph."""
        [row] = graphs.run(self.tools, ["door"], self.entries, jobs.Progress(silent=True), update, self.specs)
        return row.problems

    def kept(self, lines=None):
        """A sample of one trace, and its part."""
        place = self.specs / "runs" / "door" / "0001"
        place.mkdir(parents=True)
        (place / "TraceData.tla").write_text(traces.Part([lines or TRACE_OF_A_DOOR]).text(), encoding="utf-8")
        self.assertTrue(sample.keep("door", self.specs / "runs", self.specs))
        return traces.read(sample.file("door", self.specs))

    @staticmethod
    def by_name(failures):
        """Those that are about a mutant."""
        return {failure.split("'")[1]: failure for failure in failures if "'" in failure}

    def test_models_are_checked_with_their_exact_numbers(self):
        self.assertEqual(set(map(tuple, self.models(update=True).values())), {()})
        expected = {name: model["expect"] for name, model in self.entries["door"]["models"].items()}
        self.assertEqual(expected, {"MCSafety": "ok", "MCLiveness": "ok", "MCNoFairness": "violated:AKnockIsHeard", "MCWitnessOpen": "reached"})
        self.assertEqual(self.entries["door"]["models"]["MCWitnessOpen"]["steps"], 4)
        self.assertEqual(manifest.problems("door", self.entries["door"], self.specs), [])

        self.entries["door"]["models"]["MCSafety"]["states"] += 1
        self.assertIn("the manifest says", self.models()["MCSafety"][0])
        self.write("Door.tla", "    /\\ door.knocks > 0\n    /\\ by = door.keeper", "    /\\ by = door.keeper")
        self.assertIn("violated:OpenedOnlyAfterAKnock", self.models()["MCSafety"][0])
        self.write("Door.tla", "NeverOpen ==", "NeverOpn ==")
        self.assertTrue(self.models()["MCWitnessOpen"])
        (self.specs / "door" / "MCSafety.cfg").unlink()
        self.assertIn("no MCSafety.cfg", self.models()["MCSafety"][0])
        self.assertIn("no MCSafety.cfg", manifest.problems("door", self.entries["door"], self.specs)[0])

    def test_a_witness_that_cannot_be_reached_any_more_is_noticed(self):
        self.models(update=True)
        self.write("Door.tla", "by = door.keeper", 'by = "nobody"')
        self.assertIn("says ok, expected violated:NeverOpen", self.models()["MCWitnessOpen"][0])

    def test_a_warning_is_a_failure(self):
        self.models(update=True)
        self.write("MCSafety.cfg", "INVARIANT", "ACTION_CONSTRAINT NeverOpen\nINVARIANT")
        self.assertTrue(self.models()["MCSafety"])

    def test_the_graph_is_made_and_compared(self):
        self.assertIn("no committed graph.txt", self.graph()[0])
        self.assertEqual(self.graph(update=True), [])
        self.assertEqual(self.graph(), [])
        committed = graph.read((self.specs / "door" / "graph.txt").read_text(encoding="utf-8"))
        start = '[door |-> [keeper |-> "", knocks |-> 0, locked |-> FALSE, status |-> "none"], now |-> 0]'
        self.assertEqual(committed.initial, {start})
        self.assertIn('Hung [by |-> "a2"]', {step for source, step, _ in committed.edges if source == start})
        self.write("Door.tla", "door.knocks + times <= 2", "door.knocks + times <= 3")
        self.assertIn("only in the spec", self.graph()[0])

    def test_traces_are_accepted_or_refused_at_their_line(self):
        part = self.kept()
        reached, problems, _, _ = traces.validate(self.tools, "door", part, self.place.name + "/good", {}, self.specs)
        self.assertEqual((reached, problems), ([len(TRACE_OF_A_DOOR)], []))
        strange = [line("Init", "<<>>", "none", 0), line("Opened", '[by |-> "a1"]', "open", 0)]
        late = [line("Init", "<<>>", "shut", 0), line("Advance", "[to |-> <<1, 0>>]", "shut", 0)]
        reached, problems, _, _ = traces.validate(self.tools, "door", traces.Part([strange, TRACE_OF_A_DOOR, late]), self.place.name + "/bad", {}, self.specs)
        self.assertEqual((reached, problems), ([1, len(TRACE_OF_A_DOOR), 0], []))

    def test_a_module_without_traces_is_noticed(self):
        [row] = traces.run(self.tools, ["door"], self.specs / "nowhere", {}, jobs.Progress(silent=True), self.specs)
        self.assertIn("there are no traces", row.problems[0])

    def test_every_spoiled_trace_is_refused_at_its_line(self):
        part = self.kept()
        [row] = spoil.run(self.tools, [("door", part)], {}, jobs.Progress(silent=True), self.specs)
        self.assertEqual(row.problems, [])
        self.assertEqual(row.kinds(), {"dropped": 2, "doubled": 2, "reordered": 2, "parameter": 3, "observation": 2})
        # A spec that does not look at who opens accepts a wrong parameter.
        self.write("Door.tla", "    /\\ by = door.keeper\n", "")
        [row] = spoil.run(self.tools, [("door", part)], {}, jobs.Progress(silent=True), self.specs)
        self.assertIn("parameter Opened.by: accepted", row.problems[0])

    def test_mutants_are_caught_or_reported(self):
        self.models(update=True)
        self.graph(update=True)
        self.kept()
        edits = [
            ("no keeper", "    /\\ by = door.keeper\n", "", None), ("open without a knock", "    /\\ door.knocks > 0\n", "", None),
            ("a comment", "VARIABLES door, now\n", "VARIABLES door, now\n\\* a door\n", None),
            ("an honest comment", "VARIABLES door, now\n", "VARIABLES door, now\n\\* a door\n", "a comment changes nothing"),
            ("not equivalent", "    /\\ times > 0\n", "    /\\ times > 1\n", "so it is said"), ("not TLA+", "VARIABLES door, now", "VARIABLES door now", None),
            ("everywhere", "door", "gate", None),
        ]
        listed = [dict(name=name, file="Door.tla", find=find, replace=replace, why=name, **({"equivalent": equivalent} if equivalent else {})) for name, find, replace, equivalent in edits]
        (self.specs / "door" / "mutants.json").write_text(json.dumps(listed), encoding="utf-8")
        failures = mutants.run(self.tools, ["door"], self.entries, jobs.Progress(silent=True), whole=True, update=True, specs=self.specs)
        found = self.by_name(failures)
        self.assertEqual(set(found), {"a comment", "not equivalent", "not TLA+", "everywhere"})
        self.assertIn("survives", found["a comment"])
        self.assertIn("caught by", found["not equivalent"])
        table = (self.specs / "MUTANTS.md").read_text(encoding="utf-8")
        self.assertIn("| no keeper | no keeper | graph |", table)
        self.assertIn("| open without a knock | open without a knock | graph, safety by MCSafety", table)

        # What is asked first may not notice any more: then the others are, and if none does that is a failure.
        (self.specs / "MUTANTS.md").write_text(re.sub(r"graph, [^|]*", "witness by MCWitnessOpen, liveness ", table), encoding="utf-8")
        failures = mutants.run(self.tools, ["door"], self.entries, jobs.Progress(silent=True), whole=True, update=False, quick=True, specs=self.specs)
        self.assertEqual(set(self.by_name(failures)), set(found))


def run():
    """0 if every test passes."""
    suite = unittest.defaultTestLoader.loadTestsFromName(__name__)
    return 0 if unittest.TextTestRunner(verbosity=1).run(suite).wasSuccessful() else 1
