"""Writes rows and their views into a build's folder, split by split, one part at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from dataforge.core.fingerprint import fingerprint
from dataforge.core.schema import SPLITS
from dataforge.engine.views import JSON_FIELDS, VIEWS, openai_lines, without_unused_fields
from dataforge.recipe.model import Output
from dataforge.store.disk import machine_errors
from dataforge.store.published import ArrowShards, ParquetShards, abandon, file_digest, write_dataset_dict
from dataforge.store.shards import to_arrow


@dataclass(frozen=True, slots=True)
class Written:
    """What was written.

    Args:
        digest: SHA-256 over the names and digests of the Arrow shards.
        rows: Rows by split.
        views: Rows by view and split.
    """

    digest: str
    rows: dict[str, int]
    views: dict[str, dict[str, int]]


class RowWriter:
    """Writes rows as Parquet and Arrow shards, and the views that trainers read.

    Args:
        folder: The build's folder.
        output: The recipe's `[output]`.
        uses: Optional fields of messages and rows that some row uses.
    """

    def __init__(self, folder: Path, output: Output, uses: set[str]) -> None:
        self.folder = folder
        self._uses = uses
        self._names = output.views
        self._max_bytes = output.max_shard_mb << 20
        self._data: dict[str, ParquetShards] = {}
        self._arrow: dict[str, ArrowShards] = {}
        self._views: dict[tuple[str, str], ParquetShards] = {}
        self._openai: Counter[str] = Counter()

    def write(self, frame: pl.DataFrame) -> None:
        """Add rows, schema `core.schema.ROW`, each to its split."""
        there = set(frame["split"].unique())
        for split in SPLITS:
            if split in there:
                self._write_split(split, frame if len(there) == 1 else frame.filter(pl.col("split") == split))

    def _write_split(self, split: str, rows: pl.DataFrame) -> None:
        if split not in self._data:
            self._data[split] = ParquetShards(self.folder / "data", split, self._max_bytes)
            self._arrow[split] = ArrowShards(self.folder / "arrow" / split, split, self._max_bytes)
        table = to_arrow(rows)
        self._data[split].write(table)
        self._arrow[split].write(table)
        for name in self._names:
            view = without_unused_fields(VIEWS[name](rows), self._uses)
            if name == "openai":
                self._write_lines(split, view)
            elif view.height:
                self._view(name, split).write(to_arrow(view))

    def _view(self, name: str, split: str) -> ParquetShards:
        if (name, split) not in self._views:
            json_fields = JSON_FIELDS & self._uses
            folder = self.folder / "views" / name
            # Views can be made again at any time: speed before size.
            self._views[name, split] = ParquetShards(folder, split, self._max_bytes, "none", json_fields)
        return self._views[name, split]

    def _write_lines(self, split: str, view: pl.DataFrame) -> None:
        if not view.height:
            return
        path = self.folder / "views" / "openai" / f"{split}.jsonl"
        with machine_errors(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(openai_lines(view))
        self._openai[split] += view.height

    def abandon(self) -> None:
        """Let go of all files without finishing them."""
        abandon(*self._data.values(), *self._arrow.values(), *self._views.values())

    def close(self) -> Written:
        """Close all files, and say what there is."""
        splits = [split for split in SPLITS if split in self._data]
        shards = [path for split in splits for path in self._arrow[split].close()]
        write_dataset_dict(self.folder / "arrow", splits)
        for writer in [*self._data.values(), *self._views.values()]:
            writer.close()
        views: dict[str, dict[str, int]] = {}
        for (name, split), writer in self._views.items():
            views.setdefault(name, {})[split] = writer.rows
        if self._openai:
            views["openai"] = dict(self._openai)
        digest = fingerprint([[path.relative_to(self.folder).as_posix(), file_digest(path)] for path in shards])
        return Written(digest, {split: self._data[split].rows for split in splits}, views)
