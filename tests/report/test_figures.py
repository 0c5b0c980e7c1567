from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.report import figures


@pytest.mark.parametrize(
    ("part", "whole", "written"),
    [
        (0, 7, "0 %"),
        (7, 7, "100 %"),
        (1, 3, "33.3 %"),
        (1, 5_000, "< 0.1 %"),
        (4_999, 5_000, "> 99.9 %"),
        (1, 2, "50.0 %"),
        (0, 0, "–"),
    ],
)
def test_a_share_never_rounds_to_nothing_or_all(part: int, whole: int, written: str):
    assert figures.share(part, whole).replace("\u00a0", " ") == written


@given(st.integers(1, 10**9), st.integers(1, 10**9))
def test_only_nothing_is_zero_percent_and_only_all_is_a_hundred(part: int, more: int):
    written = figures.share(part, part + more)

    assert written not in {"0\u00a0%", "100\u00a0%"}


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.9134, "0.9134"),
        (4211.0, "4,211"),
        (1234.56, "1,234.6"),
        (2, "2"),
        (0.000012, "1.20e-05"),
        (-0.5, "-0.5"),
        (math.nan, "nan"),
        (math.inf, "inf"),
        (True, "True"),
        ("x", "x"),
    ],
)
def test_a_value_is_written_as_exactly_as_it_helps(value: object, written: str):
    assert figures.number(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7_500, "2 h 5 min")],
)
def test_a_duration_has_the_unit_that_fits(seconds: float, written: str):
    assert figures.duration(seconds).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("n_bytes", "written"),
    [(0, "0 bytes"), (999, "999 bytes"), (92_500, "92.5 kB"), (168_200, "168 kB"), (4_812_400, "4.8 MB")],
)
def test_a_size_has_the_unit_that_fits(n_bytes: int, written: str):
    assert figures.size(n_bytes).replace("\u00a0", " ") == written


@pytest.mark.parametrize(
    ("low", "high", "digits"),
    [(17.3, 19.5, 1), (0.197, 0.240, 3), (100.0, 180.0, 0), (1.0, 1.0, None), (None, 1.0, None)],
)
def test_an_interval_sets_the_digits(low: float | None, high: float | None, digits: int | None):
    assert figures.digits_of(low, high) == digits


def test_a_time_is_written_for_people_and_nonsense_is_left_alone():
    assert figures.moment("2026-03-01T20:14:07+00:00") == "2026-03-01 20:14 UTC"
    assert figures.moment("yesterday") == "yesterday"


def test_words_become_a_sentence_once():
    assert figures.sentence("shorter than min") == "Shorter than min."
    assert figures.sentence(figures.sentence("shorter than min")) == "Shorter than min."
    assert figures.sentence(" ") == ""
