"""TLA+ values, read from what a checker prints and written in one canonical text.

The text is the one of `Display` in crates/model/src/value.rs: fields, elements and keys sorted by their own text, a function
whose keys are all strings written as a record, one space after each comma and around each `|->`.
"""

import functools
import re

# A graph says the same of most variables in many states.
_KEPT = 50_000
_TOKEN = re.compile(r'\s*(?:(<<|>>|\|->|:>|@@|[\[\]{}(),])|"((?:[^"\\]|\\.)*)"|(-?\d+)|([A-Za-z_][A-Za-z0-9_]*))')
_FIELD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Unreadable(Exception):
    """A text that is no value."""


@functools.lru_cache(_KEPT)
def canonical(text):
    """The canonical text of the value that `text` writes."""
    return show(parse.__wrapped__(text))


@functools.lru_cache(_KEPT // 10)
def parse(text):
    """The value that `text` writes: numbers, booleans and strings as Python's, the rest as tuples that begin with their kind."""
    tokens = _tokens(text)
    value, rest = _value(tokens, 0)
    if rest != len(tokens):
        raise Unreadable(f"more than one value: {text}")
    return value


def show(value):
    """A value's canonical text."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return f'"{value}"'
    kind, content = value
    if kind == "model":
        return content
    if kind == "set":
        return "{" + ", ".join(sorted({show(element) for element in content})) + "}"
    if kind == "sequence":
        return "<<" + ", ".join(show(element) for element in content) + ">>"
    return _show_function(content)


def field(value, name):
    """A field of a record."""
    if isinstance(value, tuple) and value[0] == "function":
        for key, content in value[1]:
            if key == name:
                return content
    raise Unreadable(f"no field {name} in {show(value)}")


def _show_function(pairs):
    if not pairs:
        return "<<>>"
    keys = [key for key, _ in pairs]
    if all(isinstance(key, str) and _FIELD.match(key) for key in keys):
        return "[" + ", ".join(f"{key} |-> {show(content)}" for key, content in sorted(pairs, key=lambda pair: pair[0])) + "]"
    if all(type(key) is int for key in keys) and sorted(keys) == list(range(1, len(keys) + 1)):
        return "<<" + ", ".join(show(content) for _, content in sorted(pairs, key=lambda pair: pair[0])) + ">>"
    return "(" + " @@ ".join(sorted(f"{show(key)} :> {show(content)}" for key, content in pairs)) + ")"


def _tokens(text):
    tokens, at = [], 0
    end = len(text.rstrip())
    while at < end:
        match = _TOKEN.match(text, at)
        if not match:
            raise Unreadable(f"not TLA+ at {text[at:at + 40]!r}")
        mark, string, number, word = match.groups()
        tokens.append(("mark", mark) if mark else ("number", int(number)) if number else ("word", word) if word else ("string", string))
        at = match.end()
    return tokens


def _value(tokens, at):
    if at >= len(tokens):
        raise Unreadable("the value ends too early")
    kind, content = tokens[at]
    if kind in ("number", "string"):
        return content, at + 1
    if kind == "word":
        boolean = {"TRUE": True, "FALSE": False, "true": True, "false": False}.get(content)
        return (("model", content) if boolean is None else boolean), at + 1
    if content == "<<":
        elements, at = _list(tokens, at + 1, ">>")
        return ("sequence", elements), at
    if content == "{":
        elements, at = _list(tokens, at + 1, "}")
        return ("set", elements), at
    if content == "[":
        return _record(tokens, at + 1)
    if content == "(":
        return _pairs(tokens, at + 1)
    raise Unreadable(f"no value begins with {content}")


def _list(tokens, at, end):
    elements = []
    while not _is(tokens, at, end):
        if elements:
            at = _expect(tokens, at, ",")
        element, at = _value(tokens, at)
        elements.append(element)
    return elements, at + 1


def _record(tokens, at):
    pairs = []
    while not _is(tokens, at, "]"):
        if pairs:
            at = _expect(tokens, at, ",")
        if at >= len(tokens) or tokens[at][0] not in ("word", "string"):
            raise Unreadable("a record's field has no name")
        name = tokens[at][1]
        content, at = _value(tokens, _expect(tokens, at + 1, "|->"))
        pairs.append((name, content))
    return ("function", pairs), at + 1


def _pairs(tokens, at):
    pairs = []
    while not _is(tokens, at, ")"):
        if pairs:
            at = _expect(tokens, at, "@@")
        key, at = _value(tokens, at)
        content, at = _value(tokens, _expect(tokens, at, ":>"))
        pairs.append((key, content))
    return ("function", pairs), at + 1


def _is(tokens, at, mark):
    if at >= len(tokens):
        raise Unreadable("the value ends too early")
    return tokens[at] == ("mark", mark)


def _expect(tokens, at, mark):
    if not _is(tokens, at, mark):
        raise Unreadable(f"{mark} expected, not {tokens[at][1]}")
    return at + 1
