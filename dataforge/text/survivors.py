"""Which of the rows that resemble one another stays: one rule for every kind of duplicate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

import polars as pl
from pydantic import AfterValidator

from dataforge.core.schema import SPLITS

REFERENCE = "reference"

_BEST = re.compile(r"best:([^.\s]+)\.(\S+)")


def _checked(keep: str) -> str:
    if keep not in {"first", "longest", "source_order"} and not _BEST.fullmatch(keep):
        msg = f"'{keep}' says of no row that it stays: write first, longest, source_order, or best:STEP.COLUMN"
        raise ValueError(msg)
    return keep


# The type of a plugin's field `keep`.
Keep = Annotated[str, AfterValidator(_checked)]
KEEP_DESCRIPTION = (
    "which row stays: the first, the longest (in characters), by source_order, or the best:STEP.COLUMN, the one with"
    " the highest evidence of an earlier filter"
)


def evidence_wanted(keep: str) -> tuple[str, str] | None:
    """Give step and column of the evidence that `keep` compares, if it compares any."""
    match = _BEST.fullmatch(keep)
    return (match[1], match[2]) if match else None


def check_order(keep: str, source_order: Sequence[str]) -> None:
    """Refuse a `keep` and a `source_order` that do not fit each other (ValueError)."""
    if (keep == "source_order") != bool(source_order):
        msg = f"keep is '{keep}' and source_order names {len(source_order)} sources: give both or neither"
        raise ValueError(msg)
    if len(set(source_order)) < len(source_order):
        msg = f"source_order names a source twice: {', '.join(source_order)}"
        raise ValueError(msg)


def check_named(source_order: Sequence[str], sources: Sequence[str]) -> None:
    """Refuse a `source_order` that names a source which there is not (ValueError)."""
    unknown = [name for name in source_order if name not in sources]
    if unknown:
        msg = f"source_order names '{unknown[0]}', but the sources are {', '.join(sources)}"
        raise ValueError(msg)


def best_first(keep: str, source_order: Sequence[str]) -> tuple[pl.Expr, ...]:
    """Say how rows stand, the one to keep first; no two stand alike.

    References come first, then test rows, validation rows and training rows, so that a training row which repeats a
    test row goes. Within a split `keep` decides, and at last the place in the flow (column `index`).
    """
    places = {split: place for place, split in enumerate((REFERENCE, *reversed(SPLITS)))}
    split = pl.col("split").replace_strict(places, return_dtype=pl.UInt8)
    if keep == "longest":
        return (split, -pl.col("characters").cast(pl.Int64), pl.col("index"))
    if keep == "source_order":
        order = {name: place for place, name in enumerate(source_order)}
        place = pl.col("corpus").replace_strict(order, default=len(order), return_dtype=pl.UInt32)
        return (split, place, pl.col("index"))
    if keep.startswith("best:"):
        return (split, pl.col("best").fill_nan(None).rank(descending=True).fill_null(float("inf")), pl.col("index"))
    return (split, pl.col("index"))


def choose_survivors(
    evidence: pl.DataFrame, pairs: pl.DataFrame, *, keep: str, source_order: Sequence[str] = ()
) -> pl.DataFrame:
    """Choose what goes: each row that goes was compared with the very row that stays in its place.

    Rows are looked at best first. One stays unless it is alike to one that stays already; so of a chain in which
    only neighbours are alike, the ends may both stay.

    Args:
        evidence: A line for each row of the flow: `split`, `same` (equal for rows that say the same; null is like
            nobody), and what `keep` compares: `characters`, `corpus` or `best`.
        pairs: Verified pairs that are alike, `left`, `right` (row numbers) and `score`. Rows that say the same need
            not be paired: a pair of one stands for all of them.
        keep: Which row is better, see `Keep`.
        source_order: The sources, best first.

    Returns:
        The rows that go, sorted: `index`, `because_of` (the row number that stays), `score` of that pair.
    """
    rows = evidence.with_row_index("index")
    involved = pl.concat([pairs["left"], pairs["right"]]).unique()
    repeated = rows["same"].is_duplicated() & rows["same"].is_not_null()
    alike = rows.filter(repeated | rows["index"].is_in(involved.implode())).with_columns(
        node=pl.coalesce(pl.col("index").min().over("same", mapping_strategy="group_to_rows"), "index")
        if rows["same"].null_count() == 0
        else pl.when(pl.col("same").is_null()).then("index").otherwise(pl.col("index").min().over("same"))
    )
    ranked = alike.sort(*best_first(keep, source_order)).with_row_index("rank")
    best = ranked.group_by("node", maintain_order=True).agg(
        pl.col("rank").min(), best=pl.col("index").first(), fixed=pl.col("split").first() == REFERENCE
    )
    verdict = _verdicts(best, _between_nodes(pairs, alike))
    gone = (
        alike.select("index", "split", "node")
        .join(best.select("node", "best"), on="node")
        .join(verdict, on="node", how="left")
        .filter((pl.col("split") != REFERENCE) & (pl.col("winner").is_not_null() | (pl.col("index") != pl.col("best"))))
    )
    return gone.select(
        "index",
        because_of=pl.coalesce("winner", "best"),
        score=pl.coalesce("score", pl.lit(1.0)),
    ).sort("index")


def _between_nodes(pairs: pl.DataFrame, alike: pl.DataFrame) -> pl.DataFrame:
    nodes = alike.select("index", "node")
    named = (
        pairs.select("left", "right", "score")
        .join(nodes, left_on="left", right_on="index")
        .join(nodes, left_on="right", right_on="index", suffix="_right")
    )
    return named.select(a="node", b="node_right", score="score").filter(pl.col("a") != pl.col("b"))


def _verdicts(best: pl.DataFrame, edges: pl.DataFrame) -> pl.DataFrame:
    """Give for each node that goes the best row of the node that stays, and the score of the two."""
    rank = dict(zip(best["node"].to_list(), best["rank"].to_list(), strict=True))
    fixed = set(best.filter("fixed")["node"].to_list())
    best_row = dict(zip(best["node"].to_list(), best["best"].to_list(), strict=True))
    better: dict[int, list[tuple[int, float]]] = {}
    for a, b, score in edges.iter_rows():
        low, high = (a, b) if rank[a] > rank[b] else (b, a)
        better.setdefault(low, []).append((high, score))
    gone: dict[int, tuple[int, float]] = {}
    for node in sorted(better, key=rank.__getitem__):
        if node in fixed:
            continue
        stays = [(-score, rank[other], other) for other, score in better[node] if other not in gone]
        if stays:
            closeness, _, other = min(stays)
            gone[node] = (best_row[other], -closeness)
    schema = {"node": pl.UInt32, "winner": pl.UInt32, "score": pl.Float64}
    lines = [(node, winner, score) for node, (winner, score) in gone.items()]
    return pl.DataFrame(lines, schema=schema, orient="row")


__all__ = [
    "KEEP_DESCRIPTION",
    "REFERENCE",
    "Keep",
    "best_first",
    "check_named",
    "check_order",
    "choose_survivors",
    "evidence_wanted",
]
