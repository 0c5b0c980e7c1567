"""The step `minhash_dedup`."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.params import build
from dataforge.steps.minhash_dedup import MinhashDedup
from dataforge.text.select import joined
from dataforge.text.shingles import shingle_hashes
from tests.steps import laws, pair_laws
from tests.steps.rows import DEAR, frame, frame_of, frames, real_pairs, response, row

SENTENCE = [
    "the",
    "quick",
    "brown",
    "fox",
    "jumps",
    "over",
    "the",
    "lazy",
    "dog",
    "and",
    "then",
    "it",
    "runs",
    "home",
    "to",
    "sleep",
    "for",
    "a",
    "very",
    "long",
    "time",
]

# Sentences that share most of their words, so that near-duplicates and chains of them are common.
NEAR = st.builds(
    lambda cut, word: " ".join([*SENTENCE[:cut], *([word] if word else []), *SENTENCE[cut:]]),
    st.integers(0, len(SENTENCE)),
    st.sampled_from(["", "", "and", "also"]),
)
ROWS = frames(NEAR, max_rows=6)
STEPS = st.builds(
    MinhashDedup,
    on=st.sampled_from(["row", "prompt", "conversation"]),
    shingle_words=st.integers(1, 4),
    permutations=st.just(32),
    threshold=st.sampled_from([0.5, 0.8, 1.0]),
    recall=st.just(0.9),
    keep=st.sampled_from(["first", "longest"]),
)


@DEAR
@given(ROWS, st.integers(0, 6), STEPS)
def test_the_laws_of_pair_filters_hold(rows, cut, step):
    laws.measures_each_row_by_itself(step, rows, cut)
    laws.rebuilds_from_its_parameters(step)
    pair_laws.drops_are_sound(step, rows)
    pair_laws.twice_is_once(step, rows)
    moved = MinhashDedup(on=step.on, shingle_words=step.shingle_words, permutations=32, threshold=0.6)
    laws.moving_a_threshold_changes_no_evidence(step, moved, rows)


@DEAR
@given(ROWS, STEPS)
def test_each_drop_has_the_jaccard_it_says_with_the_row_it_names(rows, step):
    gone = pair_laws.drops_are_sound(step, rows)

    texts = dict(zip(rows["row_id"], joined(rows, step.on), strict=True))
    for index, winner, value in gone.select("index", "because_of", "value").iter_rows():
        one = set(shingle_hashes(texts[rows["row_id"][index]], step.shingle_words))
        other = set(shingle_hashes(texts[winner], step.shingle_words))
        assert value == len(one & other) / len(one | other)
        assert value >= step.threshold


def test_short_prompts_are_duplicates_only_of_themselves():
    rows = frame_of("Hi", "hi ", "Ho", "How do I learn C?", "How do I learn C++?")

    gone = pair_laws.drops_are_sound(MinhashDedup(on="prompt"), rows)

    assert gone.select("index", "because_of").rows() == [(1, "r0")]


def test_a_preference_row_stays_though_chosen_resembles_rejected():
    text = " ".join(SENTENCE)
    rows = frame(row("Tell me.", [response(text), response(text + " again", rank=1)]))

    assert pair_laws.drops_are_sound(MinhashDedup(), rows).is_empty()


@pytest.mark.parametrize("on", ["row", "prompt", "conversation"])
def test_a_pair_with_its_labels_swapped_is_noted_and_not_dropped(on):
    good, bad = " ".join(SENTENCE), " ".join(reversed(SENTENCE))
    rows = frame(
        row("Tell me a story about the fox.", [response(good), response(bad, rank=1)]),
        row("Tell me a story about the fox.", [response(bad), response(good, rank=1)]),
    )

    drops = pair_laws.decided(MinhashDedup(on=on), rows)

    assert drops.select("index", "reason", "because_of", "stays").rows() == [(1, "flipped-pair", "r0", True)]


def test_a_swapped_pair_on_another_split_goes_from_training():
    good, bad = (
        " ".join([f"{word}{turn}" for turn in range(5) for word in SENTENCE]),
        " ".join(f"{word}x{turn}" for turn in range(5) for word in SENTENCE),
    )
    rows = frame(
        row("Tell me.", [response(good), response(bad, rank=1)]),
        row("Tell me.", [response(bad), response(good, rank=1)], split="test"),
    )

    gone = pair_laws.drops_are_sound(MinhashDedup(), rows)

    assert gone.select("index", "because_of").rows() == [(0, "r1")]


def test_report_notes_what_drop_would_drop():
    rows = frame_of("Hi", "hi")

    noted = pair_laws.decided(MinhashDedup(on="prompt", action="report"), rows)

    assert noted["stays"].to_list() == [True]


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"threshold": 0}, "greater than 0"),
        ({"threshold": 1.5}, "less than or equal to 1"),
        ({"shingle_words": 0}, "greater than or equal to 1"),
        ({"recall": 1}, "less than 1"),
        ({"threshold": 0.01}, "take permutations = 459"),
        ({"keep": "worst"}, "best:STEP.COLUMN"),
    ],
)
def test_values_that_mean_nothing_are_refused(values, problem):
    made, problems = build(MinhashDedup, values)

    assert made is None
    assert problem in problems[0].message


def test_a_threshold_of_one_takes_equal_sets_of_shingles():
    long = " ".join(SENTENCE)
    rows = frame_of(long, long.upper(), long + " now")

    gone = pair_laws.drops_are_sound(MinhashDedup(on="prompt", threshold=1), rows)

    assert gone["index"].to_list() == [1]


def test_odd_texts_are_measured():
    rows = frame_of("", " ", "?", "word", "x" * 100_000, "漢字" * 3000)

    gone = pair_laws.drops_are_sound(MinhashDedup(on="prompt"), rows)

    assert gone["index"].to_list() == [1]


def test_real_preference_pairs_keep_their_distinct_rows():
    rows = real_pairs()

    gone = pair_laws.drops_are_sound(MinhashDedup(), rows)

    assert gone.height < rows.height / 10
    assert pl.Series(gone["value"]).min() is None or gone["value"].min() >= 0.8
