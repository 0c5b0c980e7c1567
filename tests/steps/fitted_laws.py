"""What every fitted filter keeps. A test of such a step calls these with frames that hypothesis draws."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import polars as pl

from dataforge.core.params import threshold_names
from dataforge.core.schema import DROPS


def fitted(step: Any, *parts: pl.DataFrame) -> pl.DataFrame:
    """Fit a step to parts of a corpus as the engine does: reference rows stand in the first of them."""
    return step.fit(iter([step.collect(part) for part in parts]))


def decided(step: Any, rows: pl.DataFrame, *before: pl.DataFrame) -> pl.DataFrame:
    """Run a step on one part; its drops and findings, with the id of each row.

    Args:
        step: The step.
        rows: The part that is decided on.
        *before: Parts that it is fitted to as well, such as reference rows.
    """
    found = step.decide(step.measure(rows, fitted(step, *before, rows)))
    return found.with_columns(row_id=rows["row_id"].gather(found["index"]))


def fits_the_corpus_and_not_its_parts(step: Any, rows: pl.DataFrame, cut: int) -> None:
    """What is fitted is the same however the corpus is cut into parts."""
    assert fitted(step, rows[:cut], rows[cut:]).equals(fitted(step, rows))


def measures_each_row_by_itself(step: Any, rows: pl.DataFrame, cut: int) -> None:
    """The evidence of a whole is the evidence of its parts, so shards may be cut anywhere."""
    index = fitted(step, rows)

    whole = step.measure(rows, index)

    assert whole.height == rows.height
    assert pl.concat([step.measure(rows[:cut], index), step.measure(rows[cut:], index)]).equals(whole)


def moving_a_threshold_changes_no_evidence(step: Any, moved: Any, rows: pl.DataFrame) -> None:
    """Two steps that differ in thresholds alone collect, fit and measure the same."""
    differing = {each.name for each in fields(step) if getattr(step, each.name) != getattr(moved, each.name)}
    assert differing, "the two steps must differ, or the law says nothing"
    assert differing <= threshold_names(type(step))
    assert step.collect(rows).equals(moved.collect(rows))
    index = fitted(step, rows)
    assert index.equals(fitted(moved, rows))
    assert step.measure(rows, index).equals(moved.measure(rows, index))


def decides_each_row_by_itself(step: Any, rows: pl.DataFrame, cut: int) -> None:
    """A part loses what it loses as a part of the whole."""
    evidence = step.measure(rows, fitted(step, rows))
    whole, first, second = (step.decide(part) for part in (evidence, evidence[:cut], evidence[cut:]))

    shifted = second.with_columns((pl.col("index") + min(cut, rows.height)).cast(pl.UInt32))
    assert pl.concat([first, shifted]).sort("index", maintain_order=True).equals(whole)


def drops_are_sound(step: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """A row is dropped at most once, for a declared reason, because of a row that stays; a finding drops nothing."""
    found = decided(step, rows)
    is_finding = found["stays"] if "stays" in found.columns else pl.repeat(False, found.height, eager=True)

    drops = found.filter(~is_finding)

    assert {name: found.schema[name] for name in DROPS} == DROPS
    assert drops["index"].n_unique() == drops.height
    assert found.filter(pl.col("index") >= rows.height).is_empty()
    assert set(found["reason"]) <= set(step.reasons)
    assert set(found["because_of"].drop_nulls()) <= set(rows["row_id"]) - set(drops["row_id"])
    return found
