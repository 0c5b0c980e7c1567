"""Writes a build's folder: shards, views, ledger, card; whole, or not at all."""

from __future__ import annotations

import io
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from dataforge.core.errors import DataError
from dataforge.core.fingerprint import fingerprint
from dataforge.core.schema import ROW, SPLITS
from dataforge.engine.card import attribution, card, credits_of
from dataforge.engine.flow import Part, StageRecord, load_part
from dataforge.engine.profile import Profile
from dataforge.engine.views import JSON_FIELDS, VIEWS, openai_lines, without_unused_fields
from dataforge.recipe.model import Recipe
from dataforge.store.disk import machine_errors, write_whole
from dataforge.store.home import Store
from dataforge.store.published import ArrowShards, ParquetShards, file_digest, write_dataset_dict
from dataforge.store.shards import get_frame, to_arrow

# Raised by hand when the bytes of a published folder change for equal rows.
LAYOUT_VERSION = 1


@dataclass(slots=True)
class Published:
    """What was published.

    Args:
        folder: `builds/<recipe>`.
        digest: Names the dataset: SHA-256 over the digests of its Arrow shards.
        rows: Rows by split.
        views: Rows by view and split.
        profile: What the report says of the rows.
        files: Digest and size of each file, by path within the folder.
        reused: True when the folder was there already, with these very contents.
    """

    folder: Path
    digest: str
    rows: dict[str, int]
    views: dict[str, dict[str, int]] = field(default_factory=dict[str, dict[str, int]])
    files: dict[str, dict[str, Any]] = field(default_factory=dict[str, dict[str, Any]])
    profile: dict[str, Any] = field(default_factory=dict[str, Any])
    reused: bool = False


def publish(
    store: Store, recipe: Recipe, parts: Sequence[Part], records: Sequence[StageRecord], uses: set[str]
) -> Published:
    """Write `builds/<recipe>/`, or find it as it should be.

    Args:
        store: The project's store.
        recipe: What is built.
        parts: The rows, in order.
        records: The stages' records, for the ledger.
        uses: Optional fields of messages and rows that some row uses.

    Raises:
        DataError: A group lies on both sides of a split.
        MachineError: The disk is full, or the folder may not be written to.
    """
    folder = store.project / "builds" / recipe.name
    made_from = fingerprint(
        {
            "layout": LAYOUT_VERSION,
            "parts": [part.to_json() for part in parts],
            "ledger": [record.ledger for record in records],
            "names": [record.name for record in records],
            "output": recipe.output.model_dump(mode="json"),
        }
    )
    found = _as_it_was(folder, made_from)
    if found is not None:
        return found
    with machine_errors(folder, "write"):
        # One fixed name: what a killed run left behind is cleared away here.
        fresh = folder.with_name(f".{recipe.name}.new")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
    counted = Profile(sum(part.kept for part in parts), recipe.seed)
    writer = _Writer(store, recipe, fresh, uses, counted)
    try:
        writer.write_rows(parts)
        _write_ledger(store, fresh / "ledger", records, writer.places)
        published = writer.finish(folder, records)
        manifest = {
            "schema": "dataforge.manifest/1",
            "made_from": made_from,
            "digest": published.digest,
            "rows": published.rows,
            "views": published.views,
            "files": published.files,
            "profile": published.profile,
        }
        write_whole(fresh / "manifest.json", json.dumps(manifest, indent=1, sort_keys=True).encode())
        _swap(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return published


def _as_it_was(folder: Path, made_from: str) -> Published | None:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return None
    if manifest["made_from"] != made_from:
        return None
    for name, file in manifest["files"].items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != file["bytes"]:
            return None
    rows = {split: manifest["rows"][split] for split in SPLITS if split in manifest["rows"]}
    fields = ("digest", "views", "files", "profile")
    return Published(folder, rows=rows, **{name: manifest[name] for name in fields}, reused=True)


def _swap(fresh: Path, folder: Path) -> None:
    """Put the new folder in the old one's place; a kill in between leaves one that the next run replaces."""
    with machine_errors(folder, "write"):
        old = folder.with_name(f".{folder.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


class _Writer:
    """Writes rows and their views, split by split, one part at a time."""

    def __init__(self, store: Store, recipe: Recipe, folder: Path, uses: set[str], counted: Profile) -> None:
        self._store = store
        self._folder = folder
        self._uses = uses
        self._profile = counted
        self._views = recipe.output.views
        self._max_bytes = recipe.output.max_shard_mb << 20
        self._data: dict[str, ParquetShards] = {}
        self._arrow: dict[str, ArrowShards] = {}
        self._view_shards: dict[tuple[str, str], ParquetShards] = {}
        self._openai: Counter[str] = Counter()
        self._sides: dict[str, str] = {}
        self._credits: list[pl.DataFrame] = []
        self._recipe = recipe
        self.places: list[pl.DataFrame] = []

    def write_rows(self, parts: Sequence[Part]) -> None:
        """Write all rows."""
        for part in parts:
            frame = load_part(self._store, part.rows, part.keep)
            self._check_sides(frame)
            self._profile.add(frame)
            self._credits.append(credits_of(frame))
            self.places.append(frame.select("row_id", "split", pl.col("origin").struct.field("corpus")))
            for split in SPLITS:
                rows = frame.filter(pl.col("split") == split)
                if rows.height:
                    self._write_split(split, rows)

    def _write_split(self, split: str, rows: pl.DataFrame) -> None:
        if split not in self._data:
            self._data[split] = ParquetShards(self._folder / "data", split, self._max_bytes)
            self._arrow[split] = ArrowShards(self._folder / "arrow" / split, split, self._max_bytes)
        table = to_arrow(rows)
        self._data[split].write(table)
        self._arrow[split].write(table)
        for name in self._views:
            view = without_unused_fields(VIEWS[name](rows), self._uses)
            if name == "openai":
                self._write_lines(split, view)
            elif view.height:
                self._view_writer(name, split).write(to_arrow(view))

    def _view_writer(self, name: str, split: str) -> ParquetShards:
        if (name, split) not in self._view_shards:
            folder = self._folder / "views" / name
            json_fields = JSON_FIELDS & self._uses
            # Views can be made again at any time: speed before size.
            self._view_shards[name, split] = ParquetShards(folder, split, self._max_bytes, "snappy", json_fields)
        return self._view_shards[name, split]

    def _write_lines(self, split: str, view: pl.DataFrame) -> None:
        if not view.height:
            return
        path = self._folder / "views" / "openai" / f"{split}.jsonl"
        with machine_errors(path, "write"):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("ab") as file:
                file.write(openai_lines(view))
        self._openai[split] += view.height

    def _check_sides(self, frame: pl.DataFrame) -> None:
        """The gate that no build passes with one group on two sides."""
        for group, split in frame.select("group_id", "split").unique(maintain_order=True).iter_rows():
            if self._sides.setdefault(group, split) != split:
                raise DataError(
                    f"group {group} has rows in {self._sides[group]} and in {split}",
                    fix="a step changed splits; put a `group` step after it, which resolves them",
                )

    def finish(self, folder: Path, records: Sequence[StageRecord]) -> Published:
        """Close all files, write the card, and say what there is."""
        splits = [split for split in SPLITS if split in self._data]
        shards = [path for split in splits for path in self._arrow[split].close()]
        write_dataset_dict(self._folder / "arrow", splits)
        for writer in [*self._data.values(), *self._view_shards.values()]:
            writer.close()
        views: dict[str, dict[str, int]] = {}
        for (name, split), writer in self._view_shards.items():
            views.setdefault(name, {})[split] = writer.rows
        if self._openai:
            views["openai"] = dict(self._openai)
        digest = fingerprint([[path.relative_to(self._folder).as_posix(), file_digest(path)] for path in shards])
        rows = {split: self._data[split].rows for split in splits}
        profile = self._profile.to_json()
        self._write_words(card(self._recipe, records, rows, views, profile), profile["licenses"])
        return Published(folder, digest, rows, views, _digests(self._folder), profile)

    def _write_words(self, card_text: str, licenses: dict[str, int]) -> None:
        named = pl.concat(self._credits) if self._credits else credits_of(pl.DataFrame(schema=ROW))
        write_whole(self._folder / "README.md", card_text.encode())
        write_whole(self._folder / "ATTRIBUTION.md", attribution(named, licenses).encode())
        if named.height:
            write_whole(self._folder / "ledger" / "attribution.parquet", _parquet(named))


def _digests(folder: Path) -> dict[str, dict[str, Any]]:
    with machine_errors(folder, "read"):
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        path.relative_to(folder).as_posix(): {"sha256": file_digest(path), "bytes": path.stat().st_size}
        for path in paths
    }


def _write_ledger(store: Store, folder: Path, records: Sequence[StageRecord], places: list[pl.DataFrame]) -> None:
    """Write what became of every record and row: `records`, `dropped`, `changed` and `rows`, as Parquet."""
    tables: dict[str, list[pl.DataFrame]] = {"records": [], "dropped": [], "changed": [], "rows": places}
    for record in records:
        name = {"source": "records", "map": "changed"}.get(record.kind, "dropped")
        for digest in record.ledger:
            frame = get_frame(store, digest)
            tables[name].append(frame.select(pl.lit(record.name).alias("stage"), pl.all()))
    for name, frames in tables.items():
        if frames:
            write_whole(folder / f"{name}.parquet", _parquet(pl.concat(frames)))


def _parquet(frame: pl.DataFrame) -> memoryview:
    sink = io.BytesIO()
    frame.write_parquet(sink, compression="zstd", compression_level=3)
    return sink.getbuffer()
