"""Trace validation: the spec of a module must accept every trace that `convoke trace --out DIR` cut of a real run.

A trace module has the variables `trace` and `line`: which trace this is, and how many of its lines were accepted. The graph of
a run therefore says how far each trace came; the line after that was refused. A trace whose first line is refused has no state.
"""

import json
import pathlib
import tempfile

from . import dot, jobs, manifest, modules, second, tlc
from .values import Unreadable, parse

# One run of a checker takes so many lines in seconds.
_PART_LINES = 2_500
# Of each module, the same share of every run.
_MODULE_LINES = 10_000


class Part:
    """One TraceData.tla: whole traces, each a list of lines that are records in TLA+'s text."""

    def __init__(self, traces, names=None):
        self.traces = traces
        self.left_off = 0
        self.names = names or [(f"trace {number}", None) for number in range(1, len(traces) + 1)]

    def text(self):
        """The module."""
        return f"---- MODULE TraceData ----\nEXTENDS Integers\nTraces == {self._value()}\n====\n"

    def as_constant(self):
        """The module with the traces as the value of a constant: the second checker evaluates that once, but a definition at every use."""
        return f"---- MODULE TraceData ----\nEXTENDS Integers\nCONSTANT Traces\nRecorded == {self._value()}\n====\n"

    def _value(self):
        return "<<\n" + ",\n".join("<<\n" + ",\n".join(lines) + "\n>>" for lines in self.traces) + "\n>>"

    def lines(self):
        """How many there are."""
        return sum(len(lines) for lines in self.traces)


def read(file):
    """Reads a TraceData.tla as crates/model/src/slices/files.rs writes it, and the names of its traces from the NDJSON beside it."""
    traces, ended = [], False
    for line in file.read_text(encoding="utf-8").splitlines():
        if line == "<<":
            traces.append([])
        elif line.startswith("[action |-> "):
            traces[-1].append(line.removesuffix(","))
        elif line == "====":
            ended = True
        elif line not in (">>", ">>,", ",", "---- MODULE TraceData ----", "EXTENDS Integers", "Traces == <<"):
            raise Unreadable(f"{file}: {line[:80]}")
    if not ended or not traces or not all(traces):
        raise Unreadable(f"{file}: it is cut short, or has no traces")
    people = file.parent.parent / f"{file.parent.name}.ndjson"
    return Part(traces, _names(people, [len(lines) for lines in traces]))


def _names(people, lengths):
    if not people.exists():
        return None
    lines = [json.loads(line) for line in people.read_text(encoding="utf-8").splitlines()]
    if len(lines) != sum(lengths):
        raise Unreadable(f"{people}: {len(lines)} lines, but the traces have {sum(lengths)}")
    names, at = [], 0
    for length in lengths:
        names.append((f"{people}: {lines[at]['trace']}", [line["position"] for line in lines[at:at + length]]))
        at += length
    return names


class Row:
    """One part's traces."""

    def __init__(self, module, part, number):
        self.module, self.part, self.number = module, part, number
        self.problems, self.seconds, self.twice = [], 0.0, 0


def run(tools, wanted, folder, entries, progress, specs=modules.SPECS):
    """A row for each part; a module without traces in DIR is a problem unless the manifest says why."""
    rows = []
    for module in wanted:
        parts, problems = packed(module, folder)
        if not parts and not problems and not entries.get(module, {}).get("traces", {}).get("none"):
            problems.append(f"there are no traces of {module} in {folder}")
        rows += [Row(module, part, len(rows) + number) for number, part in enumerate(parts or [Part([])])]
        rows[-1].problems += problems
    return _check(tools, rows, entries, progress, specs)


def packed(module, folder):
    """The traces of a module below DIR, of whatever runs, in parts that one run of a checker takes; and what cannot be read."""
    runs, problems = [], []
    for file in sorted(pathlib.Path(folder).glob(f"**/{module}/*/TraceData.tla")):
        try:
            runs.append(read(file))
        except (Unreadable, OSError, ValueError, KeyError) as error:
            problems.append(str(error))
    parts, share = [], _MODULE_LINES // max(1, len(runs))
    for one in runs:
        taken = 0
        for lines, name in zip(one.traces, one.names):
            if taken and taken + len(lines) > share:
                break
            taken += len(lines)
            if not parts or parts[-1].lines() + len(lines) > _PART_LINES:
                parts.append(Part([]))
            parts[-1].traces.append(lines)
            parts[-1].names.append(name)
    if parts:
        parts[0].left_off = sum(one.lines() for one in runs) - sum(part.lines() for part in parts)
    return parts, problems


def run_parts(tools, parts, entries, progress, specs=modules.SPECS):
    """A row for each (module, part)."""
    return _check(tools, [Row(module, part, number) for number, (module, part) in enumerate(parts)], entries, progress, specs)


def merged(module, folder):
    """All traces of a module below DIR as one part."""
    parts, problems = packed(module, folder)
    if problems:
        raise Unreadable(problems[0])
    return Part([lines for part in parts for lines in part.traces])


def _check(tools, rows, entries, progress, specs):
    with tempfile.TemporaryDirectory(prefix="convoke-specs-") as work:

        def check(row):
            if row.problems or not row.part.traces:
                return row
            declared = entries.get(row.module, {}).get("traces", {})
            reached, problems, row.seconds, row.twice = validate(tools, row.module, row.part, f"{work}/{row.number}", declared, specs)
            row.problems += problems
            for name, lines, last in zip(row.part.names, row.part.traces, reached or []):
                if last < len(lines):
                    row.problems.append(refusal(name, lines, last))
            return row

        def result(row):
            if row.problems:
                return "FAILED: " + "\n    ".join(row.problems[:10]), True
            return f"{len(row.part.traces)} traces accepted, {row.part.lines()} lines ({row.seconds:.1f} s)", False

        return jobs.each(check, rows, progress, lambda row: f"{row.module} traces", result, lambda row: row.part.lines())


def refusal(name, lines, last):
    """Where a trace was refused, for people."""
    key, positions = name
    position = f" (position {positions[last]} of the log)" if positions else ""
    return f"{key}: line {last + 1} is refused{position}: {lines[last]}" + (f"\n      after {lines[last - 1]}" if last else "")


def validate(tools, module, part, work, declared, specs=modules.SPECS):
    """How many lines of each trace were accepted, by TLC; what is wrong, disagreements of the checkers included; seconds; and how many
    lines the second checker was asked about too."""
    seconds = declared.get("seconds", manifest.SECONDS)
    reached, problems, took = _run(tlc, "TLC", tools, module, part, pathlib.Path(work) / "tlc", seconds, specs)
    if problems or declared.get("second"):
        return reached, problems, took, 0
    again, problems, also = _run(second, "tla-checker", tools, module, part, pathlib.Path(work) / "second", seconds, specs)
    if not problems and again != reached:
        problems = [f"the checkers disagree: of each trace TLC accepts {reached} lines, tla-checker {again}"]
    return reached, problems, took + also, part.lines()


def accepts(tools, module, part, work, declared, extra, specs=modules.SPECS):
    """Whether a spec with some files replaced accepts every line, by the quicker checker where it can, else by TLC; what is wrong with
    TLC's answer; and seconds."""
    work, all_lines, seconds = pathlib.Path(work), [len(lines) for lines in part.traces], 0.0
    if not declared.get("second"):
        reached, problems, seconds = _run(second, "tla-checker", tools, module, part, work / "second", manifest.SECONDS, specs, extra)
        if not problems:
            return reached == all_lines, [], seconds
    reached, problems, took = _run(tlc, "TLC", tools, module, part, work / "tlc", manifest.SECONDS, specs, extra)
    return not problems and reached == all_lines, problems, seconds + took


def _run(checker, name, tools, module, part, work, seconds, specs, extra=None):
    root = f"Trace{modules.title(module)}"
    # TLC evaluates a definition once, and a constant that a definition replaces at every use.
    data = part.as_constant() if checker is second else part.text()
    folder = modules.stage(module, work, "wide", {"TraceData.tla": data, **(extra or {})}, specs)
    if not (folder / f"{root}.tla").exists() or not (folder / "Trace.cfg").exists():
        return [], [f"there is no {root}.tla or no Trace.cfg"], 0.0
    if checker is second:
        with (folder / "Trace.cfg").open("a", encoding="utf-8") as config:
            config.write("\nCONSTANT Traces <- Recorded\n")
    path = folder / "trace.dot"
    outcome = checker.check(tools, str(folder), root, "Trace", seconds, dump=str(path))
    problems = [f"{name}: {problem}" for problem in outcome.problems()]
    if outcome.verdict == "nothing" or (outcome.verdict == "ok" and outcome.states == 0):
        return [0] * len(part.traces), problems, outcome.seconds
    if outcome.verdict != "ok":
        return [], problems or [f"{name} says {outcome.verdict}"], outcome.seconds
    reached = [0] * len(part.traces)
    try:
        for variables in dot.read(path.read_text(encoding="utf-8"), keep={"trace", "line"}).nodes.values():
            at = parse(variables["trace"]) - 1
            reached[at] = max(reached[at], parse(variables["line"]))
    except (Unreadable, OSError, KeyError, IndexError, TypeError) as error:
        problems.append(f"{name}'s states cannot be read: {error!r}")
    return reached, problems, outcome.seconds
