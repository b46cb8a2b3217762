"""Mutants of the specs: each is one edit that makes a spec wrong, and some check must notice.

`specs/<module>/mutants.json` lists them; `find` must occur exactly once in its file. What caught each stands in specs/MUTANTS.md,
which this makes; the lists are compared, and a difference in what caught a mutant is only told. A mutant that is declared `equivalent` must be caught by nothing.
"""

import functools
import json
import tempfile

from . import graph, graphs, jobs, manifest, models, modules, sample, second, tlc, traces

CHECKS = ("graph", "safety", "witness", "liveness", "numbers", "traces")
_VERDICTS = {"safety", "witness", "liveness"}
_SECONDS = 60
_STATES_OF_TLC = 100
# What a state takes beside one of a safety model: a graph is written and read, and liveness looked for in all of it. And what is
# unsafe is found on the way, however much more there would be.
_WEIGHTS = {"traces": 0, "safety": 1, "witness": 2, "graph": 4, "liveness": 8}
_KEYS = {"name", "file", "find", "replace", "why", "equivalent"}
_AT_LEAST = 10


class Mutant:
    """One edit, and what caught it."""

    def __init__(self, module, entry):
        self.module, self.entry = module, entry
        self.name = entry.get("name", "?")
        self.caught, self.problems = [], []
        self.text = None
        # By sort, the name of the check that noticed; and the seconds that all took.
        self.noticed, self.seconds = {}, 0.0

    def told(self):
        """What caught it, for people and for `_caught`: sorts of checks, of models by their names."""
        return ", ".join(sort if self.noticed[sort] == sort else f"{sort} by {self.noticed[sort]}" for sort in self.caught)


def run(tools, wanted, entries, progress, whole, update, quick=False, specs=modules.SPECS):
    """Runs them all; returns what failed. The table is written, or compared with the committed one. `quick` asks of each only
    whether anything catches it: first the checks of which the committed table says so, the cheapest of them first."""
    failures, mutants = [], []
    known = _caught(_committed(specs)) if quick else {}
    for module in wanted:
        found, problems = load(module, specs)
        mutants += found
        failures += [f"{module} mutants: {problem}" for problem in problems]
    with tempfile.TemporaryDirectory(prefix="convoke-specs-") as work:

        def check(numbered):
            number, mutant = numbered
            if not mutant.problems:
                trial = _Trial(tools, mutant, entries.get(mutant.module, {}), f"{work}/{number}", specs)
                if quick:
                    trial.run_quickly(known.get((mutant.module, mutant.name), set()))
                else:
                    trial.run()
                _judge(mutant)
            return mutant

        def result(mutant):
            if mutant.problems:
                return "FAILED: " + "; ".join(mutant.problems), True
            if mutant.entry.get("equivalent"):
                return "equivalent, caught by nothing", False
            return f"caught: {mutant.told()} ({mutant.seconds:.1f} s)", False

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


class _Trial:
    """One mutant and all that may notice it. A check has the name of its model, or is called `graph` or `traces`."""

    def __init__(self, tools, mutant, entry, work, specs):
        self.tools, self.mutant, self.entry, self.work, self.specs = tools, mutant, entry, work, specs
        self.extra = {mutant.entry["file"]: mutant.text}
        self.folder = modules.stage(mutant.module, f"{work}/small", "small", self.extra, specs)
        self._committed = specs / mutant.module / "graph.txt"

    def run(self):
        """Tries every check; but one model of a sort that notices is enough."""
        for name in self._names():
            if not self.mutant.problems and _sort(name) not in self.mutant.caught:
                self._try(name)

    def run_quickly(self, known):
        """Tries one check after the other until one notices: first those that are `known` to by their name or sort; the cheapest first."""
        for name in sorted(self._names(), key=lambda name: (not known & {name, _sort(name)}, self._cost(name))):
            if not self.mutant.problems and not self.mutant.caught:
                # What notices that something is not reached any more has seen all there is.
                self._try(name, is_large=_sort(name) == "witness" and self._cost(name) > _STATES_OF_TLC)

    def _try(self, name, is_large=False):
        sort, seconds = {"graph": self._graph, "traces": self._traces}.get(name, functools.partial(self._model, name, is_large))()
        self.mutant.seconds += seconds
        if sort:
            self.mutant.noticed.setdefault(sort, name)
            self.mutant.caught = [check for check in CHECKS if check in (sort, *self.mutant.caught)]

    def _names(self):
        # Safety first: it notices most.
        models = sorted(self.entry.get("models", {}), key=lambda name: (not name.startswith("MCSafety"), name))
        # The graph and the traces are of the module itself: they do not see what only a model adds to it.
        if self.mutant.entry["file"].startswith("MC"):
            return models
        return ["graph", *models, *(["traces"] if sample.file(self.mutant.module, self.specs).exists() else [])]

    def _cost(self, name):
        """In states of a safety model, or nearly so."""
        return _WEIGHTS[_sort(name)] * (_committed_graph(self._committed)[1] if name in ("graph", "traces") else self._states(name))

    def _states(self, name):
        """Of a model that ends before it has seen them all it is not known how many: at most as many as of another."""
        models = self.entry["models"]
        return models[name].get("states") or max(model.get("states", _STATES_OF_TLC) for model in models.values())

    def _graph(self):
        row = graphs.Row(self.mutant.module, dict(self.entry.get("graph", {}), seconds=_SECONDS))
        committed, nodes = _committed_graph(self._committed)
        graphs.make(self.tools, row, self.folder, first_only=True, nodes=nodes)
        for problem in row.problems:
            self._must_be_tla(problem)
        noticed = row.problems or graph.difference(row.graph, "", committed, "")
        return "graph" if noticed else None, row.seconds

    def _model(self, name, is_large):
        model = self.entry["models"][name]
        # Whichever is quicker: TLC takes most of a second to start, the other one more for each state.
        is_large = is_large or model.get("second") or model.get("states", 0) > _STATES_OF_TLC
        row = self._checked(tlc if is_large else second, name, model)
        seconds = row.first.seconds
        # What the second checker cannot do is for TLC to say: it may be no TLA+ at all.
        if row.first.verdict == "error" and not is_large:
            row = self._checked(tlc, name, model)
            seconds += row.first.seconds
        for problem in row.problems:
            self._must_be_tla(problem)
        if not row.problems:
            return None, seconds
        is_expected = row.first.verdict == manifest.expected_verdict(name, model)
        return "numbers" if is_expected else _sort(name), seconds

    def _checked(self, checker, name, model):
        root = model.get("root") or modules.model_root(self.mutant.module, self.specs)
        row = models.Row(self.mutant.module, name, model)
        row.first = checker.check(self.tools, str(self.folder), root, name, _SECONDS, model.get("deadlock", False))
        return row.judge()

    def _traces(self):
        part = traces.read(sample.file(self.mutant.module, self.specs))
        declared = self.entry.get("traces", {})
        accepted, problems, seconds = traces.accepts(self.tools, self.mutant.module, part, f"{self.work}/wide", declared, self.extra, self.specs)
        for problem in problems:
            self._must_be_tla(problem)
        return None if accepted else "traces", seconds

    def _must_be_tla(self, problem):
        if "Parsing or semantic analysis failed" in problem and not self.mutant.problems:
            self.mutant.problems.append("it is not TLA+: " + problem[-300:])


@functools.lru_cache
def _committed_graph(file):
    """The graph, and how many pairs there are of a state and the step into it: as many states has the module that names steps."""
    committed = graph.read(file.read_text(encoding="utf-8"))
    return committed, len(committed.initial) + len({(step, to) for _, step, to in committed.edges})


def _sort(name):
    if name in ("graph", "traces"):
        return name
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
    text, committed = _text(mutants, wanted), _committed(specs)
    if update:
        (specs / "MUTANTS.md").write_text(text if whole else _spliced(committed, text, wanted), encoding="utf-8")
        return []
    if not whole:
        print("\n" + text)
        return []
    if _rows(committed).keys() != _rows(text).keys():
        return ["specs/MUTANTS.md does not list these mutants: make it with `specs/check --mutants --update`"]
    # A check that ran out of time has caught the mutant too.
    for row, caught in _rows(text).items():
        if not quick and _rows(committed)[row] != caught:
            print(f"note: specs/MUTANTS.md says otherwise of {' '.join(row[:2])}: caught by {_rows(committed)[row]}, now by {caught}")
    return []


def _spliced(committed, text, wanted):
    """The committed table with the lines of these modules made anew; those of the others stay."""
    kept, made = _parts(committed), _parts(text)
    names = sorted({*kept, *wanted} - {""})
    of = {name: made[name] if name in wanted else kept[name] for name in names}
    head = [line for line in made[""][1] if line]
    return "\n".join([*head[:1], "", *head[1:4], "", *head[4:], *(of[name][0] for name in names), *(line for name in names for line in ("", *of[name][1]))]) + "\n"


def _parts(text):
    """By module its line of the first table and its section; under "" what stands above both."""
    lines = text.splitlines()
    begins = [at for at, line in enumerate(lines) if line.startswith("## ")] or [len(lines)]
    names = [lines[at][3:] for at in begins if at < len(lines)]
    sums = {line.split("|")[1].strip(): line for line in lines[:begins[0]] if line.startswith("| ")}
    sections = zip(names, (lines[at:end] for at, end in zip(begins, [*begins[1:], len(lines) + 1])))
    parts = {name: (sums[name], [line for line in section if line != ""]) for name, section in sections}
    parts = {name: (row, [section[0], "", *section[1:]]) for name, (row, section) in parts.items()}
    parts[""] = ("", [line for line in lines[:begins[0]] if line.split("|")[1:2] == [] or line.split("|")[1].strip() not in parts])
    return parts


def _committed(specs):
    file = specs / "MUTANTS.md"
    return file.read_text(encoding="utf-8") if file.exists() else ""


def _cells(text):
    """The lines of a table: module, and the cells."""
    module = ""
    for line in text.splitlines():
        if line.startswith("## "):
            module = line[3:]
        elif module and line.startswith("| ") and not line.startswith(("| mutant |", "| --- ")):
            yield module, *(cell.strip().replace("\0", "|") for cell in line.strip("|").replace("\\|", "\0").split("|"))


def _rows(text):
    """What caught each mutant of a table, by module, name, what it is, and whether it is equivalent."""
    return {(module, name, why, caught.startswith("nothing: equivalent")): caught for module, name, why, caught in _cells(text)}


def _caught(text):
    """The checks that caught each, by module and name: of models their names, or their sorts if no names are told."""
    return {(module, name): {check.split(" by ")[-1] for check in caught.split(", ")} for module, name, _, caught in _cells(text)}


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
        verdicts = sum(bool(_VERDICTS & set(mutant.caught)) for mutant in real)
        lines.append(f"| {module} | {len(own)} | {len(own) - len(real)} | " + " | ".join(map(str, counts)) + f" | {verdicts} | {sum(bool(mutant.caught) for mutant in real)} |")
    for module in wanted:
        lines += ["", f"## {module}", "", "| mutant | what it is | caught by |", "| --- | --- | --- |"]
        for mutant in (mutant for mutant in mutants if mutant.module == module):
            reason = mutant.entry.get("equivalent")
            caught = f"nothing: equivalent, {reason}" if reason else mutant.told() or "**nothing**"
            lines.append("| " + " | ".join(_cell(text) for text in (mutant.name, mutant.entry.get("why", ""), caught)) + " |")
    return "\n".join(lines) + "\n"


def _cell(text):
    return text.replace("|", "\\|").replace("\n", " ")
