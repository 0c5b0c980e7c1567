"""The step `length_filter`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.params import build
from dataforge.steps.length_filter import LengthFilter
from tests.steps import laws
from tests.steps.rows import DEAR, dropped, frame, frame_of, frames, row

UNITS = st.sampled_from(["characters", "words"])
LIMITS = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(sorted)


@DEAR
@given(frames(), st.integers(0, 6), UNITS, LIMITS)
def test_the_laws_of_filters_hold(rows, cut, unit, limits):
    step = LengthFilter(unit=unit, min=limits[0], max=limits[1])

    laws.measures_each_row_by_itself(step, rows, cut)
    laws.decides_each_row_by_itself(step, rows, cut)
    laws.drops_are_sound(step, rows)
    laws.moving_a_threshold_changes_no_evidence(step, LengthFilter(unit=unit, min=21), rows)


@DEAR
@given(frames(), LIMITS)
def test_wider_limits_drop_a_part_of_what_narrower_ones_drop(rows, limits):
    narrow = dropped(LengthFilter(unit="characters", min=limits[0], max=limits[1]), rows)

    wide = dropped(LengthFilter(unit="characters", min=max(limits[0] - 3, 0), max=limits[1] + 3), rows)

    assert wide.keys() <= narrow.keys()


def test_a_drop_says_the_length_and_the_limit():
    gone = dropped(LengthFilter(on="user", unit="words", min=2, max=3), frame_of("one", "one two", "a b c", "a b c d"))

    assert {name: (drop["reason"], drop["value"], drop["threshold"]) for name, drop in gone.items()} == {
        "r0": ("too-short", 1, 2),
        "r3": ("too-long", 4, 3),
    }


def test_a_row_without_such_a_message_is_not_judged_and_an_empty_message_is():
    rows = frame(row("Q", []), row("Q", ""))

    assert list(dropped(LengthFilter(on="response", unit="characters", min=1), rows)) == ["r1"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"unit": "words"}, "sets no limit"),
        ({"unit": "words", "min": 40, "max": 3}, r"min \(40\) is above max \(3\)"),
        ({"unit": "words", "min": 1, "tokenizer": "o200k_base"}, "but words are counted"),
        ({"unit": "tokens", "min": 1, "tokenizer": "gpt2", "tokenizer_file": "t.json"}, "name two"),
        ({"unit": "words", "min": 1, "on": "asistant"}, "did you mean 'assistant'"),
        ({"unit": "words", "min": -1}, "greater than or equal to 0"),
    ],
)
def test_keys_that_contradict_one_another_are_refused_with_both_values(values, message):
    plugin, problems = build(LengthFilter, values)

    assert plugin is None
    assert len(problems) == 1
    assert re.search(message, problems[0].message)


def test_a_worker_makes_the_step_again_from_its_parameters():
    laws.rebuilds_from_its_parameters(LengthFilter(unit="words", on="user[-1]", min=1, max=9))
