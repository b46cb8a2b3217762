"""Model checking: every model of the manifest, with both checkers."""

import tempfile

from . import jobs, manifest, modules, second, tlc


class Row:
    """One model's line in the table."""

    def __init__(self, module, name, model):
        self.module, self.name, self.model = module, name, model
        self.first = self.other = None
        self.problems = []

    def judge(self):
        """Compares both checkers with each other and with the manifest."""
        wanted = manifest.expected_verdict(self.name, self.model)
        for checker, outcome in (("TLC", self.first), ("tla-checker", self.other)):
            if outcome is None:
                continue
            self.problems += [f"{checker}: {problem}" for problem in outcome.problems()]
            if outcome.verdict not in ("error", wanted):
                self.problems.append(f"{checker} says {outcome.verdict}, expected {wanted}")
            for key in ("states", "steps"):
                number = getattr(outcome, key)
                if outcome.verdict == wanted and number != self.model.get(key):
                    self.problems.append(f"{checker} finds {number} {key}, the manifest says {self.model.get(key)}")
            if outcome.verdict == wanted and outcome.states is None and outcome.steps is None:
                self.problems.append(f"{checker} did not say how many states it found")
        if self.first and self.other and self.first.verdict != self.other.verdict:
            self.problems.append(f"the checkers disagree: {self.first.verdict}, {self.other.verdict}")
        return self


def run(tools, wanted, entries, progress, update=False, specs=modules.SPECS):
    """A row for each model of these modules. With `update` the manifest's numbers become the ones found, where both checkers agree."""
    rows = []
    for module in wanted:
        entry = entries.setdefault(module, {})
        listed = entry.setdefault("models", {})
        if update:
            there = {file.stem for file in (specs / module).glob("MC*.cfg")}
            for name in there - set(listed):
                listed[name] = {"expect": manifest.convention(name)}
            for name in set(listed) - there:
                del listed[name]
        rows += [Row(module, name, model) for name, model in sorted(listed.items())]
    with tempfile.TemporaryDirectory(prefix="convoke-specs-") as work:

        def both(row):
            folder = modules.stage(row.module, f"{work}/{row.module}-{row.name}", "small", specs=specs)
            if not (folder / f"{row.name}.cfg").exists():
                row.problems.append(f"there is no {row.name}.cfg")
                return row
            root = row.model.get("root") or modules.model_root(row.module, specs)
            seconds, deadlock = row.model.get("seconds", manifest.SECONDS), row.model.get("deadlock", False)
            row.first = tlc.check(tools, str(folder), root, row.name, seconds, deadlock)
            if not row.model.get("second"):
                row.other = second.check(tools, str(folder), root, row.name, seconds, deadlock)
            if update:
                _update(row)
            return row.judge()

        def result(row):
            if row.problems:
                return "FAILED: " + "; ".join(row.problems), True
            return f"{row.model['expect']}, {row.first.number()} (TLC {row.first.seconds:.1f} s{_second_took(row)})", False

        return jobs.each(both, rows, progress, lambda row: f"{row.module} {row.name}", result, lambda row: row.model.get("states", 0))


def _second_took(row):
    return f", tla-checker {row.other.seconds:.1f} s" if row.other else ", TLC alone"


def _update(row):
    if row.other and (row.first.verdict, row.first.states, row.first.steps) != (row.other.verdict, row.other.states, row.other.steps):
        return
    if row.model["expect"] == "violated:?" and row.first.verdict.startswith("violated:"):
        row.model["expect"] = row.first.verdict
    for key in ("states", "steps"):
        row.model.pop(key, None)
        if getattr(row.first, key) is not None:
            row.model[key] = getattr(row.first, key)
