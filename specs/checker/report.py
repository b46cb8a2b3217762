"""The tables at the end, and the verdict."""

from . import spoil

# The list at the end is to be taken in at a glance.
_WIDTH = 300


def models(rows):
    """Prints the table; returns what failed, one text each. So do the others here."""
    lines = [("module", "model", "expected", "found", "TLC", "tla-checker", "")]
    for row in rows:
        lines.append((
            row.module, row.name, row.model.get("expect", "?"), row.first.number() if row.first else "-", _took(row.first),
            _took(row.other) if row.other else "not used" if row.model.get("second") else "-", _verdict(row),
        ))
    _table("models", lines)
    reasons = [f"  {row.module} {row.name}: {row.model['second']}" for row in rows if row.model.get("second")]
    if reasons:
        print("Not checked by tla-checker, as the manifest says:", *reasons, sep="\n")
    return [f"{row.module} {row.name}: {problem}" for row in rows for problem in row.problems]


def graphs(rows):
    """The graphs."""
    lines = [("module", "states", "edges", "seconds", "")]
    for row in rows:
        numbers = (str(len(row.graph.states)), str(len(row.graph.edges))) if row.graph else ("-", "-")
        lines.append((row.module, *numbers, f"{row.seconds:.1f}", _verdict(row)))
    _table("graphs", lines)
    return [f"{row.module} graph: {problem}" for row in rows for problem in row.problems]


def traces(title, rows):
    """Traces, the parts of a module in one line."""
    lines = [("module", "traces", "lines", "both checkers", "left off", "seconds", "")]
    for module in dict.fromkeys(row.module for row in rows):
        own = [row for row in rows if row.module == module]
        numbers = (sum(len(row.part.traces) for row in own), sum(row.part.lines() for row in own), sum(row.twice for row in own), sum(row.part.left_off for row in own))
        seconds = sum(row.seconds for row in own)
        lines.append((module, *map(str, numbers), f"{seconds:.1f}", "FAILED" if any(row.problems for row in own) else "ok"))
    _table(title, lines)
    return [f"{row.module} traces: {problem}" for row in rows for problem in row.problems]


def spoiled(rows):
    """Spoiled traces."""
    lines = [("module", *spoil.KINDS, "seconds", "")]
    lines += [(row.module, *map(str, row.kinds().values()), f"{row.seconds:.1f}", _verdict(row)) for row in rows]
    _table("spoiled traces, each refused at its line", lines)
    return [f"{row.module} spoiled traces: {problem}" for row in rows for problem in row.problems]


def verdict(failures, clock):
    """Prints it, and what took how long; the exit status."""
    _table("seconds", clock.table())
    if failures:
        print(f"\n{len(failures)} failed:")
        for failure in failures:
            first, *rest = failure.splitlines()
            print(f"  {first[:_WIDTH]}" + (" (more above)" if rest or len(first) > _WIDTH else ""))
    print(f"\nspecs: {'FAILED' if failures else 'all hold'} ({clock.seconds():.0f} s)")
    return 1 if failures else 0


def _verdict(row):
    return "FAILED" if row.problems else "ok"


def _took(outcome):
    return f"{outcome.seconds:.1f} s" if outcome else "-"


def _table(title, lines):
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
