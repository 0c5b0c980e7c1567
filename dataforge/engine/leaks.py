"""The gate that no build passes with a leak: of what belongs together, nothing lies on two sides of a split."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from dataforge.core.errors import DataError
from dataforge.engine.flow import Part, StageRecord, load_part
from dataforge.store.home import Store
from dataforge.store.shards import get_frame


class LeakGate:
    """Looks at all rows on their way into the shards.

    A group may lie on one split only, a row on that of its parent, and the two rows of a verified near-duplicate pair
    on one.
    """

    def __init__(self, store: Store, records: Sequence[StageRecord]) -> None:
        self._pairs = [
            (record.name, *pair)
            for record in records
            for digest in record.across
            for pair in get_frame(store, digest).iter_rows()
        ]
        self._watched = pl.Series([row for pair in self._pairs for row in pair[1:3]], dtype=pl.String).unique()
        self._sides: dict[str, str] = {}
        self._split_of: dict[str, str] = {}
        self._children: list[tuple[str, str, str]] = []

    def look_at(self, frame: pl.DataFrame) -> None:
        """Look at some rows.

        Args:
            frame: Rows as they are published.

        Raises:
            DataError: Their group lies on another split too.
        """
        for group, split in frame.select("group_id", "split").unique(maintain_order=True).iter_rows():
            if self._sides.setdefault(group, split) != split:
                raise DataError(
                    f"group {group} has rows in {self._sides[group]} and in {split}",
                    fix="a step changed splits; put a `group` step after it, which resolves them",
                )
        if self._watched.len():
            watched = frame.filter(pl.col("row_id").is_in(self._watched.implode()))
            self._split_of.update(watched.select("row_id", "split").iter_rows())
        children = frame.drop_nulls("parent_id").select("parent_id", "row_id", "split")
        self._children.extend(children.iter_rows())

    def close(self, store: Store, parts: Iterable[Part]) -> None:
        """Check what only all rows together tell.

        Args:
            store: The project's store.
            parts: All rows again; read only if some have a parent.

        Raises:
            DataError: A near-duplicate pair, or a row and its parent, lie on two splits; the first are named.
        """
        leaks = [
            f"{left} ({self._split_of[left]}) and {right} ({self._split_of[right]}), {score:.2f}, found by {stage}"
            for stage, left, right, score in self._pairs
            if left in self._split_of and right in self._split_of and self._split_of[left] != self._split_of[right]
        ]
        if leaks:
            raise DataError(
                f"{len(leaks)} near-duplicate pairs lie on two sides of a split: {_first(leaks)}",
                fix='let the step drop them (action = "drop"), or take one side out with another step',
            )
        if self._children:
            self._check_parents(store, parts)

    def _check_parents(self, store: Store, parts: Iterable[Part]) -> None:
        parents = pl.Series([parent for parent, _, _ in self._children], dtype=pl.String).unique().implode()
        split_of: dict[str, str] = {}
        for part in parts:
            rows = load_part(store, part.rows, part.keep, ["row_id", "split"])
            split_of.update(rows.filter(pl.col("row_id").is_in(parents)).iter_rows())
        leaks = [
            f"{child} ({split}) and its parent {parent} ({split_of[parent]})"
            for parent, child, split in self._children
            if split_of.get(parent, split) != split
        ]
        if leaks:
            raise DataError(
                f"{len(leaks)} rows lie on another split than their parents: {_first(leaks)}",
                fix="the step that made them must give them their parents' split",
            )


def _first(leaks: Sequence[str]) -> str:
    more = f"; and {len(leaks) - 3} more" if len(leaks) > 3 else ""
    return "; ".join(leaks[:3]) + more
