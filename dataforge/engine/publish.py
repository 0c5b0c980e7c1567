"""Writes a build's folder: shards, views, ledger, card; whole, or not at all."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import polars as pl

from dataforge.core.errors import MachineError, Where
from dataforge.core.fingerprint import fingerprint
from dataforge.core.schema import SPLITS
from dataforge.engine.attribution import Attribution
from dataforge.engine.card import card
from dataforge.engine.executor import TaskWatcher
from dataforge.engine.flow import Part, StageRecord, load_part
from dataforge.engine.leaks import LeakGate
from dataforge.engine.profile import Profile
from dataforge.engine.row_writer import RowWriter
from dataforge.recipe.model import Recipe
from dataforge.store.disk import write_whole
from dataforge.store.folders import file_notes, fresh_folder, is_as_noted, swap_in
from dataforge.store.home import Store
from dataforge.store.published import TableFile, abandon
from dataforge.store.shards import get_frame, to_arrow

# Raised by hand when the bytes of a published folder change for equal rows.
LAYOUT_VERSION = 2


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
    store: Store,
    recipe: Recipe,
    parts: Sequence[Part],
    records: Sequence[StageRecord],
    uses: set[str],
    watcher: TaskWatcher,
) -> Published:
    """Write `builds/<recipe>/`, or find it as it should be.

    Args:
        store: The project's store.
        recipe: What is built.
        parts: The rows, in order.
        records: The stages' records, for the ledger.
        uses: Optional fields of messages and rows that some row uses.
        watcher: Is told how it goes.

    Returns:
        What the folder holds, whether it was written now or found.

    Raises:
        DataError: Something that belongs together lies on both sides of a split.
        MachineError: The disk is full, or the folder may not be written to.
    """
    folder = store.project / "builds" / recipe.name
    made_from = fingerprint(
        {
            "layout": LAYOUT_VERSION,
            "parts": [part.to_json() for part in parts],
            "ledger": [record.ledger for record in records],
            "findings": [[*record.findings, *record.across] for record in records],
            "names": [record.name for record in records],
            "output": recipe.output.model_dump(mode="json"),
        }
    )
    found = _as_it_was(folder, made_from)
    if found is not None:
        return found
    _check_ours(folder)
    fresh = fresh_folder(folder)
    try:
        watcher.tasks(sum(part.size for part in parts))
        published = _write(store, recipe, parts, records, RowWriter(fresh, recipe.output, uses), watcher)
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
        swap_in(fresh, folder)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    return replace(published, folder=folder)


def _as_it_was(folder: Path, made_from: str) -> Published | None:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
    except (OSError, ValueError):
        return None
    if manifest["made_from"] != made_from:
        return None
    if not is_as_noted(folder, manifest["files"]):
        return None
    rows = {split: manifest["rows"][split] for split in SPLITS if split in manifest["rows"]}
    fields = ("digest", "views", "files", "profile")
    return Published(folder, rows=rows, **{name: manifest[name] for name in fields}, reused=True)


def _check_ours(folder: Path) -> None:
    """Replace nothing that no build has made."""
    is_empty = folder.is_dir() and not any(folder.iterdir())
    if folder.exists() and not is_empty and not (folder / "manifest.json").is_file():
        raise MachineError(
            "here would go the build, but what is there was made by no build",
            where=Where(folder),
            fix="move it away, or give the recipe another name",
        )


def _write(
    store: Store,
    recipe: Recipe,
    parts: Sequence[Part],
    records: Sequence[StageRecord],
    writer: RowWriter,
    watcher: TaskWatcher,
) -> Published:
    """Write all that belongs to a build into a fresh folder."""
    fresh = writer.folder
    counted = Profile(sum(part.kept for part in parts), recipe.seed)
    places = TableFile(fresh / "ledger" / "rows.parquet")
    named = Attribution(fresh / "ledger" / "attribution.parquet")
    gate = LeakGate(store, records)
    try:
        for part in parts:
            frame = load_part(store, part.rows, part.keep)
            gate.look_at(frame)
            writer.write(frame)
            counted.add(frame)
            named.add(frame)
            places.write(to_arrow(frame.select("row_id", "split", pl.col("origin").struct.field("corpus"))))
            watcher.done(part.size)
        gate.close(store, parts)
        places.close()
        written = writer.close()
    except BaseException:
        writer.abandon()
        abandon(places, named.file)
        raise
    profile = counted.to_json()
    _write_ledger(store, fresh / "ledger", records)
    write_whole(fresh / "ATTRIBUTION.md", named.close(profile["licenses"]).encode())
    write_whole(fresh / "README.md", card(recipe, records, written.rows, written.views, profile).encode())
    return Published(fresh, written.digest, written.rows, written.views, file_notes(fresh), profile)


def _write_ledger(store: Store, folder: Path, records: Sequence[StageRecord]) -> None:
    """Write what became of every record and row as Parquet: `records`, `dropped`, `changed`, and `findings`."""
    files = {name: TableFile(folder / f"{name}.parquet") for name in ("records", "dropped", "changed", "findings")}
    for record in records:
        file = files[{"source": "records", "map": "changed"}.get(record.kind, "dropped")]
        for target, digests in ((file, record.ledger), (files["findings"], record.findings)):
            for digest in digests:
                frame = get_frame(store, digest)
                target.write(to_arrow(frame.select(pl.lit(record.name).alias("stage"), pl.all())))
    for file in files.values():
        file.close()
