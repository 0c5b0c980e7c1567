"""Charts drawn on the server, in percent of the page's width: their text keeps its size on every screen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dataforge.report.figures import count
from dataforge.report.visible import clipped, visible

_BAR_ROW = 48
_PLOT = 168
_LABELS = 6
_NAME_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar.

    Args:
        role: A class of the style sheet: kept, added, lost.
        amount: Its length.
    """

    role: str
    amount: int


@dataclass(frozen=True, slots=True)
class Bar:
    """A line of a flow chart: a name, a note with its numbers, and its segments from left to right."""

    name: str
    note: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Bin:
    """A column of a histogram.

    Args:
        tick: What may be written under it.
        label: Its range in words, for the table behind the chart.
        amount: Its height.
    """

    tick: str
    label: str
    amount: int


def flow_chart(identity: str, title: str, description: str, bars: Sequence[Bar]) -> Markup:
    """Draw bars below one another on one scale."""
    scale = max((sum(segment.amount for segment in bar.segments) for bar in bars), default=0) or 1
    drawn = [_bar(bar, place * _BAR_ROW, scale) for place, bar in enumerate(bars)]
    return _chart(identity, title, description, len(bars) * _BAR_ROW, drawn)


def _bar(bar: Bar, top: int, scale: int) -> Markup:
    pieces = [
        Markup('<text class="name" x="0" y="{}">{}</text>').format(top + 16, _label(bar.name)),
        Markup('<text class="value" x="100%" y="{}" text-anchor="end">{}</text>').format(top + 16, visible(bar.note)),
        Markup('<rect class="track" x="0" y="{}" width="100%" height="14"/>').format(top + 24),
    ]
    left = 0
    for segment in bar.segments:
        if segment.amount > 0:
            pieces.append(
                Markup('<rect class="{}" x="{}" y="{}" width="{}" height="14"/>').format(
                    segment.role, _percent(left, scale), top + 24, _percent(segment.amount, scale)
                )
            )
            left += segment.amount
    return Markup("<g>{}</g>").format(Markup("").join(pieces))


def histogram(
    identity: str, title: str, description: str, bins: Sequence[Bin], unit: str, *, has_ranges: bool
) -> Markup:
    """Draw columns side by side, with their amounts on the left and their values below.

    Args:
        identity: The chart's id in the page.
        title: What is counted.
        description: The chart in words and numbers, for those who do not see it.
        bins: The columns, each as wide as the others.
        unit: What stands under the axis.
        has_ranges: A column is a range, and its tick the least value in it: that stands under its left edge.

    Returns:
        The chart as an element of the page.
    """
    top = max((column.amount for column in bins), default=0)
    step = _step(top)
    ceiling = max(step * math.ceil(top / step), step)
    pieces: list[Markup] = []
    for tick in range(0, ceiling + 1, step):
        y = _height(tick, ceiling)
        pieces.append(Markup('<line class="grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>').format(y))
        pieces.append(Markup('<text class="tick" x="-8" y="{}" text-anchor="end">{}</text>').format(y + 4, count(tick)))
    for place, column in enumerate(bins):
        pieces.append(_column(column, place, len(bins), ceiling))
    for place in _ticks(len(bins), has_ranges=has_ranges):
        x = _percent(place if has_ranges else place + 0.5, len(bins))
        pieces.append(
            Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>').format(
                x, _PLOT + 28, bins[place].tick
            )
        )
    pieces.append(
        Markup('<text class="unit" x="100%" y="{}" text-anchor="end">{}</text>').format(_PLOT + 48, visible(unit))
    )
    return _chart(identity, title, description, _PLOT + 54, pieces, "histogram")


def _ticks(columns: int, *, has_ranges: bool) -> list[int]:
    """Choose the columns that are named below: as many as fit on a narrow screen."""
    every = max(1, math.ceil(columns / _LABELS))
    places = list(range(0, columns, every))
    last = columns - 1
    # The last single value may be "24 or more", which must be said.
    if not has_ranges and places and places[-1] != last:
        return [*(place for place in places if last - place >= every / 2), last]
    return places


def _column(column: Bin, place: int, columns: int, ceiling: int) -> Markup:
    y = _height(column.amount, ceiling)
    # Many rows in one column and a single row in another: that one must still be seen.
    if column.amount and y > _PLOT + 8:
        y = _PLOT + 8
    bottom = _PLOT + 10
    hover = f"{column.label}: {count(column.amount)}"
    return Markup(
        '<g><title>{hover}</title><rect class="kept" x="{x}" y="{y}" width="{width}" height="{height}"/>'
        '<line class="gap" x1="{x}" x2="{x}" y1="{y}" y2="{bottom}"/></g>'
    ).format(
        hover=visible(hover),
        x=_percent(place, columns),
        y=y,
        width=_percent(1, columns),
        height=round(bottom - y, 1),
        bottom=bottom,
    )


def share_bar(amount: float, scale: float, role: str = "kept") -> Markup:
    """Draw the bar of a table cell; the number stands beside it."""
    return Markup(
        '<svg class="share" aria-hidden="true" width="100%" height="10"><rect class="{}" width="{}" height="10"/></svg>'
    ).format(role, _percent(amount, scale or 1))


def interval_bar(low: float, value: float, high: float, start: float, end: float) -> Markup:
    """Draw a value and its interval on a scale from start to end; the numbers stand beside it."""
    span = (end - start) or 1.0
    return Markup(
        '<svg class="interval" aria-hidden="true" width="100%" height="14"><line class="grid" x1="0"'
        ' x2="100%" y1="7" y2="7"/><line class="whisker" x1="{}" x2="{}"'
        ' y1="7" y2="7"/><circle class="dot" cx="{}" cy="7" r="4"/></svg>'
    ).format(_percent(low - start, span), _percent(high - start, span), _percent(value - start, span))


def _chart(
    identity: str, title: str, description: str, height: int, pieces: Sequence[Markup], kind: str = "flow"
) -> Markup:
    return Markup(
        '<svg class="chart {kind}" role="img" aria-labelledby="{id}-title {id}-desc" width="100%" height="{height}">'
        '<title id="{id}-title">{title}</title><desc id="{id}-desc">{description}</desc>{pieces}</svg>'
    ).format(
        kind=kind,
        id=identity,
        height=height,
        title=visible(title),
        description=visible(clipped(description, 4_000)),
        pieces=Markup("").join(pieces),
    )


def _label(name: str) -> str:
    short = name if len(name) <= _NAME_CHARACTERS else f"{name[: _NAME_CHARACTERS - 1]}…"
    return visible(short)


def _percent(part: float, whole: float) -> str:
    return f"{round(100 * part / whole, 2):g}%"


def _height(amount: float, ceiling: int) -> float:
    return round(10 + _PLOT * (1 - amount / ceiling), 1)


def _step(top: int) -> int:
    """Choose the distance of grid lines: 1, 2 or 5 times a power of ten, so that there are three to six."""
    rough = max(top / 4, 1)
    power = 10 ** math.floor(math.log10(rough))
    return int(next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough))
