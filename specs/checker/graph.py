"""The canonical graph of a module: what crates/model/src/graph.rs reads and compares with the code's."""

from .values import Unreadable, canonical, field, parse, show


class Graph:
    """States by their canonical text; edges as (from, step, to)."""

    def __init__(self):
        self.initial = set()
        self.states = set()
        self.edges = set()

    def text(self, title):
        """The canonical form."""
        states = sorted(self.states)
        number = {state: at for at, state in enumerate(states)}
        lines = [f"# {title}"]
        lines += [f"{'initial' if state in self.initial else 'state'} {at} {state}" for at, state in enumerate(states)]
        edges = sorted((number[source], number[target], step) for source, step, target in self.edges)
        lines += [f"edge {source} {target} {step}" for source, target, step in edges]
        return "\n".join(lines) + "\n"


def from_dot(dot):
    """Drops the variable `step` from each state and puts it on the edges into it."""
    graph = Graph()
    states, steps = {}, {}
    for name, variables in dot.nodes.items():
        if "step" not in variables:
            raise Unreadable("the graph's module has no variable `step`")
        step = parse(variables["step"])
        action = field(step, "action")
        steps[name] = (action, f"{action} {show(field(step, 'params'))}")
        rest = [f"{variable} |-> {canonical(text)}" for variable, text in sorted(variables.items()) if variable != "step"]
        states[name] = f"[{', '.join(rest)}]" if rest else "<<>>"
        graph.states.add(states[name])
        if action == "Init":
            graph.initial.add(states[name])
        elif name in dot.filled:
            raise Unreadable(f"a state begins with the step {action}, not Init")
    for source, target in dot.edges:
        if steps[target][0] == "Init":
            if source == target:
                continue  # the second checker draws stuttering
            raise Unreadable("a step is called Init")
        graph.edges.add((states[source], steps[target][1], states[target]))
    if not graph.initial:
        raise Unreadable("the graph has no initial state")
    return graph


def difference(ours, our_name, theirs, their_name, at_most=6):
    """What only one of two graphs has, as lines for people; empty if they are equal."""
    lines = []
    for mine, name, other in ((ours, our_name, theirs), (theirs, their_name, ours)):
        only = [f"initial {state}" for state in sorted(mine.initial - other.initial)]
        only += [f"state {state}" for state in sorted(mine.states - other.states)]
        only += [f"{step}\n      from {source}\n      to   {target}" for source, step, target in sorted(mine.edges - other.edges)]
        if only:
            lines.append(f"only in {name}: {len(only)}")
            lines += [f"  {line}" for line in only[:at_most]]
    return lines


def read(text):
    """Reads the canonical form."""
    graph, states = Graph(), []
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        word, rest = line.split(" ", 1)
        if word in ("initial", "state"):
            state = rest.split(" ", 1)[1]
            states.append(state)
            graph.states.add(state)
            if word == "initial":
                graph.initial.add(state)
        elif word == "edge":
            source, target, step = rest.split(" ", 2)
            graph.edges.add((states[int(source)], step, states[int(target)]))
        else:
            raise Unreadable(f"no line of a graph: {line[:80]}")
    return graph
