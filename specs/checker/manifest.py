"""specs/manifest.json: what every model must answer, and with how many distinct states.

```
{"countdown": {"models": {"MCSafety": {"expect": "ok", "states": 123}}, "graph": {"states": 20, "edges": 40}}}
```

A model is a file `MC*.cfg` of the module. `expect` is `ok`, `violated:NAME` (a temporal property), or `reached` for a witness:
`MCWitnessFired` violates the invariant `NeverFired`, in `steps` states. Optional, each by name: `root` (the TLA+ module, if not
the usual one), `seconds` (the time limit), `deadlock: true` (a state without a successor is a violation), and `second`: why the
second checker cannot do this one. `graph` may have `seconds` and `second` too, `traces` also: `none`, why this module has no traces,
and `not_spoiled`, `{"Action.parameter": "reason"}`, for what makes no difference when it is wrong or repeated.
"""

import json

from . import modules

SECONDS = 120
_KEYS = {"expect", "states", "steps", "root", "seconds", "deadlock", "second"}


class Wrong(Exception):
    """The manifest does not say what is there."""


def load(specs=modules.SPECS):
    """Reads it."""
    text = (specs / "manifest.json").read_text(encoding="utf-8")
    return json.loads(text)


def save(manifest, specs=modules.SPECS):
    """Writes it, one model a line, sorted."""
    lines = ["{"]
    for at, (module, entry) in enumerate(sorted(manifest.items())):
        lines += [f"  {json.dumps(module)}: {{", '    "models": {']
        models = sorted(entry.get("models", {}).items())
        lines += [f"      {json.dumps(name)}: {json.dumps(model)}{',' if number < len(models) - 1 else ''}" for number, (name, model) in enumerate(models)]
        rest = [(key, entry.get(key, {})) for key in ("graph", "traces") if key == "graph" or entry.get(key)]
        lines += ["    },", *(f"    {json.dumps(key)}: {json.dumps(value)}{',' if number < len(rest) - 1 else ''}" for number, (key, value) in enumerate(rest))]
        lines += [f"  }}{',' if at < len(manifest) - 1 else ''}"]
    (specs / "manifest.json").write_text("\n".join(lines) + "\n}\n", encoding="utf-8")


def problems(module, entry, specs=modules.SPECS):
    """Models that are on one side only, and keys that mean nothing."""
    there = {file.stem for file in (specs / module).glob("MC*.cfg")}
    listed = entry.get("models", {})
    found = [f"{name}.cfg is not in the manifest" for name in sorted(there - set(listed))]
    found += [f"the manifest lists {name}, but there is no {name}.cfg" for name in sorted(set(listed) - there)]
    for name, model in listed.items():
        found += [f"{name}: the manifest's key {key} means nothing" for key in sorted(set(model) - _KEYS)]
        if model.get("second") is not None and not str(model["second"]).strip():
            found.append(f"{name}: `second` must say why")
    if "MCSafety" not in listed:
        found.append("there is no model MCSafety")
    if not any(name.startswith("MCWitness") for name in listed):
        found.append("there is no witness")
    return found


def convention(name):
    """What a model of this name is expected to answer, before anybody says more."""
    if name.startswith("MCWitness"):
        return "reached"
    return "violated:?" if name.startswith("MCNoFairness") else "ok"


def expected_verdict(name, model):
    """As a checker says it."""
    if model["expect"] == "reached":
        return f"violated:Never{name.removeprefix('MCWitness')}"
    return model["expect"]
