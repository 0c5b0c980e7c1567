"""What every pair filter keeps, and how a test runs one on whole rows as the engine does."""

from __future__ import annotations

from typing import Any

import polars as pl

from dataforge.core.schema import DROPS
from tests.steps.rows import evidence


def decided(step: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """Propose, verify and decide; because_of as row ids."""
    everything = evidence(step, rows)
    proposed = [step.propose(everything.select(columns), share).pairs for share, columns in enumerate(step.shares())]
    pairs = pl.concat(proposed).unique().sort("left", "right")
    verified = pairs.hstack(step.verify(pairs, rows))
    known = everything.with_columns(best=pl.lit(None, dtype=pl.Float64)).select(step.decides_on)
    drops = step.decide(known, verified)
    ids = rows["row_id"].gather(drops["because_of"].cast(pl.UInt32))
    return drops.with_columns(because_of=ids)


def drops_are_sound(step: Any, rows: pl.DataFrame) -> pl.DataFrame:
    """A row goes at most once, for a declared reason, in favour of a row that stays."""
    drops = decided(step, rows)

    assert set(DROPS) <= set(drops.columns)
    assert drops["index"].n_unique() == drops.height
    assert set(drops["reason"]) <= set(step.reasons)
    gone = drops.filter(~pl.col("stays"))
    stays = set(rows["row_id"]) - set(rows["row_id"].gather(gone["index"]))
    assert set(gone["because_of"]) <= stays
    return gone


def twice_is_once(step: Any, rows: pl.DataFrame) -> None:
    """What is left loses nothing more."""
    gone = decided(step, rows).filter(~pl.col("stays"))
    left = rows.with_row_index("index").filter(~pl.col("index").is_in(gone["index"].implode())).drop("index")

    assert decided(step, left).filter(~pl.col("stays")).is_empty()
