"""Which rows a step or trainer is shown: the `where` and `data` tables of a recipe."""

from __future__ import annotations

from typing import Any

import polars as pl

from dataforge.core.schema import kind_of_row


def takes_part(frame: pl.DataFrame, where: dict[str, Any] | None) -> pl.Series:
    """Say of each row whether a clause takes it.

    Args:
        frame: Rows, schema `core.schema.ROW`.
        where: Keys `source`, `kind`, `split`, `license`, each a string or a list of strings; None takes all.

    Returns:
        A boolean for each row.
    """
    if not where:
        return pl.repeat(value=True, n=frame.height, eager=True)
    condition = pl.lit(value=True)
    for name, wanted in where.items():
        values = [wanted] if isinstance(wanted, str) else list(wanted)
        condition &= _COLUMNS[name].is_in(values)
    return frame.select(pl.repeat(value=True, n=pl.len()).alias("all") & condition)["all"].fill_null(value=False)


_COLUMNS: dict[str, pl.Expr] = {
    "source": pl.col("origin").struct.field("corpus"),
    "kind": kind_of_row(),
    "split": pl.col("split"),
    "license": pl.col("license"),
}
