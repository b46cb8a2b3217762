"""TLC, the gate: how it is called and what its messages mean.

With `-tool` every message comes between marks with a code and a severity. What stands outside of messages must be of a known
form, and a message that is an error or a warning must be one that is understood: all else is a complaint or an error.
"""

import os
import re

from . import process
from .outcome import Outcome

_MESSAGE = re.compile(r"@!@!@STARTMSG (\d+):(\d) @!@!@\n(.*?)\n?@!@!@ENDMSG \1 @!@!@\n?", re.S)
_PARSING = re.compile(r"(?:Parsing file \S+|Semantic processing of module \w+)\Z")
_GARBAGE_COLLECTOR = 2401
_SUCCESS, _STATS, _STATE, _INVARIANT_AT_ONCE, _INVARIANT, _ACTION_PROPERTY, _DEADLOCK, _TEMPORAL = 2193, 2199, 2217, 2107, 2110, 2112, 2114, 2116
_BEHAVIOUR_FOLLOWS, _COUNTEREXAMPLE_FOLLOWS = 2121, 2264
_ERROR, _BUG, _WARNING = 1, 2, 3


def check(tools, folder, root, config, seconds, deadlock=False, dump=None):
    """Checks `root`.tla with `config`.cfg in a folder that holds all modules."""
    own = os.path.join(folder, f"tlc-{config}")
    os.makedirs(own, exist_ok=True)
    command = tools.tlc(own) + ["-metadir", os.path.join(own, "states"), "-config", f"{config}.cfg"]
    command += [] if deadlock else ["-deadlock"]
    command += ["-dump", "dot,actionlabels", dump] if dump else []
    status, out, err, took = process.run(command + [f"{root}.tla"], folder, seconds)
    outcome = _read(out, err, _properties(os.path.join(folder, f"{config}.cfg"))) if status is not None else Outcome(
        "error", detail=f"TLC did not end within {seconds} s")
    outcome.seconds = took
    return outcome


def _read(out, err, properties):
    messages = [(int(code), int(severity), text) for code, severity, text in _MESSAGE.findall(out)]
    complaints = [line for line in err.splitlines() if line.strip()]
    outside = [line for line in _MESSAGE.sub("", out).splitlines() if line.strip() and not _PARSING.match(line)]
    complaints += [text for code, severity, text in messages if severity == _WARNING and code != _GARBAGE_COLLECTOR]
    verdict, states, failures = None, None, []
    steps = sum(code == _STATE for code, _, _ in messages)
    for code, severity, text in messages:
        if code == _SUCCESS:
            verdict = verdict or "ok"
        elif code == _STATS:
            match = re.search(r"([\d,]+) distinct states found, ([\d,]+) states left", text)
            states = int(match.group(1).replace(",", "")) if match and match.group(2) == "0" else None
        elif code in (_INVARIANT, _INVARIANT_AT_ONCE, _ACTION_PROPERTY):
            match = re.match(r"(?:Invariant|Action property) (\w+) is violated", text)
            verdict = f"violated:{match.group(1)}" if match else "error"
            steps = 1 if code == _INVARIANT_AT_ONCE else steps
            failures += [] if match else [text]
        elif code == _DEADLOCK:
            verdict = "violated:Deadlock"
        elif code == _TEMPORAL:
            # TLC does not say which: a model that is meant to be violated has one property.
            verdict = f"violated:{properties[0]}" if len(properties) == 1 else "violated:one of " + ", ".join(properties)
            steps = None
        elif severity in (_ERROR, _BUG) and code not in (_BEHAVIOUR_FOLLOWS, _COUNTEREXAMPLE_FOLLOWS):
            failures.append(text)
    if failures or verdict is None:
        # What the parser complains about stands outside of messages.
        return Outcome("error", detail="\n".join(failures + outside[-20:] + complaints[:5]))
    complaints += outside
    if verdict == "ok" or steps is None:
        return Outcome(verdict, states=states, complaints=complaints)
    return Outcome(verdict, steps=steps, complaints=complaints)


def _properties(config):
    with open(config, encoding="utf-8") as file:
        text = re.sub(r"\\\*.*", "", file.read())
    words = re.findall(r"\S+", text)
    keywords = {"SPECIFICATION", "INIT", "NEXT", "CONSTANT", "CONSTANTS", "INVARIANT", "INVARIANTS", "PROPERTY", "PROPERTIES", "CONSTRAINT",
                "CONSTRAINTS", "SYMMETRY", "CHECK_DEADLOCK", "VIEW"}
    properties, inside = [], False
    for word in words:
        if word in keywords:
            inside = word in ("PROPERTY", "PROPERTIES")
        elif inside:
            properties.append(word)
    return properties
