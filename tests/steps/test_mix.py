"""The step `mix`."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import RecipeError
from dataforge.core.params import build
from dataforge.steps.mix import Mix
from tests.steps import laws
from tests.steps.rows import DEAR, dropped, frame, frames, row

SOURCES = ("chat", "forum")
ROWS = frames(st.just("a"), max_rows=12)
WEIGHTS = st.fixed_dictionaries({name: st.floats(0.1, 9) for name in SOURCES})
STEPS = st.builds(
    Mix,
    max_rows=st.integers(1, 12),
    weights=st.one_of(st.just({}), WEIGHTS),
    max_per_group=st.one_of(st.none(), st.integers(1, 4)),
    seed=st.integers(0, 3),
)


def kept(step: Mix, rows: pl.DataFrame) -> pl.DataFrame:
    return rows.filter(~pl.col("row_id").is_in(list(dropped(step, rows))))


def by_source(rows: pl.DataFrame) -> Counter[str]:
    return Counter(rows["origin"].struct.field("corpus"))


def corpus(**sizes: int) -> pl.DataFrame:
    return frame(
        *(row("Q", corpus=name, row_id=f"{name}{place}") for name, size in sizes.items() for place in range(size))
    )


@DEAR
@given(ROWS, st.integers(0, 12), STEPS)
def test_the_laws_of_corpus_filters_hold(rows, cut, step):
    moved = Mix(max_rows=13, seed=step.seed)

    laws.measures_each_row_by_itself(step, rows, cut)
    laws.drops_are_sound(step, rows)
    laws.moving_a_threshold_changes_no_evidence(step, moved, rows)


@DEAR
@given(ROWS, STEPS, st.integers(0, 5))
def test_a_smaller_mix_is_a_part_of_a_larger_one(rows, step, more):
    larger = Mix(max_rows=step.max_rows + more, weights=step.weights, max_per_group=step.max_per_group, seed=step.seed)

    assert set(kept(step, rows)["row_id"]) <= set(kept(larger, rows)["row_id"])


@DEAR
@given(ROWS, STEPS, st.randoms(use_true_random=False))
def test_what_stays_does_not_depend_on_the_order_of_rows(rows, step, chance):
    places = list(range(rows.height))
    chance.shuffle(places)

    assert set(kept(step, rows[places])["row_id"]) == set(kept(step, rows)["row_id"])


@DEAR
@given(ROWS, STEPS)
def test_no_cap_is_passed(rows, step):
    left = kept(step, rows)

    assert left.height <= step.max_rows
    if step.max_per_group is not None:
        assert all(count <= step.max_per_group for count in Counter(left["group_id"]).values())


@DEAR
@given(st.integers(1, 30), st.integers(1, 30), WEIGHTS)
def test_shares_follow_the_weights_and_the_scarcest_source_stays_whole(chat, forum, weights):
    left = by_source(kept(Mix(weights=weights), corpus(chat=chat, forum=forum)))

    scale = min(chat / weights["chat"], forum / weights["forum"])
    for name, size in (("chat", chat), ("forum", forum)):
        assert left[name] <= size
        # Whole rows only: each share is rounded down.
        assert scale * weights[name] - 1 - 1e-9 < left[name] <= scale * weights[name] + 1e-9
    assert left["chat"] == chat or left["forum"] == forum


def test_a_cap_keeps_the_shares():
    rows = corpus(chat=100, forum=100, web=100)

    left = kept(Mix(weights={"chat": 3, "forum": 2, "web": 1}, max_rows=60), rows)

    assert by_source(left) == {"chat": 30, "forum": 20, "web": 10}


def test_another_seed_keeps_other_rows():
    rows = corpus(chat=50)

    assert set(kept(Mix(max_rows=25), rows)["row_id"]) != set(kept(Mix(max_rows=25, seed=1), rows)["row_id"])


def test_a_drop_says_its_place_and_the_cap():
    rows = frame(*(row("Q", group_id="thread") for _ in range(3)))

    gone = list(dropped(Mix(max_per_group=2), rows).values())

    assert [(drop["reason"], drop["value"], drop["threshold"], drop["detail"]) for drop in gone] == [
        ("not-sampled", 3, 2, "place in its group")
    ]


def test_the_draw_is_the_same_on_every_machine():
    # The first eight bytes of what `printf 0:r0 | sha256sum` prints.
    assert [f"{draw:x}" for draw in Mix(max_rows=1).measure(frame(row()))["draw"]] == ["398b6e76d52df979"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({}, "sets no limit"),
        ({"weights": {"chat": 0}}, "greater than 0"),
        ({"max_rows": 0}, "greater than or equal to 1"),
        ({"max_rows": 0.5}, "valid integer"),
    ],
)
def test_caps_that_cannot_be_are_refused(values, message):
    plugin, problems = build(Mix, values)

    assert plugin is None
    assert re.search(message, problems[0].message)


def test_weights_and_sources_must_be_the_same():
    step = Mix(weights={"chat": 1, "forum": 2})

    with pytest.raises(ValueError, match="name 'forum', but the sources are chat, web"):
        step.check_sources(("chat", "web"))
    with pytest.raises(ValueError, match="no share of 'web'"):
        step.check_sources(("chat", "forum", "web"))
    with pytest.raises(RecipeError, match="no share of 'web', which has rows"):
        dropped(step, corpus(chat=1, web=1))
    assert step.check_sources(SOURCES) is None


def test_a_worker_makes_the_step_again_from_its_parameters():
    laws.rebuilds_from_its_parameters(Mix(max_rows=9, weights={"a": 1.5, "b": 1}, seed=3))
