"""Mutants of the specs: each is one edit that makes a spec wrong, and some check must notice.

`specs/<module>/mutants.json` lists them; `find` must occur exactly once in its file. What caught each stands in specs/MUTANTS.md,
which this makes; the lists are compared, and a difference in what caught a mutant is only told. A mutant that is declared `equivalent` must be caught by nothing.
"""

import json
import tempfile

from . import graph, graphs, jobs, manifest, models, modules, sample, second, tlc, traces

CHECKS = ("graph", "safety", "witness", "liveness", "numbers", "traces")
_SECONDS = 60
_STATES_OF_TLC = 1_500
_KEYS = {"name", "file", "find", "replace", "why", "equivalent"}
_AT_LEAST = 10


class Mutant:
    """One edit, and what caught it."""

    def __init__(self, module, entry):
        self.module, self.entry = module, entry
        self.name = entry.get("name", "?")
        self.caught, self.problems = [], []
        self.text = None


def run(tools, wanted, entries, progress, whole, update, quick=False, specs=modules.SPECS):
    """Runs them all; returns what failed. The table is written, or compared with the committed one. `quick` asks of each only
    whether anything catches it, and stops at the first thing that does."""
    failures, mutants = [], []
    for module in wanted:
        found, problems = load(module, specs)
        mutants += found
        failures += [f"{module} mutants: {problem}" for problem in problems]
    with tempfile.TemporaryDirectory(prefix="convoke-specs-") as work:

        def check(numbered):
            number, mutant = numbered
            if not mutant.problems:
                _check(tools, mutant, entries.get(mutant.module, {}), f"{work}/{number}", quick, specs)
                _judge(mutant)
            return mutant

        def result(mutant):
            if mutant.problems:
                return "FAILED: " + "; ".join(mutant.problems), True
            return ("equivalent, caught by nothing" if mutant.entry.get("equivalent") else "caught by " + ", ".join(mutant.caught)), False

        jobs.each(check, list(enumerate(mutants)), progress, lambda numbered: f"{numbered[1].module} mutant {numbered[1].name!r}", result)
    failures += [f"{mutant.module} mutant {mutant.name!r}: {problem}" for mutant in mutants for problem in mutant.problems]
    return failures + _table(mutants, wanted, whole, update, quick, specs)


def load(module, specs=modules.SPECS):
    """A module's mutants, and what is wrong with the list."""
    file = specs / module / "mutants.json"
    if not file.exists():
        return [], ["there is no mutants.json"]
    mutants = [Mutant(module, entry) for entry in json.loads(file.read_text(encoding="utf-8"))]
    problems = []
    if len(mutants) < _AT_LEAST:
        problems.append(f"there are {len(mutants)}, at least {_AT_LEAST} are wanted")
    names = [mutant.name for mutant in mutants]
    problems += [f"{name!r} is listed twice" for name in sorted({name for name in names if names.count(name) > 1})]
    for mutant in mutants:
        entry = mutant.entry
        unknown = sorted(set(entry) - _KEYS) + sorted({"name", "file", "find", "replace", "why"} - set(entry))
        source = specs / module / str(entry.get("file"))
        if unknown or not source.exists():
            mutant.problems.append(f"keys that mean nothing or are missing: {', '.join(unknown)}" if unknown else f"there is no {source}")
            continue
        text = source.read_text(encoding="utf-8")
        if text.count(entry["find"]) != 1:
            mutant.problems.append(f"its text occurs {text.count(entry['find'])} times in {entry['file']}, not once")
            continue
        mutant.text = text.replace(entry["find"], entry["replace"])
    return mutants, problems


def _check(tools, mutant, entry, work, quick, specs):
    extra = {mutant.entry["file"]: mutant.text}
    folder = modules.stage(mutant.module, f"{work}/small", "small", extra, specs)
    # The graph is of the module itself: it does not see what only a model adds to it.
    if not mutant.entry["file"].startswith("MC"):
        row = graphs.Row(mutant.module, dict(entry.get("graph", {}), seconds=_SECONDS))
        graphs.make(tools, row, folder, first_only=True)
        committed = specs / mutant.module / "graph.txt"
        if any("Parsing or semantic analysis failed" in problem for problem in row.problems):
            mutant.problems.append("it is not TLA+: " + row.problems[0][-300:])
            return
        if row.problems or graph.difference(row.graph, "", graph.read(committed.read_text(encoding="utf-8")), ""):
            mutant.caught.append("graph")
    # Safety first: it notices most.
    for name, model in sorted(entry.get("models", {}).items(), key=lambda item: (not item[0].startswith("MCSafety"), item[0])):
        if quick and mutant.caught:
            return
        # One model of a sort that notices is enough.
        if _sort(name) not in mutant.caught:
            _check_model(tools, mutant, folder, name, model, specs)
    if sample.file(mutant.module, specs).exists():
        part = traces.read(sample.file(mutant.module, specs))
        if not traces.accepts(tools, mutant.module, part, f"{work}/wide", entry.get("traces", {}), extra, specs):
            mutant.caught.append("traces")
    mutant.caught = [check for check in CHECKS if check in mutant.caught]


def _check_model(tools, mutant, folder, name, model, specs):
    # Whichever is quicker: TLC takes a second to start, the other one more for each state.
    checker = tlc if model.get("second") or model.get("states", 0) > _STATES_OF_TLC else second
    root = model.get("root") or modules.model_root(mutant.module, specs)
    row = models.Row(mutant.module, name, model)
    row.first = checker.check(tools, str(folder), root, name, _SECONDS, model.get("deadlock", False))
    row.judge()
    if not row.problems:
        return
    if row.first.verdict == manifest.expected_verdict(name, model):
        mutant.caught.append("numbers")
    else:
        mutant.caught.append(_sort(name))


def _sort(name):
    if name.startswith("MCWitness"):
        return "witness"
    return "liveness" if name.startswith(("MCLiveness", "MCNoFairness")) else "safety"


def _judge(mutant):
    if mutant.problems:
        return
    if mutant.entry.get("equivalent") and mutant.caught:
        mutant.problems.append("it is declared equivalent, but is caught by " + ", ".join(mutant.caught))
    elif not mutant.entry.get("equivalent") and not mutant.caught:
        mutant.problems.append("it survives every check: " + mutant.entry["why"])


def _table(mutants, wanted, whole, update, quick, specs):
    file = specs / "MUTANTS.md"
    text = _text(mutants, wanted)
    if update and whole:
        file.write_text(text, encoding="utf-8")
        return []
    if not whole:
        print("\n" + text)
        return []
    committed = file.read_text(encoding="utf-8") if file.exists() else ""
    if _rows(committed).keys() != _rows(text).keys():
        return ["specs/MUTANTS.md does not list these mutants: make it with `specs/check --mutants --update`"]
    # A check that ran out of time has caught the mutant too, and that hangs on the machine; that none survives does not.
    for row, caught in _rows(text).items():
        if not quick and _rows(committed)[row] != caught:
            print(f"note: specs/MUTANTS.md says otherwise of {' '.join(row[:2])}: caught by {_rows(committed)[row]}, now by {caught}")
    return []


def _rows(text):
    """What caught each mutant of a table, by module, name, what it is, and whether it is equivalent."""
    rows, module = {}, ""
    for line in text.splitlines():
        if line.startswith("## "):
            module = line[3:]
        elif module and line.startswith("| ") and not line.startswith(("| mutant |", "| --- ")):
            name, why, caught = (cell.strip() for cell in line.strip("|").replace("\\|", "\0").split("|"))
            rows[module, name, why, caught.startswith("nothing: equivalent")] = caught
    return rows


def _text(mutants, wanted):
    lines = [
        "# Mutants of the specifications", "",
        "Made by `specs/check --mutants --update`; do not edit. Each mutant is one edit of a module that makes it wrong. *graph* is the comparison",
        "with the state graph of the code; *safety*, *witness* and *liveness* are models whose verdict changed, *numbers* those in which only the",
        "number of states changed, *traces* recorded runs that were refused.", "",
        "| module | mutants | equivalent | " + " | ".join(CHECKS) + " | models alone | all |", "| --- " * (len(CHECKS) + 5) + "|",
    ]
    for module in wanted:
        own = [mutant for mutant in mutants if mutant.module == module]
        real = [mutant for mutant in own if not mutant.entry.get("equivalent")]
        counts = [sum(check in mutant.caught for mutant in real) for check in CHECKS]
        verdicts = sum(bool({"safety", "witness", "liveness"} & set(mutant.caught)) for mutant in real)
        lines.append(f"| {module} | {len(own)} | {len(own) - len(real)} | " + " | ".join(map(str, counts)) + f" | {verdicts} | {sum(bool(mutant.caught) for mutant in real)} |")
    for module in wanted:
        lines += ["", f"## {module}", "", "| mutant | what it is | caught by |", "| --- | --- | --- |"]
        for mutant in (mutant for mutant in mutants if mutant.module == module):
            reason = mutant.entry.get("equivalent")
            caught = f"nothing: equivalent, {reason}" if reason else ", ".join(mutant.caught) or "**nothing**"
            lines.append("| " + " | ".join(_cell(text) for text in (mutant.name, mutant.entry.get("why", ""), caught)) + " |")
    return "\n".join(lines) + "\n"


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ")
