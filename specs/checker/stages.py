"""How long each stage of a run took: by the clock, of the checkers' time on a processor, and of this program's own."""

import contextlib
import os
import time

_HEAD = ("stage", "seconds", "of checkers", "of this program")


class Stages:
    """The stages so far, in order."""

    def __init__(self):
        self.rows, self.began = [], time.monotonic()

    @contextlib.contextmanager
    def stage(self, name):
        """Whatever is done within is this stage. Stages follow one another."""
        before = (time.monotonic(), *_used())
        try:
            yield
        finally:
            self.rows.append((name, *(now - then for now, then in zip((time.monotonic(), *_used()), before))))

    def seconds(self):
        """By the clock, of all of it."""
        return time.monotonic() - self.began

    def table(self):
        """For people, with the sum of each column."""
        rest = ("all", self.seconds(), *(sum(row[at] for row in self.rows) for at in (2, 3)))
        return [_HEAD, *((name, *(f"{seconds:.1f}" for seconds in numbers)) for name, *numbers in (*self.rows, rest))]


def _used():
    """Seconds on a processor, of the programs that were run and have ended, and of this one."""
    times = os.times()
    return times.children_user + times.children_system, times.user + times.system
