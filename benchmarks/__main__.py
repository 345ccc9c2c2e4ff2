"""`python -m benchmarks`: measure oxide beside its peers and the floor, in one run, and say which budgets hold."""

from __future__ import annotations

import argparse
from pathlib import Path

from . import harness, hedging, report, session_loop
from .rows import ROWS
from .server import Server, raise_file_limit

HEDGING = "hedging a server with a tail"
SESSION_LOOP = "tool loop of 20 steps over a session"


def main() -> int:
    """0, also where a budget is missed; 1 where one is and `--strict` was asked for. A wrong result raises."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: under a minute")
    parser.add_argument("--only", action="append", default=[], metavar="TEXT", help="rows with this in the name")
    parser.add_argument("--skip", action="append", default=[], metavar="CONTENDER", help="leave a contender out")
    parser.add_argument("--strict", action="store_true", help="exit with 1 if a budget is missed")
    parser.add_argument(
        "--placement", choices=["together", "apart", "free"], help="processors of client and server, in all rows"
    )
    parser.add_argument("--list", action="store_true", help="print the names of the rows and leave")
    parser.add_argument("--output", type=Path, default=Path(__file__).parent / "results", help="where the files go")
    options = parser.parse_args()
    usual = [row for row in ROWS if not (options.quick and row.long)]
    rows = [row for row in ROWS if any(text in row.name for text in options.only)] if options.only else usual
    # These have no floor, but a section of their own.
    chosen = [
        title
        for title in (HEDGING, SESSION_LOOP)
        if (any(text in title for text in options.only) if options.only else not options.quick)
    ]
    if not rows and not chosen:
        parser.error("no row has that in its name")
    if options.list:
        print(*(row.name for row in rows), *chosen, sep="\n")
        return 0
    raise_file_limit()
    effort = harness.QUICK if options.quick else harness.FULL
    results = []
    with Server() as server:
        for row in rows:
            result = harness.measure(row, server, effort, frozenset(options.skip), options.placement)
            results.append(result)
            print(*report.lines(result), sep="\n", flush=True)
    missed = 0
    sections: list[tuple[str, list[str], str]] = []
    for title in chosen:
        print(title)
        lines: list[str] = []

        def tell(line: str, lines: list[str] = lines) -> None:
            print(line, flush=True)
            lines.append(line)

        plot = ""
        if title == HEDGING:
            plot, missed = hedging.section(1000, [16] if options.quick else [1, 16], tell=tell)
        else:
            session_loop.section(2 if options.quick else session_loop.ROUNDS, tell=tell)
        sections.append((title, lines, plot))
    report.write(results, options.output, sections)
    verdicts = [(result.row.name, one) for result in results for one in result.verdicts()]
    if verdicts:
        print("Budgets")
        for name, one in verdicts:
            print(f"  {name}: {report.verdict(*one)}")
    return int(options.strict and (missed > 0 or not all(holds for _, (_, _, holds) in verdicts)))


if __name__ == "__main__":
    raise SystemExit(main())
