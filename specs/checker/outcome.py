"""What one run of a checker said."""


class Outcome:
    """`verdict` is `ok`, `violated:NAME` or `error`; `states` the distinct states if all were searched; `steps` the length of the
    shortest behaviour that violates an invariant, in states. `complaints` are warnings and whatever else was not expected."""

    def __init__(self, verdict, states=None, steps=None, complaints=(), detail="", seconds=0.0):
        self.verdict = verdict
        self.states = states
        self.steps = steps
        self.complaints = list(complaints)
        self.detail = detail
        self.seconds = seconds

    def number(self):
        """The number that has to agree, for people: of states, or of steps to a violated invariant."""
        return f"{self.states} states" if self.states is not None else f"in {self.steps} states" if self.steps is not None else "-"

    def problems(self):
        """Why this run cannot be trusted, whatever its verdict."""
        problems = [f"unexpected output: {line}" for line in self.complaints[:5]]
        if self.verdict == "error":
            problems.insert(0, self.detail.strip() or "it failed without a message")
        return problems
