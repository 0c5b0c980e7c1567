"""Rows of a build to look at: by split, source, stage or reason."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from dataforge.core.errors import RecipeError
from dataforge.core.fingerprint import unit_interval
from dataforge.core.registry import nearest
from dataforge.engine.past import Past


@dataclass(frozen=True, slots=True)
class Choice:
    """Which rows: every condition that is given must hold."""

    split: str | None = None
    source: str | None = None
    stage: str | None = None
    reason: str | None = None
    is_dropped: bool = False


def browse(past: Past, choice: Choice, limit: int, seed: int | None) -> tuple[pl.DataFrame, int]:
    """Choose rows.

    Args:
        past: The build.
        choice: Which rows.
        limit: How many at most.
        seed: Draws them; None takes the first in order.

    Returns:
        The rows, dropped ones with their ledger line, and how many there are in all.

    Raises:
        RecipeError: No stage, source or reason is called so; the nearest is named.
    """
    _check(past, choice)
    rows = _dropped(past, choice) if choice.is_dropped else _kept(past, choice)
    for name, wanted in (("split", choice.split), ("reason", choice.reason)):
        if wanted is not None:
            rows = rows.filter(pl.col(name) == wanted)
    if choice.source is not None:
        rows = rows.filter(pl.col("origin").struct.field("corpus") == choice.source)
    total = rows.height
    if seed is not None:
        draws = [unit_interval("show", str(seed), row_id) for row_id in rows["row_id"]]
        rows = rows.with_columns(draw=pl.Series(draws, dtype=pl.Float64)).sort("draw").drop("draw")
    return rows.head(limit), total


def _kept(past: Past, choice: Choice) -> pl.DataFrame:
    if choice.stage is None:
        return past.final()
    return pl.concat(list(past.rows([past.stage(choice.stage)])))


def _dropped(past: Past, choice: Choice) -> pl.DataFrame:
    drops = past.dropped().drop("split", "corpus", "excerpt")
    if choice.stage is not None:
        drops = drops.filter(pl.col("stage") == choice.stage)
    frames = [frame.join(drops, on="row_id", how="inner") for frame in past.rows(past.sources())]
    return pl.concat(frames)


def _check(past: Past, choice: Choice) -> None:
    if choice.stage is not None:
        past.stage(choice.stage)
    sources = [stage["name"] for stage in past.sources()]
    if choice.source is not None and choice.source not in sources:
        _unknown("source", choice.source, sources)
    reasons = sorted({reason for stage in past.stages for reason in stage["dropped"]})
    if choice.reason is not None and choice.reason not in reasons:
        _unknown("reason", choice.reason, reasons)


def _unknown(what: str, called: str, known: list[str]) -> None:
    near = nearest(called, known)
    fix = f"did you mean '{near}'?" if near else f"there are {', '.join(known) or 'none'}"
    raise RecipeError(f"the build has no {what} '{called}'", fix=fix)
