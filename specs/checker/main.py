"""The command line of `specs/check`."""

import argparse
import sys
import time

from . import graphs, jobs, manifest, models, modules, report, tools


def main(arguments=None):
    """Runs what was asked for; 0 only if everything holds."""
    options = _parser().parse_args(arguments)
    began = time.monotonic()
    progress = jobs.Progress(options.quiet)
    known = modules.names()
    unknown = sorted(set(options.module or []) - set(known))
    if unknown:
        print(f"no such module: {', '.join(unknown)}; there are {', '.join(known) or 'none'}", file=sys.stderr)
        return 2
    wanted = options.module or known
    try:
        found = tools.prepare(progress.say)
    except tools.Missing as missing:
        print(f"specs/check: {missing}", file=sys.stderr)
        return 1
    entries = manifest.load()
    failures = []
    if not options.module:
        failures += [f"{module}: the manifest has no such module" for module in known if module not in entries]
        failures += [f"{module}: in the manifest, but there is no specs/{module}/{modules.title(module)}.tla" for module in sorted(set(entries) - set(known))]
    everything = not options.graphs
    rows, graph_rows = [], []
    if everything:
        rows = models.run(found, wanted, entries, progress, options.update)
        failures += [f"{module}: {problem}" for module in wanted for problem in manifest.problems(module, entries[module])]
    graph_rows = graphs.run(found, wanted, entries, progress, options.graphs or options.update)
    if options.graphs or options.update:
        manifest.save(entries)
    failures += report.tables(rows, graph_rows)
    return report.verdict(failures, time.monotonic() - began)


def _parser():
    parser = argparse.ArgumentParser(prog="specs/check", description="Checks the specifications with TLC and with tla-checker. One verdict: 0 if all holds.")
    parser.add_argument("--module", action="append", metavar="M", help="only this module; may be repeated")
    parser.add_argument("--graphs", action="store_true", help="make the graphs anew and write them to specs/*/graph.txt; nothing else")
    parser.add_argument("--update", action="store_true", help="write the numbers and graphs that were found, where both checkers agree")
    parser.add_argument("--quiet", action="store_true", help="show only what fails, and the tables")
    return parser
