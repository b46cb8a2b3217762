"""The tables at the end, and the verdict."""


def tables(rows, graph_rows):
    """Prints them; returns what failed, one line each."""
    failures = []
    if rows:
        lines = [("module", "model", "expected", "found", "TLC", "tla-checker", "")]
        for row in rows:
            lines.append((
                row.module, row.name, row.model.get("expect", "?"), row.first.number() if row.first else "-", _took(row.first),
                _took(row.other) if row.other else "not used" if row.model.get("second") else "-", "FAILED" if row.problems else "ok",
            ))
            failures += [f"{row.module} {row.name}: {problem}" for problem in row.problems]
        _table("models", lines)
        reasons = [f"  {row.module} {row.name}: {row.model['second']}" for row in rows if row.model.get("second")]
        if reasons:
            print("Not checked by tla-checker, as the manifest says:", *reasons, sep="\n")
    if graph_rows:
        lines = [("module", "states", "edges", "seconds", "")]
        for row in graph_rows:
            numbers = (str(len(row.graph.states)), str(len(row.graph.edges))) if row.graph else ("-", "-")
            lines.append((row.module, *numbers, f"{row.seconds:.1f}", "FAILED" if row.problems else "ok"))
            failures += [f"{row.module} graph: {problem}" for problem in row.problems]
        _table("graphs", lines)
    return failures


def verdict(failures, seconds):
    """Prints it; the exit status."""
    if failures:
        print(f"\n{len(failures)} failed:")
        for failure in failures:
            print(f"  {failure}")
    print(f"\nspecs: {'FAILED' if failures else 'all hold'} ({seconds:.0f} s)")
    return 1 if failures else 0


def _took(outcome):
    return f"{outcome.seconds:.1f} s" if outcome else "-"


def _table(title, lines):
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    print(f"\n{title}")
    for line in lines:
        print("  " + "  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())
