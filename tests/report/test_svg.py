from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from dataforge.report import svg
from tests.report.html_page import Page

AMOUNTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=24)


def bins(amounts: list[int]) -> list[svg.Bin]:
    return [svg.Bin(f"{2**place}", f"from {2**place}", amount) for place, amount in enumerate(amounts)]


@given(AMOUNTS, st.booleans())
def test_columns_are_as_high_as_their_amounts_and_what_is_there_is_seen(amounts: list[int], has_ranges: bool):
    chart = svg.histogram("x", "title", "words", bins(amounts), "unit", has_ranges=has_ranges)
    heights = [float(height) for height in re.findall(r'class="kept"[^>]*height="([0-9.]+)"', chart)]

    assert len(heights) == len(amounts)
    assert all((height > 0) == (amount > 0) for height, amount in zip(heights, amounts, strict=True))
    ordered = [height for _, height in sorted(zip(amounts, heights, strict=True))]
    assert ordered == sorted(ordered)
    assert Page(chart.encode()).mistakes == []


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 10**6)), max_size=8))
def test_bars_share_one_scale_and_never_leave_the_page(pairs: list[tuple[int, int]]):
    bars = [svg.Bar("a", "b", (svg.Segment("kept", kept), svg.Segment("lost", lost))) for kept, lost in pairs]
    chart = svg.flow_chart("x", "title", "words", bars)
    ends = [
        float(x) + float(width)
        for x, width in re.findall(r'class="(?:kept|lost)" x="([0-9.]+)%"[^>]*width="([0-9.e-]+)%"', chart)
    ]

    assert all(end <= 100.02 for end in ends)
    if any(map(sum, pairs)):
        assert max(ends) > 99.97


@given(AMOUNTS)
def test_grid_lines_are_round_numbers_and_hold_every_column(amounts: list[int]):
    chart = svg.histogram("x", "title", "words", bins(amounts), "unit", has_ranges=True)
    ticks = [int(tick.replace(",", "")) for tick in re.findall(r'text-anchor="end">([0-9,]+)<', chart)]

    assert ticks[0] == 0
    assert ticks[-1] >= max(amounts)
    assert 2 <= len(ticks) <= 6
    assert str(ticks[1]).rstrip("0") in {"1", "2", "5"}


def test_the_last_of_single_values_is_always_named():
    many = [svg.Bin("24+" if place == 23 else f"{place + 1}", "", 1) for place in range(24)]
    chart = svg.histogram("x", "title", "words", many, "messages", has_ranges=False)

    assert re.findall(r'text-anchor="middle">([^<]+)<', chart) == ["1", "5", "9", "13", "17", "21", "24+"]


def test_an_interval_lies_on_its_scale():
    bar = svg.interval_bar(2.0, 3.0, 5.0, 0.0, 10.0)

    assert 'x1="20%" x2="50%"' in bar
    assert 'cx="30%"' in bar
