"""Trace validation: the spec of a module must accept every trace that `convoke trace --out DIR` cut of a real run.

A trace module has the variables `trace` and `line`: which trace this is, and how many of its lines were accepted. The graph of
a run therefore says how far each trace came; the line after that was refused. A trace whose first line is refused has no state.
"""

import json
import pathlib
import tempfile

from . import dot, jobs, manifest, modules, second, tlc
from .values import Unreadable

# One run of TLC takes so many lines in seconds. The second checker evaluates all of `Traces` anew for every step, so that its
# time grows with the square of the lines.
_PART_LINES = 2_500
_SECOND_LINES = 100
# Of each part, so that the second opinion does not take longer than the first: of every run a few traces.
_SECOND_PART_LINES = 500
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
        traces = ",\n".join("<<\n" + ",\n".join(lines) + "\n>>" for lines in self.traces)
        return f"---- MODULE TraceData ----\nEXTENDS Integers\nTraces == <<\n{traces}\n>>\n====\n"

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

        return jobs.each(check, rows, progress, lambda row: f"{row.module} traces", result)


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
    first = twice = 0
    for number, piece in enumerate(_pieces(part)):
        if twice + piece.lines() <= _SECOND_PART_LINES or not twice:
            again, others, also = _run(second, "tla-checker", tools, module, piece, pathlib.Path(work) / f"second-{number}", seconds, specs)
            took += also
            twice += piece.lines()
            problems += others
            if not others and again != reached[first:first + len(piece.traces)]:
                problems.append(f"the checkers disagree: TLC accepts {reached[first:first + len(piece.traces)]} lines, tla-checker {again}")
        first += len(piece.traces)
    return reached, problems, took, twice


def accepts(tools, module, part, work, declared, extra, specs=modules.SPECS):
    """Whether a spec with some files replaced accepts every line, by one checker: the quicker one where it can."""
    if declared.get("second"):
        reached, problems, _ = _run(tlc, "TLC", tools, module, part, pathlib.Path(work), manifest.SECONDS, specs, extra)
        return not problems and reached == [len(lines) for lines in part.traces]
    for number, piece in enumerate(_pieces(part)):
        reached, problems, _ = _run(second, "tla-checker", tools, module, piece, pathlib.Path(work) / str(number), manifest.SECONDS, specs, extra)
        if problems or reached != [len(lines) for lines in piece.traces]:
            return False
    return True


def _pieces(part):
    traces = []
    for lines in part.traces:
        if traces and sum(map(len, traces)) + len(lines) > _SECOND_LINES:
            yield Part(traces)
            traces = []
        traces.append(lines)
    if traces:
        yield Part(traces)


def _run(checker, name, tools, module, part, work, seconds, specs, extra=None):
    root = f"Trace{modules.title(module)}"
    folder = modules.stage(module, work, "wide", {"TraceData.tla": part.text(), **(extra or {})}, specs)
    if not (folder / f"{root}.tla").exists() or not (folder / "Trace.cfg").exists():
        return [], [f"there is no {root}.tla or no Trace.cfg"], 0.0
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
            at = variables["trace"] - 1
            reached[at] = max(reached[at], variables["line"])
    except (Unreadable, OSError, KeyError, IndexError, TypeError) as error:
        problems.append(f"{name}'s states cannot be read: {error!r}")
    return reached, problems, outcome.seconds
