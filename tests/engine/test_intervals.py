"""Numbers from lines: ratios of sums, intervals that cover, pairs that stay pairs."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl
import pytest

from dataforge.engine.intervals import Measured, compare, results_of


@dataclass(frozen=True)
class Ratio:
    """A metric for these tests: a sum over a sum."""

    version: ClassVar[int] = 1

    def summarize(self, sums):
        return {"ratio": sums["top"] / sums["bottom"], "count": sums["n"]}


def measured(top, bottom, unscored=None, model="m"):
    lines = pl.DataFrame(
        {"unscored": unscored or [None] * len(top), "top": top, "bottom": bottom},
        schema={"unscored": pl.String, "top": pl.Float64, "bottom": pl.Int64},
    )
    return Measured("ratio", Ratio(), model, lines, "digest", "how")


def test_the_value_is_the_ratio_of_sums_and_not_the_mean_of_ratios():
    found, _ = results_of(measured([1.0, 9.0], [1, 3]), seed=1)

    assert found[0]["metric"] == "ratio.ratio"
    assert found[0]["value"] == 2.5
    assert found[0]["detail"] == {"top": 10.0, "bottom": 4.0}


def test_what_is_unscored_is_counted_by_reason_and_adds_nothing():
    found, _ = results_of(measured([1.0, None, None], [1, None, None], [None, "empty", "empty"]), seed=1)

    assert found[0]["n"] == 1
    assert found[0]["unscored"] == {"empty": 2}
    assert found[0]["value"] == 1.0
    assert found[0]["low"] is None


def test_nothing_scored_is_no_number():
    found, _ = results_of(measured([None], [None], ["empty"]), seed=1)

    assert (found[0]["value"], found[0]["low"], found[0]["n"]) == (None, None, 0)


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    rng = np.random.default_rng(7)
    covered = 0
    for seed in range(100):
        bottom = rng.integers(1, 9, 80)
        found, _ = results_of(measured((rng.normal(2.0, 1.0, 80) * bottom).tolist(), bottom.tolist()), seed)
        covered += found[0]["low"] <= 2.0 <= found[0]["high"]

    # 95 of 100; 3 standard deviations are 6.5, and the percentile bootstrap is a little short at n = 80.
    assert 86 <= covered <= 99


def test_the_same_seed_gives_the_same_interval():
    lines = measured([float(place**2) for place in range(30)], [1, 2] * 15)

    assert results_of(lines, 3)[0] == results_of(lines, 3)[0]
    assert results_of(lines, 3)[0] != results_of(lines, 4)[0]


def test_two_models_are_compared_row_by_row():
    rng = np.random.default_rng(1)
    hard = rng.normal(0, 100, 60)
    found, spread = results_of(measured((hard + 1).tolist(), [1] * 60, model="a"), 5)
    _, other = results_of(measured(hard.tolist(), [1] * 60, model="b"), 5)

    compare(found, spread, "b", other)

    assert found[0]["high"] - found[0]["low"] > 10
    assert found[0]["versus"]["low"] == pytest.approx(1.0)
    assert found[0]["versus"]["high"] == pytest.approx(1.0)


def test_models_scored_on_different_rows_are_not_compared():
    found, spread = results_of(measured([1.0, 2.0, None], [1, 1, None], [None, None, "empty"]), 5)
    _, other = results_of(measured([1.0, 2.0, 3.0], [1, 1, 1]), 5)

    compare(found, spread, "b", other)

    assert "versus" not in found[0]
