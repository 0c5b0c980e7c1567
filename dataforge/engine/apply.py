"""The one place where a row leaves the flow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from dataforge.core.errors import InvariantError
from dataforge.core.schema import DROPS

_EXCERPT_CHARACTERS = 280

LEDGER: dict[str, pl.DataType | type[pl.DataType]] = {
    "row_id": pl.String,
    "corpus": pl.String,
    "split": pl.String,
    "reason": pl.String,
    "value": pl.Float64,
    "threshold": pl.Float64,
    "detail": pl.String,
    "because_of": pl.String,
    "excerpt": pl.String,
}


def check_drops(drops: pl.DataFrame, rows: int, reasons: Mapping[str, str], plugin: str) -> pl.DataFrame:
    """Hold a filter to its word.

    Args:
        drops: What `decide` gave.
        rows: How many rows it was shown.
        reasons: The reasons it declares.
        plugin: Its name, for messages.

    Returns:
        The drops in the columns of `core.schema.DROPS` and `stays`, sorted by index.

    Raises:
        InvariantError: A row dropped twice or one that is not there, or a reason that was not declared.
    """
    if "stays" not in drops.columns:
        drops = drops.with_columns(stays=pl.lit(value=False))
    missing = [pl.lit(None, dtype=kind).alias(name) for name, kind in DROPS.items() if name not in drops.columns]
    columns = {**DROPS, "stays": pl.Boolean}
    drops = drops.with_columns(missing).select(*columns).cast(columns).sort("index")  # pyright: ignore[reportArgumentType]
    if drops["index"].null_count() or drops["index"].n_unique() != drops.height:
        msg = f"{plugin} drops a row twice"
        raise InvariantError(msg)
    if drops.height and int(drops["index"][-1]) >= rows:
        msg = f"{plugin} drops row {drops['index'][-1]} of {rows}"
        raise InvariantError(msg)
    unknown = set(drops["reason"].unique().to_list()) - set(reasons)
    if unknown:
        msg = f"{plugin} gives reasons it does not declare: {sorted(map(str, unknown))}"
        raise InvariantError(msg)
    return drops


def apply_drops(frame: pl.DataFrame, shown: pl.Series, drops: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Take rows out.

    Args:
        frame: Rows still in the flow, schema `core.schema.ROW`.
        shown: Which of them the filter was shown (its `where`).
        drops: Checked drops; `index` counts the rows that were shown.

    Returns:
        Which rows of the frame stay, and the ledger lines of those that go.
    """
    places = shown.arg_true().gather(drops["index"])
    stays = np.ones(frame.height, dtype=np.bool_)
    stays[places.to_numpy()] = False
    gone = frame[places]
    ledger = gone.select(
        "row_id",
        corpus=pl.col("origin").struct.field("corpus"),
        split=pl.col("split"),
        excerpt=_excerpt(),
    ).hstack(drops.select("reason", "value", "threshold", "detail", "because_of"))
    return pl.Series("keep", stays), ledger.select(*LEDGER)


def _excerpt() -> pl.Expr:
    """The end of the prompt and the beginning of the best response: what a person needs to recognise a row."""
    asked = pl.col("prompt").list.last().struct.field("content").fill_null("")
    answered = (
        pl.col("responses").list.first().struct.field("messages").list.first().struct.field("content").fill_null("")
    )
    text = asked.str.slice(0, _EXCERPT_CHARACTERS // 2) + "\n→ " + answered.str.slice(0, _EXCERPT_CHARACTERS // 2)
    return text.alias("excerpt")
