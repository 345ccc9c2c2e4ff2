"""The results as people and programs read them: a table on stdout, Markdown and JSON in a directory."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from .harness import Budget, Result, ratio

HEADINGS = ("", "a call", "calls/s", "x floor", "x oxide", "CPU a call", "x floor", "peak MB")
WIDTHS = (24, 11, 11, 10, 10, 12, 10, 9)


def duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.1f} µs"
    return f"{seconds * 1e3:.2f} ms" if seconds < 1 else f"{seconds:.2f} s"


def cells(result: Result, name: str) -> tuple[str, ...]:
    """A contender's line: its time, its throughput, its time as a multiple of the floor's and of oxide's, its memory."""
    per_call = result.per_call(name)

    def multiple(against: str) -> str:
        if against not in result.samples or name == result.row.baseline:
            return ""
        times = result.ratio(name, against)
        return f"{times:.2f}x" if times < 100 else f"{times:.0f}x"

    throughput = f"{1 / per_call:.0f}" if result.row.lanes > 1 else ""
    peak = result.peak(name)
    processor, floor = (
        result.processor_times(name),
        result.processor_times("floor") if "floor" in result.samples else [],
    )
    marked = f"{name} *" if result.capped(name) else name
    memory = "" if peak is None else f"{peak:.1f}"
    return (
        marked,
        duration(per_call),
        throughput,
        multiple("floor"),
        multiple("oxide"),
        duration(statistics.median(processor)) if processor else "",
        f"{ratio(processor, floor):.2f}x" if processor and floor else "",
        memory,
    )


def verdict(budget: Budget, measured: float, holds: bool) -> str:
    """A budget in words, such as `HOLDS: oxide takes 1.8x floor, at most 2.5x`."""
    word = "HOLDS" if holds else f"MISSED by {measured / budget.ratio:.2f}x"
    if budget.is_speed:
        return f"{word}: {budget.contender} is {1 / measured:.1f}x as fast as {budget.against}, at least {1 / budget.ratio:g}x"
    return f"{word}: {budget.contender} takes {measured:.2f}x {budget.against}, at most {budget.ratio:g}x"


def lines(result: Result) -> Iterable[str]:
    """A row for the terminal."""
    yield result.row.name
    table = [HEADINGS, *(cells(result, name) for name in result.samples)]
    shown = [i for i, _ in enumerate(HEADINGS) if i == 0 or any(line[i] for line in table[1:])]
    for line in table:
        yield "  " + "".join(line[i].ljust(WIDTHS[i]) if i == 0 else line[i].rjust(WIDTHS[i]) for i in shown).rstrip()
    if any(result.capped(name) for name in result.samples):
        yield "  * cut off: extrapolated from the calls that were done in time, connecting included"
    for one in result.verdicts():
        yield f"  {verdict(*one)}"
    yield ""


def environment() -> dict[str, str]:
    """What was measured on what: versions and the number of processors."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "cpus": str(os.cpu_count())}
    packages = ("openai", "httpx2", "aiohttp", "httpcore", "httptools", "msgspec", "anyio", "trio")
    return found | {name: version(name) for name in packages}


def markdown(results: list[Result]) -> str:
    parts = [f"# Benchmarks\n\n{', '.join(f'{key} {value}' for key, value in environment().items())}\n"]
    for result in results:
        parts.append(f"## {result.row.name}\n")
        parts.append("| " + " | ".join(HEADINGS) + " |\n|---" + "|---:" * (len(HEADINGS) - 1) + "|")
        parts += ["| " + " | ".join(cells(result, name)) + " |" for name in result.samples]
        parts.append("")
        parts += [f"- {verdict(*one)}" for one in result.verdicts()]
        parts.append("")
    return "\n".join(parts)


def document(results: list[Result]) -> dict[str, object]:
    """Everything that was measured, for programs: seconds, ratios, and each round's seconds a call."""
    rows = [
        {
            "name": result.row.name,
            "lanes": result.row.lanes,
            "contenders": {
                name: {
                    "seconds": result.per_call(name),
                    "processor": statistics.median(result.processor_times(name) or [0.0]) or None,
                    "rounds": [sample.per_call for sample in samples],
                    "spread": statistics.pstdev(times) / statistics.mean(times) if (times := result.times(name)) else 0,
                    "capped": result.capped(name),
                    "peak_mb": result.peak(name),
                    "server_busy": result.server_busy.get(name),
                }
                for name, samples in result.samples.items()
            },
            "budgets": [
                {
                    "contender": budget.contender,
                    "against": budget.against,
                    "at_most": budget.ratio,
                    "ratio": measured,
                    "holds": holds,
                }
                for budget, measured, holds in result.verdicts()
            ],
        }
        for result in results
    ]
    return {"environment": environment(), "rows": rows}


def write(results: list[Result], directory: Path, sections: Sequence[tuple[str, list[str], str]] = ()) -> None:
    """Leave `<time>.json` and `<time>.md` in the directory.

    Args:
        sections: further ones: the title, its Markdown, and a plot as SVG, which is left in `<time>.svg`; `""` for none.
    """
    directory.mkdir(parents=True, exist_ok=True)
    name = datetime.now(timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    text = markdown(results)
    for title, lines, plot in sections:
        text += "\n".join(["", f"## {title}\n", *lines, ""])
        if plot:
            (directory / f"{name}.svg").write_text(plot)
            text += f"\n![{title}]({name}.svg)\n"
    (directory / f"{name}.json").write_text(json.dumps(document(results), indent=1))
    (directory / f"{name}.md").write_text(text)
