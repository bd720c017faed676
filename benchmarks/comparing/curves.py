"""Figures over time as a picture: panels of curves, three in a row, in plain SVG."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import islice

_ACROSS, _WIDTH, _HEIGHT, _GAP, _MARGIN = 3, 400, 150, 20, 20
_LEGEND, _TITLE, _SCALE = 50, 24, 52
_COLOURS = ("#1f5fbf", "#c2571a", "#3c8c40", "#7d4fa8", "#a8842a", "#5f6b7a")
_INK, _PAPER, _LINES = "#1b1f24", "#ffffff", "#dfe4ea"
_UNITS = {"s": ("ms", 1e3), "percentunit": ("%", 1e2), "bytes": ("MiB", 2**-20)}

Curve = Sequence[tuple[float, float]]
"""Points of seconds and values."""


@dataclass(frozen=True)
class Panel:
    """Curves by name. `unit` is Grafana's name of it."""

    title: str
    unit: str
    curves: Mapping[str, Curve]


def curves(panels: Sequence[Panel], seconds: float) -> str:
    """All panels over the same seconds, each with a scale of its own that begins at zero."""
    cell = _TITLE + _HEIGHT + _LEGEND + _GAP
    rows = -(-len(panels) // _ACROSS)
    width, height = 2 * _MARGIN + _ACROSS * (_WIDTH + _GAP) - _GAP, 2 * _MARGIN + rows * cell
    letters = f'font-family="Helvetica, Arial, sans-serif" font-size="11" fill="{_INK}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" {letters}>',
        f'<rect width="{width}" height="{height}" fill="{_PAPER}"/>',
    ]
    for index, panel in enumerate(panels):
        down, across = divmod(index, _ACROSS)
        left, top = _MARGIN + across * (_WIDTH + _GAP), _MARGIN + down * cell
        lines += [f'<g transform="translate({left} {top})">', *_panel(panel, seconds), "</g>"]
    return "\n".join([*lines, "</svg>", ""])


def _panel(panel: Panel, seconds: float) -> list[str]:
    highest = max((value for curve in panel.curves.values() for _, value in curve), default=0.0)
    unit, factor = ("s", 1.0) if panel.unit == "s" and highest >= 1 else _UNITS.get(panel.unit, ("", 1.0))
    top = _round_up(highest * factor)
    lines = [f'<text y="13" font-size="13" font-weight="bold">{escape(panel.title)}</text>']
    for share in (0.0, 0.5, 1.0):
        y = _TITLE + _HEIGHT * (1 - share)
        lines += [
            f'<line x1="{_SCALE}" x2="{_WIDTH}" y1="{y:.0f}" y2="{y:.0f}" stroke="{_LINES}"/>',
            f'<text x="{_SCALE - 6}" y="{y + 4:.0f}" text-anchor="end">{top * share:g} {unit}</text>',
        ]
    for index, (name, curve) in enumerate(islice(panel.curves.items(), len(_COLOURS))):
        points = " ".join(
            f"{_SCALE + (_WIDTH - _SCALE) * at / seconds:.1f},{_TITLE + _HEIGHT * (1 - value * factor / top):.1f}"
            for at, value in curve
        )
        x, y = _SCALE + index % 2 * 190, _TITLE + _HEIGHT + 16 + index // 2 * 14
        colour = _COLOURS[index]
        lines += [
            f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>',
            f'<rect x="{x}" y="{y - 8}" width="8" height="8" fill="{colour}"/>',
            f'<text x="{x + 12}" y="{y}">{escape(name)}</text>',
        ]
    return lines


def _round_up(value: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    step = 1e-9
    while True:
        for digit in (1, 2, 5):
            if digit * step >= value:
                return digit * step if value > 0 else 1.0
        step *= 10
