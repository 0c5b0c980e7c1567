"""How rows get their identity: ids, groups, splits, origins, from the records they came from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import polars as pl

from dataforge.core.errors import InvariantError
from dataforge.core.fingerprint import short_id, unit_interval
from dataforge.core.plugin import Batch, RawFile
from dataforge.core.schema import ROW
from dataforge.engine.task import Task, plugin_ref
from dataforge.engine.views import used_fields
from dataforge.store.home import Store
from dataforge.store.shards import get_frame, put_frame

UNKNOWN_LICENSE = "unknown"

_DIGEST_SIZE = (32).to_bytes(8, "little")


def read_parts(store: Store, task: Task, note: Callable[[int], None]) -> list[dict[str, Any]]:
    """Read one file with its source; store a frame of rows and a frame of records for each batch.

    The task's key: plugin, corpus, label, license, split (seed, validation, test), file (digest).
    """
    key = task.key
    source = plugin_ref(task.at["plugin"]).load()
    file = RawFile(Path(task.at["path"]), key["label"], key["corpus"])
    declared = {code.name for code in source.codes}
    seen: dict[bytes, int] = {}
    parts: list[dict[str, Any]] = []
    done = 0
    for batch in source.read(file):
        _check_batch(batch, declared, key["plugin"]["use"])
        occurrences: list[int] = []
        for digest in batch.records["digest"].to_list():
            before = seen.get(digest, 0)
            occurrences.append(before)
            seen[digest] = before + 1
        records = batch.records.with_columns(occurrence=pl.Series(occurrences, dtype=pl.UInt32))
        parts.append(_store_part(store, batch.drafts, records, key))
        done += parts[-1]["size"]
        note(done)
    return parts


def born_again(store: Store, task: Task) -> dict[str, Any]:
    """Give new ids to the rows of records whose bytes also stand in an earlier file of the source.

    The task's key: that of the read task, `part` (rows, records), and `before`: how often each digest came before.
    """
    key = task.key
    records = get_frame(store, key["part"]["records"])
    before: dict[str, int] = key["before"]
    shift = [before.get(digest.hex(), 0) for digest in records["digest"]]
    records = records.with_columns(pl.col("occurrence") + pl.Series(shift, dtype=pl.UInt32))
    rows = get_frame(store, key["part"]["rows"])
    positions = {row_id: place for place, row_id in enumerate(rows["row_id"])}
    new_ids = rows["row_id"].to_list()
    new_row_lists: list[list[str]] = []
    for digest, occurrence, fate, old in records.select("digest", "occurrence", "fate", "rows").iter_rows():
        if fate == "used" and digest.hex() in before:
            for ordinal, row_id in enumerate(old):
                new_ids[positions[row_id]] = short_id(key["corpus"], digest, str(occurrence), str(ordinal))
        new_row_lists.append(old)
    renamed = dict(zip(rows["row_id"], new_ids, strict=True))
    new_row_lists = [[renamed[row_id] for row_id in old] for old in new_row_lists]
    records = _name_records(records.with_columns(rows=pl.Series(new_row_lists, dtype=pl.List(pl.String))), key)
    rows = rows.with_columns(row_id=pl.Series(new_ids, dtype=pl.String))
    return {**key["part"], "rows": put_frame(store, rows), "records": put_frame(store, records)}


def _store_part(store: Store, drafts: pl.DataFrame, records: pl.DataFrame, key: dict[str, Any]) -> dict[str, Any]:
    rows = rows_of_drafts(drafts, records, key)
    records = _name_records(records.with_columns(rows=_named(records["rows"], rows["row_id"])), key)
    counts = {fate: int((records["fate"] == fate).sum()) for fate in ("used", "merged", "rejected")}
    return {
        "rows": put_frame(store, rows),
        "records": put_frame(store, records),
        "stored": rows.height,
        "size": int(records["n_bytes"].sum()),
        "uses": sorted(used_fields(rows)),
        "counts": counts,
        "rejected": _count(records["code"].drop_nulls()),
        "repaired": _count(records["repairs"].explode().drop_nulls()),
    }


def _named(places: pl.Series, ids: pl.Series) -> pl.Series:
    """Put the ids of rows in the stead of their places."""
    flat = places.explode(empty_as_null=False)
    if flat.len() == places.len() and (places.list.len() == 1).all():
        return ids.gather(flat).to_frame("id").select(pl.concat_list("id")).to_series()
    names = ids.to_list()
    return pl.Series([[names[place] for place in some] for some in places.to_list()], dtype=pl.List(pl.String))


def _count(values: pl.Series) -> dict[str, int]:
    return dict(sorted(Counter(values.to_list()).items()))


def _name_records(records: pl.DataFrame, key: dict[str, Any]) -> pl.DataFrame:
    """Name each record as rows are named, without an ordinal."""
    ids = _ids(key["corpus"], records["digest"], records["occurrence"])
    return records.with_columns(
        record_id=pl.Series(ids, dtype=pl.String), corpus=pl.lit(key["corpus"]), path=pl.lit(key["label"])
    )


def rows_of_drafts(drafts: pl.DataFrame, records: pl.DataFrame, key: dict[str, Any]) -> pl.DataFrame:
    """Make rows of drafts: identity from bytes, split from the group."""
    corpus: str = key["corpus"]
    record = drafts["record"]
    digests, occurrences = records["digest"].gather(record), records["occurrence"].gather(record)
    group_ids, splits = _groups(corpus, drafts["group"].to_list(), key["split"])
    rows = drafts.select(
        pl.Series("row_id", _ids(corpus, digests, occurrences, drafts["ordinal"]), dtype=pl.String),
        pl.Series("group_id", group_ids, dtype=pl.String),
        pl.lit(None, dtype=pl.String).alias("parent_id"),
        "prompt",
        "responses",
        "tools",
        pl.struct(
            pl.lit(corpus).alias("corpus"),
            pl.lit(key["label"]).alias("path"),
            records["line"].gather(record).alias("line"),
            records["byte"].gather(record).alias("byte"),
            "url",
            "author",
        ).alias("origin"),
        pl.coalesce("license", pl.lit(key["license"] or UNKNOWN_LICENSE)).alias("license"),
        pl.Series("split", splits, dtype=pl.String),
    )
    return rows.cast(ROW)  # pyright: ignore[reportArgumentType]


def _ids(corpus: str, digests: pl.Series, *numbers: pl.Series) -> list[str]:
    """Give `short_id(corpus, digest, …)` of each record, with its numbers: the occurrence, and a row's ordinal."""
    before = prefixed(corpus) + _DIGEST_SIZE
    places = list(zip(*(values.to_list() for values in numbers), strict=True))
    # There are few: records hardly ever come twice.
    after = {place: prefixed(*map(str, place)) for place in set(places)}
    return [
        sha256(before + digest + after[place]).hexdigest()[:32]
        for digest, place in zip(digests.to_list(), places, strict=True)
    ]


def _groups(corpus: str, names: list[str], split: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Give each row's group id and split."""
    before = prefixed("group", corpus)
    ids = {name: sha256(before + prefixed(name)).hexdigest()[:32] for name in dict.fromkeys(names)}
    group_ids = [ids[name] for name in names]
    if not split["test"] and not split["validation"]:
        return group_ids, ["train"] * len(names)
    splits = {group_id: split_of_group(group_id, split) for group_id in ids.values()}
    return group_ids, [splits[group_id] for group_id in group_ids]


def prefixed(*parts: str) -> bytes:
    """Write parts as `core.fingerprint.short_id` hashes them, each with its length before it."""
    data = [part.encode("utf-8", errors="surrogatepass") for part in parts]
    return b"".join(len(part).to_bytes(8, "little") + part for part in data)


def split_of_group(group_id: str, split: dict[str, Any]) -> str:
    """Choose the split of a group for good: a bucket of SHA-256(split seed, group)."""
    place = unit_interval("split", str(split["seed"]), group_id)
    if place < split["test"]:
        return "test"
    if place < split["test"] + split["validation"]:
        return "validation"
    return "train"


def _check_batch(batch: Batch, declared: set[str], use: str) -> None:
    """Hold a source to its word: every record has one fate, and every draft comes from a record."""
    records, drafts = batch.records, batch.drafts
    rejected = records["fate"] == "rejected"
    has_rows = records["rows"].list.len() > 0
    if (rejected == has_rows).any():
        msg = f"{use}: a record is neither used nor rejected, or both"
        raise InvariantError(msg)
    if (records["code"].is_null() == rejected).any():
        msg = f"{use}: a reject without a code, or a code without a reject"
        raise InvariantError(msg)
    named = set(records["code"].drop_nulls().unique()) | set(records["repairs"].explode().drop_nulls().unique())
    if named - declared:
        msg = f"{use}: codes that it does not declare: {sorted(named - declared)}"
        raise InvariantError(msg)
    reached = records.filter(pl.col("fate") == "used")["rows"].explode().drop_nulls()
    if reached.len() != drafts.height or reached.n_unique() != drafts.height:
        msg = f"{use}: {drafts.height} drafts, of which records name {reached.n_unique()}"
        raise InvariantError(msg)
