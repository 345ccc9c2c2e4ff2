"""A plot as SVG, without a library or a display."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import ceil, floor, log10
from xml.sax.saxutils import escape

__all__ = ["survival"]

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 40, 50
COLOURS = ("#c0392b", "#2471a3", "#229954", "#7d3c98")


def survival(title: str, series: Mapping[str, Sequence[float]]) -> str:
    """For each series of times, in seconds, the share of them that is longer than so many milliseconds. Both axes are logarithmic."""
    times = {name: sorted(second * 1e3 for second in seconds) for name, seconds in series.items()}
    low = log10(min(values[0] for values in times.values()))
    high = log10(max(values[-1] for values in times.values()))
    least = log10(min(1 / len(values) for values in times.values()))

    def x(milliseconds: float) -> float:
        return LEFT + (log10(milliseconds) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(share: float) -> float:
        return TOP + log10(share) / least * (HEIGHT - TOP - BOTTOM)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="22" font-size="14">{escape(title)}</text>',
    ]
    for milliseconds in _steps(low, high):
        at = x(milliseconds)
        parts.append(f'<path d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#ddd"/>')
        parts.append(f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{milliseconds:g} ms</text>')
    for share in (1.0, 0.1, 0.05, 0.01, 0.001, 0.0001):
        if log10(share) >= least:
            at = y(share)
            parts.append(f'<path d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
            parts.append(f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{share * 100:g} %</text>')
    for number, (name, values) in enumerate(times.items()):
        colour = COLOURS[number % len(COLOURS)]
        steps = " ".join(f"{x(value):.1f},{y(1 - place / len(values)):.1f}" for place, value in enumerate(values))
        parts.append(f'<polyline points="{steps}" fill="none" stroke="{colour}" stroke-width="2"/>')
        at = TOP + 16 + number * 18
        parts.append(f'<text x="{WIDTH - RIGHT - 8}" y="{at}" text-anchor="end" fill="{colour}">{escape(name)}</text>')
    return "\n".join([*parts, "</svg>", ""])


def _steps(low: float, high: float) -> Iterable[float]:
    """1, 2, 5, 10, … between two powers of ten."""
    for power in range(floor(low), ceil(high) + 1):
        for digit in (1, 2, 5):
            if low <= log10(digit * 10.0**power) <= high:
                yield digit * 10.0**power
