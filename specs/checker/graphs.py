"""Graphs: made by both checkers, equal to each other and to the committed graph.txt."""

import tempfile

from . import dot, graph, jobs, manifest, modules, second, tlc
from .values import Unreadable


class Row:
    """One module's graph."""

    def __init__(self, module, model):
        self.module, self.model = module, model
        self.graph, self.problems, self.seconds = None, [], 0.0


def run(tools, wanted, entries, progress, update=False, specs=modules.SPECS):
    """A row for each of these modules. With `update` the committed graphs become the ones made, where both checkers agree."""
    rows = [Row(module, entries.setdefault(module, {}).setdefault("graph", {})) for module in wanted]
    with tempfile.TemporaryDirectory(prefix="convoke-specs-") as work:

        def work_on(row):
            folder = modules.stage(row.module, f"{work}/{row.module}", "small", specs=specs)
            make(tools, row, folder)
            if row.graph and not row.problems:
                _compare(row, update, specs)
            return row

        def result(row):
            if row.problems:
                return "FAILED: " + "\n    ".join(row.problems), True
            return f"equal, {len(row.graph.states)} states, {len(row.graph.edges)} edges ({row.seconds:.1f} s)", False

        return jobs.each(work_on, rows, progress, lambda row: f"{row.module} graph", result, lambda row: row.model.get("states", 0))


def make(tools, row, folder, first_only=False, nodes=None):
    """The graph of a staged module, by both checkers, into `row`; what is wrong goes to its problems. If there have to be so many
    `nodes`, another number is a problem, and the graph is not read."""
    root = f"Graph{modules.title(row.module)}"
    if not (folder / f"{root}.tla").exists() or not (folder / "Graph.cfg").exists():
        row.problems.append(f"there is no {root}.tla or no Graph.cfg")
        return
    seconds = row.model.get("seconds", manifest.SECONDS)
    made = []
    for checker, name in ((tlc, "TLC"), (second, "tla-checker")):
        if checker is second and (first_only or row.model.get("second")):
            continue
        path = folder / f"graph-{name}.dot"
        outcome = checker.check(tools, str(folder), root, "Graph", seconds, dump=str(path))
        row.seconds += outcome.seconds
        row.problems += [f"{name}: {problem}" for problem in outcome.problems()]
        if outcome.verdict not in ("ok", "error"):
            row.problems.append(f"{name} says {outcome.verdict}")
        if outcome.verdict == "ok" and nodes not in (None, outcome.states):
            row.problems.append(f"{name}'s graph has {outcome.states} nodes, not {nodes}")
            return
        if outcome.verdict != "ok":
            continue
        try:
            made.append((name, graph.from_dot(dot.read(path.read_text(encoding="utf-8")))))
        except (Unreadable, OSError) as error:
            row.problems.append(f"{name}'s graph cannot be read: {error}")
    if made:
        row.graph = made[0][1]
    if len(made) == 2:
        only = graph.difference(made[0][1], made[0][0], made[1][1], made[1][0])
        row.problems += ["the checkers' graphs differ\n" + "\n".join(only)] if only else []


def _compare(row, update, specs):
    numbers = {"states": len(row.graph.states), "edges": len(row.graph.edges)}
    text = row.graph.text(
        f"The state graph of Graph{modules.title(row.module)}: {numbers['states']} states, {numbers['edges']} edges. "
        "Made by `specs/check --graphs`; do not edit."
    )
    file = specs / row.module / "graph.txt"
    if update:
        file.write_text(text, encoding="utf-8")
        row.model.update(numbers)
        return
    if not file.exists():
        row.problems.append("there is no committed graph.txt: make it with `specs/check --graphs`")
        return
    committed = file.read_text(encoding="utf-8")
    if committed != text:
        only = graph.difference(row.graph, "the spec", graph.read(committed), "the committed graph.txt")
        row.problems.append("\n".join(["graph.txt is not what the spec's graph is now", *only]) if only else "graph.txt is not in its canonical form")
    for key, number in numbers.items():
        if row.model.get(key) != number:
            row.problems.append(f"the graph has {number} {key}, the manifest says {row.model.get(key)}")
