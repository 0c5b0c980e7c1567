"""Bands."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.bands import Banding, choose_banding, pairs_of_bands


@given(st.floats(0.2, 1), st.floats(0.5, 0.999), st.sampled_from([64, 128, 256]))
def test_the_bands_reach_the_recall_and_one_minimum_more_would_not(threshold, recall, permutations):
    chosen = choose_banding(threshold, recall, permutations)

    assert chosen.bands * chosen.rows <= permutations
    assert chosen.predicted_recall(threshold) >= recall
    if chosen.rows < permutations:
        longer = Banding(permutations // (chosen.rows + 1), chosen.rows + 1)
        assert longer.predicted_recall(threshold) < recall


def test_the_curve_is_that_of_the_table():
    """Recall of datatrove's 14 x 8 at Jaccard .7 and .8, as others measured it."""
    assert Banding(14, 8).predicted_recall(0.7) == pytest.approx(0.565, abs=5e-4)
    assert Banding(14, 8).predicted_recall(0.8) == pytest.approx(0.924, abs=5e-4)


def test_a_recall_that_cannot_be_had_is_refused_with_what_would_do():
    with pytest.raises(ValueError, match=r"16 permutations find 14\.9% .* take permutations = 459"):
        choose_banding(0.01, 0.99, 16)


def test_planted_signatures_are_found_as_often_as_predicted():
    rng = np.random.default_rng(3)
    banding = Banding(21, 6)
    one = rng.integers(0, 1 << 32, (126, 4000), dtype=np.uint32)
    agree = rng.random(one.shape) < 0.7
    other = np.where(agree, one, rng.integers(0, 1 << 32, one.shape, dtype=np.uint32))
    minima = np.concatenate([one, other], axis=1)
    bands = [pl.DataFrame({f"m{row}": minima[band * 6 + row] for row in range(6)}) for band in range(banding.bands)]

    pairs, left_out = pairs_of_bands(bands, pl.Series(np.arange(8000, dtype=np.uint64)))

    predicted = banding.predicted_recall(0.7)
    assert left_out == 0
    assert (pairs["right"] - pairs["left"] == 4000).all()
    assert pairs.height / 4000 == pytest.approx(predicted, abs=4 * (predicted * (1 - predicted) / 4000) ** 0.5)


@given(st.lists(st.integers(0, 3), max_size=30))
def test_all_rows_of_a_small_key_are_paired_once(keys):
    band = pl.DataFrame({"m0": np.array(keys, dtype=np.uint32)})

    pairs, left_out = pairs_of_bands([band, band], pl.Series(np.arange(len(keys), dtype=np.uint64)))

    expected = {(i, j) for j in range(len(keys)) for i in range(j) if keys[i] == keys[j]}
    assert set(pairs.iter_rows()) == expected
    assert pairs.height == len(expected)
    assert left_out == 0


def test_a_crowd_is_compared_with_its_first_rows_and_the_rest_is_counted():
    rows = 5000
    band = pl.DataFrame({"m0": np.zeros(rows, dtype=np.uint32)})

    pairs, left_out = pairs_of_bands([band], pl.Series(np.arange(rows, dtype=np.uint64)))

    assert pairs["left"].max() == 15
    assert pairs["right"].n_unique() == rows - 1
    assert pairs.height + left_out == rows * (rows - 1) // 2


def test_rows_that_say_the_same_are_proposed_once():
    band = pl.DataFrame({"m0": np.zeros(100_000, dtype=np.uint32)})

    pairs, left_out = pairs_of_bands([band], pl.Series(np.repeat([7, 8], 50_000).astype(np.uint64)))

    assert pairs.rows() == [(0, 50_000)]
    assert left_out == 0
