"""The committed sample of each module's traces, specs/<module>/traces/TraceData.tla: real runs, few but with every action.

With it a fresh clone can validate and spoil traces, and the mutants' table does not depend on what a run happened to do.
"""

import pathlib

from . import modules, traces
from .values import field, parse

_LINES_MAX = 250
_TRACE_LINES_MAX = 60


def file(module, specs=modules.SPECS):
    """Where it is."""
    return specs / module / "traces" / "TraceData.tla"


def keep(module, folder, specs=modules.SPECS):
    """Takes the sample from the traces in DIR: those that add the most pairs of an action and the one after it, the shortest of
    them first. False if there are none."""
    candidates = {}
    for path in sorted(pathlib.Path(folder).glob(f"**/{module}/*/TraceData.tla")):
        for lines in traces.read(path).traces:
            lines = lines[:_TRACE_LINES_MAX]
            candidates.setdefault(tuple(lines), _pairs(lines))
    covered, chosen, total = set(), [], 0
    while candidates:
        best = max(candidates, key=lambda lines: (len(candidates[lines] - covered) / len(lines), -len(lines), lines))
        new = candidates.pop(best) - covered
        if not new:
            break
        if total + len(best) <= _LINES_MAX:
            covered |= new
            chosen.append(list(best))
            total += len(best)
    if not chosen:
        return False
    place = file(module, specs)
    place.parent.mkdir(exist_ok=True)
    place.write_text(traces.Part(chosen).text(), encoding="utf-8")
    return True


def _pairs(lines):
    actions = [field(parse(line), "action") for line in lines]
    return set(actions) | set(zip(actions, actions[1:]))
