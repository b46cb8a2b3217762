"""Traces that are spoiled on purpose: each must be refused, and at the right line.

Five kinds: a line dropped, doubled, or put before the one that precedes it, a wrong parameter, a wrong observation. Where a
spoiled trace is a behaviour too, there is nothing to refuse; so lines are taken whose loss must show: the one that creates the
object, and those after which nothing but time passes. Parameters and observations are spoiled one by one, each that there is.
"""

import tempfile

from . import jobs, modules, traces
from .values import field, parse, show

# Lines that are kept after the spoiled one.
_TAIL = 3
_OF_EACH_KIND = 12


class Row:
    """One module's spoiled traces."""

    def __init__(self, module, part):
        self.module, self.part = module, part
        self.spoiled, self.problems, self.seconds = [], [], 0.0

    def kinds(self):
        """How many of each kind."""
        return {kind: sum(one.kind == kind for one in self.spoiled) for kind in KINDS}


class Spoiled:
    """A spoiled trace, the number of the line that must be refused, and what was done to it."""

    def __init__(self, kind, what, lines, refused):
        self.kind, self.what, self.lines, self.refused = kind, what, lines, refused


KINDS = ("dropped", "doubled", "reordered", "parameter", "observation")


def run(tools, parts, entries, progress, specs=modules.SPECS):
    """A row for each (module, part): every spoiled trace of it must be refused at its line."""
    rows = [Row(module, part) for module, part in parts]
    with tempfile.TemporaryDirectory(prefix="convoke-specs-") as work:

        def check(row):
            declared = entries.get(row.module, {}).get("traces", {})
            row.spoiled = list(spoiled(row.part, declared.get("not_spoiled", {})))
            missing = [kind for kind, number in row.kinds().items() if not number]
            if missing:
                row.problems.append("nothing could be spoiled in these ways: " + ", ".join(missing))
            if not row.spoiled:
                return row
            part = traces.Part([one.lines for one in row.spoiled])
            reached, problems, row.seconds, _ = traces.validate(tools, row.module, part, f"{work}/{row.module}", declared, specs)
            row.problems += problems
            for one, last in zip(row.spoiled, reached or []):
                if last + 1 != one.refused:
                    where = "accepted" if last == len(one.lines) else f"refused at line {last + 1}"
                    row.problems.append(f"{one.kind} {one.what}: {where}, not refused at line {one.refused}:\n      " + "\n      ".join(one.lines[max(0, one.refused - 2):one.refused]))
            return row

        def result(row):
            if row.problems:
                return "FAILED: " + "\n    ".join(row.problems[:10]), True
            return "each refused at its line: " + ", ".join(f"{number} {kind}" for kind, number in row.kinds().items()) + f" ({row.seconds:.1f} s)", False

        return jobs.each(check, rows, progress, lambda row: f"{row.module} spoiled traces", result, lambda row: row.part.lines())


def spoiled(part, exempt):
    """Spoiled traces of a part. `exempt` names what makes no difference, `Action.parameter` or `Action`, each with a reason."""
    done = set()
    counts = dict.fromkeys(KINDS, 0)
    for lines in part.traces:
        created = next((at for at, line in enumerate(lines) if at and _action(line) != "Advance"), None)
        if created is None:
            continue
        for at in range(1, len(lines)):
            for one in _of_line(lines, at, created, exempt, done):
                if counts[one.kind] < _OF_EACH_KIND or one.kind in ("parameter", "observation"):
                    counts[one.kind] += 1
                    yield one


def _of_line(lines, at, created, exempt, done):
    action = _action(lines[at])
    is_sure = at == created or (at + 1 < len(lines) and _action(lines[at + 1]) == "Advance")
    changes = action != "Advance" and _state(lines[at]) != _state(lines[at - 1])
    if is_sure and changes and action not in exempt:
        if at + 1 < len(lines):
            yield from _once(done, "dropped", action, lines[:at] + lines[at + 1:at + 1 + _TAIL], at + 1)
            yield from _once(done, "reordered", action, lines[:at] + [lines[at + 1], lines[at]] + lines[at + 2:at + 1 + _TAIL], at + 1)
        yield from _once(done, "doubled", action, lines[:at + 1] + lines[at:at + _TAIL], at + 2)
    for part in ("params", "state"):
        record = field(parse(lines[at]), part)
        for name, value in record[1] if record[0] == "function" else []:
            wrong = _altered(value)
            label = f"{action}.{name}" if part == "params" else f"state.{name}"
            # A later time is a behaviour as well, until something happens that it is too late for.
            if wrong is None or label in exempt or label == "Advance.to":
                continue
            spoilt = ("function", [(key, wrong if key == name else other) for key, other in record[1]])
            whole = [(key, spoilt if key == part else content) for key, content in parse(lines[at])[1]]
            line = "[" + ", ".join(f"{key} |-> {show(content)}" for key, content in whole) + "]"
            yield from _once(done, "parameter" if part == "params" else "observation", label, lines[:at] + [line] + lines[at + 1:at + _TAIL], at + 1)


def _once(done, kind, what, lines, refused):
    if (kind, what) not in done:
        done.add((kind, what))
        yield Spoiled(kind, what, lines, refused)


def _altered(value):
    """The same with one leaf changed into another of its sort; None if it has none."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    kind, content = value
    if kind == "model":
        return None
    for at, element in enumerate(content):
        wrong = _altered(element[1] if kind == "function" else element)
        if wrong is not None:
            wrong = (element[0], wrong) if kind == "function" else wrong
            return kind, [*content[:at], wrong, *content[at + 1:]]
    return None


def _action(line):
    return field(parse(line), "action")


def _state(line):
    return show(field(parse(line), "state"))
