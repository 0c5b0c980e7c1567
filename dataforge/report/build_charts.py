"""The charts of a build report, each with the sentence that says the same in numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dataforge.report import svg
from dataforge.report.build_record import BuildRun, Stage
from dataforge.report.figures import plural, share

# The engine counts longer prompts together with those of this many messages.
_MOST_MESSAGES = 24


@dataclass(frozen=True, slots=True)
class Distribution:
    """A histogram and what stands around it.

    Args:
        chart: The picture.
        bins: The table behind it.
        total: How many were counted.
        summary: Where the middle lies, in a sentence.
        noun: What was counted, in the singular.
    """

    chart: Markup
    bins: list[svg.Bin]
    total: int
    summary: str
    noun: str


def flow(run: BuildRun) -> Markup:
    """Draw the rows from stage to stage: what came from before, what was added, what was dropped."""
    bars: list[svg.Bar] = []
    in_flow = 0
    for stage in run.stages:
        if stage.is_source:
            segments = (svg.Segment("before", in_flow), svg.Segment("added", stage.added))
            in_flow += stage.rows_out
        else:
            stayed = max(stage.rows_in - stage.n_dropped, 0)
            segments = (
                svg.Segment("kept", stayed),
                svg.Segment("added", stage.added),
                svg.Segment("lost", stage.n_dropped),
            )
            in_flow = stage.rows_out
        bars.append(svg.Bar(stage.name, _note(stage, in_flow), segments))
    bars.append(svg.Bar("published", plural(run.published, "row"), (svg.Segment("kept", run.published),)))
    words = "; ".join(f"{bar.name}: {bar.note}" for bar in bars)
    return svg.flow_chart("flow-chart", "Rows after each stage", f"{words}.", bars)


def _note(stage: Stage, in_flow: int) -> str:
    change = f"+{stage.added:,} " if stage.added else ""
    change += f"−{stage.n_dropped:,} " if stage.n_dropped else ""
    return f"{change}→ {in_flow:,}" if change else f"{in_flow:,}"


def doublings(identity: str, title: str, counts: Sequence[int], noun: str, unit: str) -> Distribution | None:
    """Draw lengths that were counted in doublings: bin i holds those from 2^i to 2^(i+1) - 1, bin 0 also 0.

    Args:
        identity: The chart's id in the page.
        title: What the chart shows.
        counts: How many lie in each bin.
        noun: What was counted, in the singular: prompt.
        unit: What the lengths are counted in: characters.

    Returns:
        Nothing where nothing was counted.
    """
    used = [place for place, amount in enumerate(counts) if amount]
    if not used:
        return None
    last = len(counts) - 1
    bins = [
        svg.Bin(f"{_start(place):,}", _range(place, last), counts[place])
        for place in range(max(used[0] - 1, 0), min(used[-1] + 1, last) + 1)
    ]
    total = sum(counts)
    middle = _middle(bins, total)
    summary = f"{plural(total, noun)}; the middle one has {middle.label} {unit}."
    words = "; ".join(f"{column.label} {unit}: {column.amount:,}" for column in bins)
    chart = svg.histogram(identity, title, f"{summary} {words}.", bins, f"{unit}, in doublings", has_ranges=True)
    return Distribution(chart, bins, total, summary, noun)


def _start(place: int) -> int:
    return 2**place if place else 0


def _range(place: int, last: int) -> str:
    if place == last:
        return f"{_start(place):,} or more"
    return f"{_start(place):,} to {2 ** (place + 1) - 1:,}"


def _middle(bins: Sequence[svg.Bin], total: int) -> svg.Bin:
    seen = 0
    for column in bins:
        seen += column.amount
        if 2 * seen >= total:
            return column
    return bins[-1]


def messages(counts: Mapping[str, int]) -> Distribution | None:
    """Draw how many messages a prompt has; one message is a question without a history."""
    known = {int(turns): rows for turns, rows in counts.items() if turns.isdecimal() and rows}
    if not known:
        return None
    bins = [
        svg.Bin(f"{turns}+", f"{turns} or more", known.get(turns, 0))
        if turns == _MOST_MESSAGES
        else svg.Bin(f"{turns}", f"{turns}", known.get(turns, 0))
        for turns in range(min(known), max(known) + 1)
    ]
    total = sum(known.values())
    single = known.get(1, 0)
    summary = f"{plural(total, 'prompt')}; {single:,} ({share(single, total)}) are a single message."
    words = "; ".join(f"{column.label}: {column.amount:,}" for column in bins)
    chart = svg.histogram(
        "messages-chart", "Messages in a prompt", f"{summary} {words}.", bins, "messages in a prompt", has_ranges=False
    )
    return Distribution(chart, bins, total, summary, "prompt")
