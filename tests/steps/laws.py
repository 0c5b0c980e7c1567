"""What every step keeps, whatever it does. A test of a step calls these with frames that hypothesis draws."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import polars as pl

from dataforge.core.params import build, params_of, threshold_names
from dataforge.core.schema import DROPS
from tests.steps.rows import evidence

FIXED = ["row_id", "group_id", "split", "origin"]


def measures_each_row_by_itself(step: Any, rows: pl.DataFrame, cut: int) -> None:
    """The evidence of a whole is the evidence of its parts, so shards may be cut anywhere."""
    parts = [step.measure(rows[:cut]), step.measure(rows[cut:])]

    whole = step.measure(rows)

    assert whole.height == rows.height
    assert pl.concat(parts).equals(whole)


def moving_a_threshold_changes_no_evidence(step: Any, moved: Any, rows: pl.DataFrame) -> None:
    """Two steps that differ in thresholds alone measure the same."""
    differing = {each.name for each in fields(step) if getattr(step, each.name) != getattr(moved, each.name)}
    assert differing, "the two steps must differ, or the law says nothing"
    assert differing <= threshold_names(type(step))
    assert step.measure(rows).equals(moved.measure(rows))


def drops_are_sound(step: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """A row is dropped at most once, for a reason that is declared, in favour of a row that stays."""
    is_corpus_wide = getattr(step, "is_corpus_wide", False)

    drops = step.decide(evidence(step, rows) if is_corpus_wide else step.measure(rows))

    assert drops.schema == pl.Schema(DROPS)
    assert drops["index"].n_unique() == drops.height
    assert set(drops["reason"]) <= set(step.reasons)
    assert drops.filter(pl.col("index") >= rows.height).is_empty()
    stays = set(rows["row_id"]) - set(rows["row_id"].gather(drops["index"]))
    assert set(drops["because_of"].drop_nulls()) <= stays
    return drops


def decides_each_row_by_itself(step: Any, rows: pl.DataFrame, cut: int) -> None:
    """A plain filter drops from a part what it drops from the whole: it may not look at the neighbours."""
    whole = step.decide(step.measure(rows))
    first, second = (step.decide(step.measure(part)) for part in (rows[:cut], rows[cut:]))

    shifted = second.with_columns((pl.col("index") + min(cut, rows.height)).cast(pl.UInt32))
    assert pl.concat([first, shifted]).sort("index").equals(whole.sort("index"))


def keeps_ids_and_order(mapper: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """A mapper gives the same rows in the same order, in the same columns."""
    after = mapper.rewrite(rows)

    assert after.schema == rows.schema
    assert after.select(FIXED).equals(rows.select(FIXED))
    return after


def twice_is_once(mapper: Any, rows: pl.DataFrame) -> None:
    """What was rewritten is not rewritten again."""
    once = mapper.rewrite(rows)

    assert mapper.rewrite(once).equals(once)


def rebuilds_from_its_parameters(step: Any) -> None:
    """A worker makes the step again from JSON values."""
    again, problems = build(type(step), params_of(step))

    assert problems == []
    assert again == step
