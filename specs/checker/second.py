"""tla-checker, the second opinion: how it is called and what it answers."""

import json
import os
import re

from . import process
from .outcome import Outcome

# It names every predicate that a model does not check; the models here each check some of them on purpose.
_NOISE = re.compile(
    r"Warning: these definitions look like boolean predicates that may have been intended as invariants but are not being checked: .*"
    r"|  (?:Computing initial states\.\.\.|Found \d+ initial states|Starting exploration \(limit: \d+ states\)\.\.\."
    r"|Exploring states\.\.\.|Progress: .*|[\d,]+ states explored .*|Exported state graph to .*"
    r"|Running liveness checking\.\.\.|Reusing \d+ collected forward edge lists\.\.\.)"
)
_HEAD = re.compile(r"Checking spec: .*|  (?:Extends|Variables|Constants|Invariants|Properties|Symmetry|Constraints|Instances): .*")


def check(tools, folder, root, config, seconds, deadlock=False, dump=None):
    """Checks `root`.tla with `config`.cfg in a folder that holds all modules."""
    # Nat is 0..100 for it and behaviours end after 100 steps unless it is told otherwise.
    command = [
        tools.second, "--json", "--config", f"{config}.cfg", "--symbolic-integers", "--check-liveness",
        "--max-depth", "1000000", "--max-states", "1000000",
    ]
    command += [] if deadlock else ["--allow-deadlock"]
    command += ["--export-dot", dump, "--dot-mode", "full"] if dump else []
    status, out, err, took = process.run(command + [f"{root}.tla"], folder, seconds)
    outcome = _read(out, err) if status is not None else Outcome("error", detail=f"tla-checker did not end within {seconds} s")
    outcome.seconds = took
    if outcome.verdict == "ok" and dump and not os.path.exists(dump):
        return Outcome("error", detail="tla-checker wrote no graph", seconds=took)
    return outcome


def _read(out, err):
    lines = [line for line in out.splitlines() if line.strip()]
    answers = [line for line in lines if line.startswith("{")]
    complaints = [line for line in err.splitlines() if line.strip() and not _NOISE.fullmatch(line)]
    complaints += [line for line in lines if not line.startswith("{") and not _HEAD.fullmatch(line)]
    if len(answers) != 1:
        return Outcome("error", detail="\n".join(lines[-20:] + complaints[-20:]))
    answer = json.loads(answers[0])
    status = answer["status"]
    states = answer.get("stats", {}).get("states_explored")
    if status == "ok":
        return Outcome("ok", states=states, complaints=complaints)
    if status == "invariant_violation":
        return Outcome(f"violated:{answer['invariant_name']}", steps=len(answer["trace"]), complaints=complaints)
    if status == "property_violation":
        return Outcome(f"violated:{answer['property']}", steps=len(answer["trace"]), complaints=complaints)
    if status == "liveness_violation":
        return Outcome(f"violated:{answer['property']}", states=states, complaints=complaints)
    if status == "no_initial_states":
        return Outcome("nothing", states=0, complaints=complaints)
    if status == "deadlock":
        return Outcome("violated:Deadlock", steps=len(answer["trace"]), complaints=complaints)
    return Outcome("error", detail=f"{status}: {json.dumps(answer)[:1500]}", complaints=complaints)
