"""From the lines of a metric to its numbers: value, interval, n, what was not scored, and against the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from dataforge.core.seeds import generator

RESAMPLINGS = 1_000
_LOW, _HIGH = 0.025, 0.975

Numbers = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class Measured:
    """What a metric said of a model.

    Args:
        metric: The metric's name in the recipe.
        plugin: The metric.
        model: The model's name in the recipe.
        lines: One line a sample: `unscored`, and columns of numbers.
        digest: Names the stored lines.
        signature: How they were made.
    """

    metric: str
    plugin: Any
    model: str
    lines: pl.DataFrame
    digest: str
    signature: str


@dataclass(frozen=True, slots=True)
class Spread:
    """How a model's numbers vary over resampled samples.

    Args:
        numbers: By metric, the value of each resampling.
        is_scored: Which samples they rest on.
    """

    numbers: Mapping[str, Numbers]
    is_scored: np.ndarray[Any, np.dtype[np.bool_]]


def results_of(measured: Measured, seed: int) -> tuple[list[dict[str, Any]], Spread]:
    """Sum up the lines: each number with its interval, its n and what was not scored.

    Intervals are percentiles of a bootstrap over samples. The same seed draws the same samples for every model, so that
    two models are compared pair by pair.
    """
    lines = measured.lines
    is_scored = lines["unscored"].is_null().to_numpy()
    columns = [name for name, kind in lines.schema.items() if kind.is_numeric()]
    table = lines.select(columns).fill_null(0).cast(pl.Float64).to_numpy()
    table = np.column_stack([table, np.ones(len(table))]) * is_scored[:, None]
    draws = generator(seed, "bootstrap").multinomial(len(table), np.full(len(table), 1 / len(table)), RESAMPLINGS)
    names = [*columns, "n"]
    # A resampling may hold nothing that was scored; a number that is none is left out of the interval.
    with np.errstate(divide="ignore", invalid="ignore"):
        exact = measured.plugin.summarize(dict(zip(names, table.sum(axis=0)[:, None], strict=True)))
        spread = measured.plugin.summarize(dict(zip(names, (draws @ table).T, strict=True)))
    n = int(is_scored.sum())
    common = {
        "model": measured.model,
        "n": n,
        "unscored": dict(sorted(lines["unscored"].drop_nulls().value_counts().iter_rows())),
        "signature": measured.signature,
        "detail": {name: _number(value) for name, value in zip(columns, table.sum(axis=0), strict=False)},
    }
    found = [
        {**common, "metric": f"{measured.metric}.{name}", "value": _number(values[0]), **_interval(spread[name], n)}
        for name, values in exact.items()
    ]
    return found, Spread({f"{measured.metric}.{name}": values for name, values in spread.items()}, is_scored)


def compare(found: list[dict[str, Any]], spread: Spread, baseline: str, other: Spread) -> None:
    """Add to each result the interval of its difference from the baseline, over the same resampled samples.

    Where the two models were not scored on the same samples, a difference would compare samples too: it is left out.
    """
    if not np.array_equal(spread.is_scored, other.is_scored):
        return
    for result in found:
        difference = spread.numbers[result["metric"]] - other.numbers[result["metric"]]
        result["versus"] = {"baseline": baseline, **_interval(difference, result["n"])}


def _interval(values: Numbers, n: int) -> dict[str, float | None]:
    known = values[np.isfinite(values)]
    if n < 2 or not known.size:
        return {"low": None, "high": None}
    low, high = np.quantile(known, [_LOW, _HIGH])
    return {"low": _number(low), "high": _number(high)}


def _number(value: Any) -> float | None:
    number = float(value)
    return number if math.isfinite(number) else None
