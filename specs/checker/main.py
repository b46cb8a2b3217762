"""The command line of `specs/check`."""

import argparse
import sys

from . import graphs, jobs, manifest, models, modules, mutants, report, sample, self_test, spoil, stages, tools, traces
from .values import Unreadable


def main(arguments=None):
    """Runs what was asked for; 0 only if everything holds."""
    options = _parser().parse_args(arguments)
    if options.self_test:
        return self_test.run()
    clock = stages.Stages()
    progress = jobs.Progress(options.quiet)
    known = modules.names()
    unknown = sorted(set(options.module or []) - set(known))
    if unknown or not known:
        print(f"no such module: {', '.join(unknown)}; there are {', '.join(known) or 'none'}", file=sys.stderr)
        return 2
    wanted = options.module or known
    try:
        with clock.stage("tools"):
            found = tools.prepare(progress.say)
        if options.install:
            return 0
        entries = manifest.load()
        failures = _run(options, found, wanted, known, entries, progress, clock)
    except (tools.Missing, Unreadable, OSError, ValueError) as error:
        print(f"specs/check: {error}", file=sys.stderr)
        return 1
    return report.verdict(failures, clock)


def _run(options, found, wanted, known, entries, progress, clock):
    everything = not (options.graphs or options.traces or options.spoil or options.mutants or options.sample) or options.ci
    failures = []
    if everything and not options.module:
        failures += [f"{module}: the manifest has no such module" for module in known if module not in entries]
        failures += [f"{module}: in the manifest, but there is no specs/{module}/{modules.title(module)}.tla" for module in sorted(set(entries) - set(known))]
    if everything:
        with clock.stage("models"):
            rows = models.run(found, wanted, entries, progress, options.update)
        failures += [f"{module}: {problem}" for module in wanted for problem in manifest.problems(module, entries[module])]
        failures += report.models(rows)
    if everything or options.graphs:
        with clock.stage("graphs"):
            rows = graphs.run(found, wanted, entries, progress, options.graphs or options.update)
        failures += report.graphs(rows)
    if options.graphs or options.update:
        manifest.save(entries)
    if options.sample:
        failures += [f"{module}: there are no traces of it in {options.sample}" for module in wanted if not sample.keep(module, options.sample)]
    parts = []
    if everything or options.sample:
        for module in wanted:
            if sample.file(module).exists():
                parts.append((module, traces.read(sample.file(module))))
            elif not entries[module].get("traces", {}).get("none"):
                failures.append(f"{module}: there is no sample of its traces: take one with `specs/check --sample DIR`")
        with clock.stage("committed traces"):
            rows = traces.run_parts(found, parts, entries, progress)
        failures += report.traces("the committed samples of traces", rows)
    if options.traces or options.ci:
        with clock.stage("traces"):
            rows = traces.run(found, wanted, options.traces or options.ci, entries, progress)
        failures += report.traces(f"traces in {options.traces or options.ci}", rows)
    if options.spoil:
        parts = [(module, traces.merged(module, options.spoil)) for module in wanted]
    if parts and (everything or options.spoil or options.sample):
        with clock.stage("spoiled traces"):
            rows = spoil.run(found, [(module, part) for module, part in parts if part.traces], entries, progress)
        failures += report.spoiled(rows)
    if options.mutants or options.ci:
        with clock.stage("mutants"):
            failures += mutants.run(found, wanted, entries, progress, whole=wanted == known, update=options.update, quick=bool(options.ci))
    return failures


def _parser():
    parser = argparse.ArgumentParser(
        prog="specs/check", description="Checks the specifications with TLC and with tla-checker. One verdict: 0 if all holds.",
        epilog="Without any of --graphs, --traces, --spoil, --sample, --mutants: every model, the graphs against the committed ones, the committed samples of traces, whole and spoiled.",
    )
    parser.add_argument("--module", action="append", metavar="M", help="only this module; may be repeated")
    parser.add_argument("--graphs", action="store_true", help="make the graphs anew and write them to specs/*/graph.txt")
    parser.add_argument("--traces", metavar="DIR", help="validate the traces that `convoke trace --out` wrote below DIR")
    parser.add_argument("--spoil", metavar="DIR", help="spoil these traces: each must be refused at the right line")
    parser.add_argument("--sample", metavar="DIR", help="take the committed samples anew from the traces below DIR")
    parser.add_argument("--mutants", action="store_true", help="apply every mutant of specs/*/mutants.json: some check must catch it; compares with specs/MUTANTS.md")
    parser.add_argument("--ci", metavar="DIR", help="all of it, with the traces below DIR")
    parser.add_argument("--update", action="store_true", help="write the numbers, graphs and tables that were found, where both checkers agree")
    parser.add_argument("--self-test", action="store_true", help="check the checker itself, on a small module of its own")
    parser.add_argument("--install", action="store_true", help="only bring the checkers here, which takes minutes the first time")
    parser.add_argument("--quiet", action="store_true", help="show only what fails, and the tables")
    return parser
