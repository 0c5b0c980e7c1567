"""Step `group`: finds rows that belong together and lie on different splits, and drops the training side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

import polars as pl
from pydantic import Field

from dataforge.core.plugin import THRESHOLD, CorpusFilter
from dataforge.core.schema import SPLITS, no_drops
from dataforge.text.keys import digests
from dataforge.text.select import Selector, joined


@dataclass(frozen=True, kw_only=True)
class Group:
    """Drops training rows that belong together with validation or test rows.

    Rows belong together that share their group, or their selected messages (capitals and spaces aside), or are linked
    by a chain of these. Of linked rows the test rows stay; if there are none, the validation rows.
    """

    version: ClassVar[int] = 1
    is_corpus_wide: ClassVar[bool] = True
    reasons: ClassVar[Mapping[str, str]] = {"leak": "linked to a row that models are validated or tested on"}

    by: Annotated[Selector, Field(description="messages that link the rows which share them: prompt, user[0], …")] = (
        "prompt"
    )
    min_characters: Annotated[
        int, THRESHOLD, Field(description="shorter messages link nothing (everybody says `hello`)", ge=1)
    ] = 1

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give each row the key of its linking messages, and their length."""
        key = digests(frame, self.by, ignore_case=True, ignore_whitespace=True)
        return pl.DataFrame({"key": key, "characters": joined(frame, self.by, "").str.len_chars()})

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Drop the linked rows that do not lie on the strongest split among them, because of one that does."""
        long_enough = pl.col("characters") >= self.min_characters
        order = {split: place for place, split in enumerate(SPLITS)}
        rows = evidence.with_row_index("index").with_columns(
            key=pl.when(long_enough).then("key"),
            strength=pl.col("split").replace_strict(order, return_dtype=pl.UInt8),
        )
        linked = rows.with_columns(cluster=_clusters(rows))
        stays = pl.col("strength") == pl.col("strength").max().over("cluster")
        survivors = linked.filter(stays)
        by_key = survivors.drop_nulls("key").group_by("key").agg(same=pl.col("row_id").min())
        by_cluster = survivors.group_by("cluster").agg(other=pl.col("row_id").min())
        gone = linked.filter(~stays).join(by_key, on="key", how="left").join(by_cluster, on="cluster", how="left")
        found = gone.select(
            "index",
            reason=pl.lit("leak"),
            detail=pl.when(pl.col("same").is_not_null())
            .then(pl.lit(f"same {self.by}"))
            .otherwise(pl.lit(f"linked over groups with the same {self.by}")),
            because_of=pl.coalesce("same", "other"),
        )
        return pl.concat([no_drops(), found], how="diagonal").sort("index")


def _clusters(rows: pl.DataFrame) -> pl.Series:
    """Give each row the name of its cluster: the first of the groups that are linked to its own."""
    pairs = rows.drop_nulls("key").select("key", "group_id").unique(maintain_order=True)
    # Only keys that stand in two groups link anything; most stand in one, and are not worth a step in Python.
    pairs = pairs.filter(pl.col("key").is_duplicated()).with_columns(first=pl.col("group_id").first().over("key"))
    roots = _union(pairs.select("first", "group_id").iter_rows())
    moved = pl.DataFrame({"group_id": list(roots), "root": list(roots.values())}, schema_overrides=_NAMES)
    return rows.join(moved, on="group_id", how="left", maintain_order="left")["root"].fill_null(rows["group_id"])


_NAMES = {"group_id": pl.String, "root": pl.String}


def _union(links: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Give the root of every linked name (union-find with path halving)."""
    parent: dict[str, str] = {}

    def root(name: str) -> str:
        parent.setdefault(name, name)
        while parent[name] != name:
            parent[name] = parent[parent[name]]
            name = parent[name]
        return name

    for one, other in links:
        above, below = sorted((root(one), root(other)))
        parent[below] = above
    return {name: root(name) for name in parent}


STEP: type[CorpusFilter] = Group
