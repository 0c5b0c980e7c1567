"""The step `exact_dedup`."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.params import build
from dataforge.core.schema import SPLITS
from dataforge.steps.exact_dedup import ExactDedup
from tests.steps import laws
from tests.steps.rows import DEAR, dropped, frame, frames, response, row

# Few texts, so that copies are common.
COPIES = frames(st.sampled_from(["", "a", "A ", "b"]), max_rows=8)
STEPS = st.builds(
    lambda on, loose, keep: ExactDedup(
        on=on, ignore_case=loose, ignore_whitespace=loose, keep=keep, source_order=("forum",) * (keep == "source_order")
    ),
    st.sampled_from(["row", "prompt", "user[0]", "response"]),
    st.booleans(),
    st.sampled_from(["first", "longest", "source_order"]),
)


@DEAR
@given(COPIES, st.integers(0, 8), STEPS)
def test_the_laws_of_corpus_filters_hold(rows, cut, step):
    keep = "longest" if step.keep == "first" else "first"
    moved = ExactDedup(on=step.on, ignore_case=step.ignore_case, ignore_whitespace=step.ignore_whitespace, keep=keep)

    laws.measures_each_row_by_itself(step, rows, cut)
    laws.drops_are_sound(step, rows)
    laws.moving_a_threshold_changes_no_evidence(step, moved, rows)


@DEAR
@given(COPIES, STEPS)
def test_each_key_keeps_one_row_and_the_best_split_of_its_copies(rows, step):
    gone = dropped(step, rows)

    keyed = rows.with_columns(step.measure(rows)).with_columns(stays=~pl.col("row_id").is_in(list(gone)))
    assert keyed.filter(pl.col("key").is_null())["stays"].all()
    for _, copies in keyed.drop_nulls("key").group_by("key"):
        (survivor,) = copies.filter("stays").iter_rows(named=True)
        assert SPLITS.index(survivor["split"]) == max(SPLITS.index(split) for split in copies["split"])
        assert {drop["because_of"] for name, drop in gone.items() if name in set(copies["row_id"])} <= {
            survivor["row_id"]
        }


@DEAR
@given(COPIES, st.randoms(use_true_random=False), st.sampled_from(["longest", "source_order"]))
def test_what_goes_does_not_depend_on_the_order_of_rows(rows, chance, keep):
    step = ExactDedup(on="prompt", keep=keep, source_order=("forum",) if keep == "source_order" else ())
    places = list(range(rows.height))
    chance.shuffle(places)

    assert dropped(step, rows[places]).keys() == dropped(step, rows).keys()


@DEAR
@given(COPIES, STEPS)
def test_deduplicating_twice_is_once(rows, step):
    left = rows.filter(~pl.col("row_id").is_in(list(dropped(step, rows))))

    assert dropped(step, left) == {}


def test_a_training_row_that_repeats_a_test_row_goes():
    rows = frame(row("Q"), row("Q", split="validation"), row("Q", split="test"), row("Q", split="test"))

    assert {name: drop["because_of"] for name, drop in dropped(ExactDedup(), rows).items()} == {
        "r0": "r2",
        "r1": "r2",
        "r3": "r2",
    }


def test_the_longest_copy_stays_and_equally_long_ones_are_told_apart_by_id():
    rows = frame(row("Q", "b", row_id="z"), row("Q", "long", row_id="y"), row("Q", "lang", row_id="x"))

    assert dropped(ExactDedup(on="prompt", keep="longest"), rows).keys() == {"z", "y"}


def test_the_better_source_stays():
    rows = frame(row("Q", corpus="web"), row("Q", corpus="forum"), row("Q", corpus="chat"))
    step = ExactDedup(keep="source_order", source_order=("chat", "forum"))

    assert {name: drop["because_of"] for name, drop in dropped(step, rows).items()} == {"r0": "r2", "r1": "r2"}


def test_a_pair_with_swapped_labels_is_no_copy():
    one = row("Q", [response("a"), response("b", rank=1)])
    swapped = row("Q", [response("b"), response("a", rank=1)])

    assert dropped(ExactDedup(on="row"), frame(one, swapped)) == {}
    assert dropped(ExactDedup(on="row"), frame(one, swapped, one)).keys() == {"r2"}


def test_rows_without_the_text_are_no_copies_of_one_another():
    assert dropped(ExactDedup(on="response"), frame(row("A", []), row("B", []), row("C", " "), row("D", " "))) == {}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"keep": "source_order"}, "keep is 'source_order' and source_order names 0"),
        ({"source_order": ["a"]}, "keep is 'first' and source_order names 1"),
        ({"keep": "source_order", "source_order": ["a", "a"]}, "names a source twice"),
    ],
)
def test_keys_that_contradict_one_another_are_refused(values, message):
    plugin, problems = build(ExactDedup, values)

    assert plugin is None
    assert re.search(message, problems[0].message)


def test_a_source_that_there_is_not_is_refused():
    step = ExactDedup(keep="source_order", source_order=("chat", "froum"))

    with pytest.raises(ValueError, match="names 'froum', but the sources are chat, forum"):
        step.check_sources(("chat", "forum"))
    assert step.check_sources(("chat", "froum", "web")) is None


def test_a_worker_makes_the_step_again_from_its_parameters():
    laws.rebuilds_from_its_parameters(
        ExactDedup(on="prompt", keep="source_order", source_order=("a", "b"), ignore_case=True)
    )
