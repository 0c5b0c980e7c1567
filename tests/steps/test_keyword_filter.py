"""The step `keyword_filter`."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import RecipeError
from dataforge.core.params import build
from dataforge.steps.keyword_filter import KeywordFilter
from tests.steps import laws
from tests.steps.rows import DEAR, dropped, frame_of, frames

STEPS = st.builds(
    KeywordFilter,
    words=st.lists(st.text(st.sampled_from("abé1"), min_size=1, max_size=2), min_size=1, max_size=3).map(tuple),
    regex=st.booleans(),
    whole_words=st.booleans(),
    ignore_case=st.booleans(),
    on=st.sampled_from(["conversation", "assistant[-1]"]),
)


@DEAR
@given(frames(), st.integers(0, 6), STEPS)
def test_the_laws_of_filters_hold(rows, cut, step):
    other_way = KeywordFilter(
        words=step.words,
        regex=step.regex,
        whole_words=step.whole_words,
        ignore_case=step.ignore_case,
        on=step.on,
        action="keep",
    )

    laws.measures_each_row_by_itself(step, rows, cut)
    laws.decides_each_row_by_itself(step, rows, cut)
    laws.drops_are_sound(step, rows)
    laws.moving_a_threshold_changes_no_evidence(step, other_way, rows)
    assert dropped(step, rows).keys() ^ dropped(other_way, rows).keys() == set(rows["row_id"])


def test_a_drop_shows_the_word_as_it_stands_in_the_text():
    gone = dropped(KeywordFilter(words=("as an ai",)), frame_of("AS AN AI, I…", "as an aide"))

    assert {name: (drop["reason"], drop["detail"]) for name, drop in gone.items()} == {"r0": ("keyword", "AS AN AI")}


def test_keeping_drops_the_rows_without_a_word():
    gone = dropped(KeywordFilter(words=("beer", "ale"), action="keep"), frame_of("An ale.", "Water"))

    assert {name: drop["reason"] for name, drop in gone.items()} == {"r1": "no-keyword"}


def test_words_of_files_are_added_to_those_of_the_recipe(tmp_path):
    (tmp_path / "a.txt").write_text("# drinks\nbeer\n")
    (tmp_path / "b.txt").write_text("ale\n")
    files = (str(tmp_path / "a.txt"), str(tmp_path / "b.txt"))

    gone = dropped(KeywordFilter(words=("wine",), word_list=files), frame_of("beer", "ale", "wine", "drinks"))

    assert sorted(gone) == ["r0", "r1", "r2"]
    assert dropped(KeywordFilter(word_list=files[0]), frame_of("beer", "ale")).keys() == {"r0"}


def test_a_bad_pattern_of_a_file_is_named_with_its_line(tmp_path):
    (tmp_path / "a.txt").write_text("fine\nnot(fine\n")

    with pytest.raises(RecipeError, match=r"'not\(fine' is no regular expression") as told:
        KeywordFilter(word_list=str(tmp_path / "a.txt"), regex=True).measure(frame_of("a"))

    assert told.value.where.line == 2


def test_a_file_is_known_to_the_engine_as_one():
    assert KeywordFilter.path_fields == ("word_list",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "names no words"),
        ({"words": ["a", " "]}, "is blank"),
        ({"words": ["a", "b(?=c)"], "regex": True}, r"'b\(\?=c\)' is no regular expression.*look-around"),
    ],
)
def test_keys_that_cannot_work_are_refused(values, message):
    plugin, problems = build(KeywordFilter, values)

    assert plugin is None
    assert re.search(message, problems[0].message)


def test_a_worker_makes_the_step_again_from_its_parameters():
    laws.rebuilds_from_its_parameters(KeywordFilter(words=("a",), word_list=("b.txt", "c.txt"), action="keep"))
