"""The state graphs that the checkers write, as lists of states and edges.

Both write one node a line, its variables in the label: TLC as `/\\ name = value`, the second checker as `name=value`. A value
never spans lines once the escapes are read, except in TLC, which breaks long ones.
"""

import re

from .values import Unreadable

_NODE = re.compile(r'\s*(-?\d+|s\d+) \[label="((?:[^"\\]|\\.)*)"([^\]]*)\];?\s*\Z')
_EDGE = re.compile(r"\s*(-?\d+|s\d+) -> (-?\d+|s\d+)(?: \[.*\])?;?\s*\Z")
_FRAME = re.compile(r"\s*(?:(?:strict )?digraph \w+ \{|nodesep=.*|subgraph cluster_\w+ \{|color=\S+|rankdir=.*|node \[.*|edge \[.*|\{rank ?=.*|\}|)\s*\Z")
_TLC_VARIABLE = re.compile(r"^/\\ (\w+) = ", re.M)
_SECOND_VARIABLE = re.compile(r"^(\w+)=", re.M)


class Dot:
    """A graph as it was written: `nodes` maps a name to its variables and the texts of their values, `edges` are pairs of names,
    `filled` the names TLC filled."""

    def __init__(self):
        self.nodes = {}
        self.edges = []
        self.filled = set()


def read(text, keep=None):
    """Reads a graph. `keep` limits the variables that are kept. A line of no known form is an error."""
    dot = Dot()
    for number, line in enumerate(text.splitlines(), 1):
        node = _NODE.match(line)
        if node:
            name, label, attributes = node.groups()
            dot.nodes[name] = _variables(_unescape(label), keep)
            if "filled" in attributes:
                dot.filled.add(name)
            continue
        edge = _EDGE.match(line)
        if edge:
            dot.edges.append(edge.groups())
        elif not _FRAME.match(line):
            raise Unreadable(f"line {number} of the graph: {line[:120]}")
    for source, target in dot.edges:
        if source not in dot.nodes or target not in dot.nodes:
            raise Unreadable(f"an edge of the graph between unknown states: {source} -> {target}")
    return dot


def _unescape(label):
    return "\\".join(part.replace("\\n", "\n").replace('\\"', '"') for part in label.split("\\\\"))


def _variables(label, keep):
    pattern = _TLC_VARIABLE if label.startswith("/\\ ") else _SECOND_VARIABLE
    begins = list(pattern.finditer(label))
    if not begins:
        # TLC writes a state of one variable without the conjunction.
        begins = list(re.finditer(r"^(\w+) = ", label))
    if not begins or begins[0].start() != 0:
        raise Unreadable(f"a state without variables: {label[:120]}")
    ends = [match.start() for match in begins[1:]] + [len(label)]
    return {
        match.group(1): label[match.end():end]
        for match, end in zip(begins, ends)
        if keep is None or match.group(1) in keep
    }
