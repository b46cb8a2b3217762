"""Runs jobs as many at a time as there are cores, and tells people how far it is."""

import concurrent.futures
import os
import sys
import time


class Progress:
    """Counts what is done, one line each; `quiet` keeps only what failed, `silent` nothing."""

    def __init__(self, quiet=False, silent=False):
        self.done, self.total, self.quiet, self.silent, self.began = 0, 0, quiet, silent, time.monotonic()

    def say(self, text):
        """A line for people."""
        print(text, flush=True)

    def expect(self, number):
        """So many more are to come."""
        self.total += number

    def finished(self, name, result, bad=False):
        """One is done."""
        self.done += 1
        if not self.silent and (bad or not self.quiet):
            print(f"[{self.done:>4}/{self.total}] {time.monotonic() - self.began:6.1f}s  {name}  {result}", flush=True)


def each(work, items, progress, name, result, size=lambda item: 0):
    """`work(item)` for every item, the answers in order of items; `result(answer)` is (text, whether it is bad). The largest are begun
    first, so that none of them is still at work when all others are done."""
    items = list(items)
    progress.expect(len(items))
    answers = [None] * len(items)
    with concurrent.futures.ThreadPoolExecutor(max_workers=int(os.environ.get("CONVOKE_SPECS_JOBS") or os.cpu_count() or 2)) as pool:
        waiting = {pool.submit(work, items[at]): at for at in sorted(range(len(items)), key=lambda at: -size(items[at]))}
        try:
            for future in concurrent.futures.as_completed(waiting):
                at = waiting[future]
                answers[at] = future.result()
                progress.finished(name(items[at]), *result(answers[at]))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    sys.stdout.flush()
    return answers
