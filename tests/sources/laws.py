"""Laws that every source keeps, whatever the file. Call `keeps_all_laws` with good files, bad files and any bytes."""

import gzip
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

import polars as pl
import pytest

from dataforge.core.errors import DataError
from dataforge.core.plugin import Batch, RawFile, Source
from dataforge.core.schema import DRAFT, FATES, RECORD, ROLES
from dataforge.reading.drafts import OnError
from dataforge.reading.files import DamagedFileError, open_bytes

Make = Callable[[OnError], Source]


def read_all(source: Source, path: Path) -> list[Batch]:
    """Read a file to its end; label and corpus are the same wherever the file lies."""
    return list(source.read(RawFile(path, "corpus/file", "corpus")))


def drafts_of(batches: Iterable[Batch]) -> pl.DataFrame:
    """All drafts, without their places in the record tables."""
    return pl.concat([pl.DataFrame(schema=DRAFT), *(batch.drafts for batch in batches)]).drop("record")


def records_of(batches: Iterable[Batch]) -> pl.DataFrame:
    """All records, without their places in the draft tables."""
    return pl.concat([pl.DataFrame(schema=RECORD), *(batch.records for batch in batches)]).drop("rows")


def rejects_of(batches: Iterable[Batch]) -> list[str]:
    """The codes of all rejects, in file order."""
    return records_of(batches).filter(pl.col("fate") == "rejected")["code"].to_list()


def repairs_of(batches: Iterable[Batch]) -> list[str]:
    """The codes of all repairs, in file order."""
    return records_of(batches)["repairs"].explode(empty_as_null=False).drop_nulls().to_list()


def keeps_all_laws(make: Make, data: bytes, folder: Path, *, records_are_spans: bool = True) -> list[Batch]:
    """Hold a source against every law, on one file.

    Args:
        make: Makes the source with a policy.
        data: What the file holds.
        folder: An empty folder, or one that this function may write into.
        records_are_spans: A record's bytes are the file's bytes at its place (not so for parsed XML or parquet).

    Returns:
        What the source made of the file under the policy `repair`.
    """
    path = folder / "file"
    path.write_bytes(data)
    source = make("repair")
    batches = read_all(source, path)
    books_close(source, batches)
    rows_are_sound(batches)
    if records_are_spans and rejects_of(batches) != ["wrong-encoding"]:
        places_are_exact(batches, path)
    is_the_same(batches, read_all(source, path))
    compression_changes_nothing(source, batches, data, folder)
    policies_agree(make, batches, path)
    return batches


def books_close(source: Source, batches: Sequence[Batch]) -> None:
    """Every record has one fate, every draft one record, and every code is declared."""
    names = [code.name for code in source.codes]
    repairable = {code.name for code in source.codes if code.repair is not None}
    assert len(names) == len(set(names))
    for batch in batches:
        assert batch.drafts.schema == DRAFT
        assert batch.records.schema == RECORD
        assert batch.records.height > 0
        owners: list[tuple[int, int]] = []
        for place, record in enumerate(batch.records.iter_rows(named=True)):
            assert record["fate"] in FATES
            assert set(record["repairs"]) <= repairable
            assert (record["fate"] == "rejected") == (record["code"] is not None)
            assert (record["fate"] == "rejected") == (not record["rows"])
            assert record["code"] is None or record["code"] in names
            assert all(row < batch.drafts.height for row in record["rows"])
            if record["fate"] == "used":
                owners += [(row, place) for row in record["rows"]]
        # Each draft is brought by exactly one record, and knows which.
        assert sorted(row for row, _ in owners) == list(range(batch.drafts.height))
        assert [place for _, place in sorted(owners)] == batch.drafts["record"].to_list()
        ordinals = batch.drafts.select(pl.col("ordinal") == pl.int_range(pl.len()).over("record"))
        assert ordinals["ordinal"].all()


def rows_are_sound(batches: Iterable[Batch]) -> None:
    """Roles and ranks are ours, no text is missing, every row has a group and something to learn from."""
    for row in drafts_of(batches).iter_rows(named=True):
        assert row["group"]
        assert row["prompt"] or row["responses"]
        ranks = [response["rank"] for response in row["responses"]]
        assert not ranks or min(ranks) == 0
        assert all(response["messages"] for response in row["responses"])
        sides = [row["prompt"], *(response["messages"] for response in row["responses"])]
        for message in (message for side in sides for message in side):
            assert message["role"] in ROLES
            assert message["content"] is not None
            assert message["content"].strip() or message["tool_calls"] or message["role"] in {"tool", "system"}


def places_are_exact(batches: Iterable[Batch], path: Path) -> None:
    """A record's bytes stand at its byte, its line is the number of line ends before it plus one, none overlap."""
    data = _unpacked(path)
    end, line = 0, 1
    for record in records_of(batches).iter_rows(named=True):
        start = record["byte"]
        assert start >= end
        line += data.count(b"\n", end, start)
        assert record["line"] == line
        end = start + record["n_bytes"]
        assert record["digest"] == sha256(data[start:end]).digest()
        line += data.count(b"\n", start, end)


def _unpacked(path: Path) -> bytes:
    """What can be unpacked of a file."""
    pieces = []
    with open_bytes(path) as stream, suppress(DamagedFileError):
        while piece := stream.read(1 << 20):
            pieces.append(piece)
    return b"".join(pieces)


def is_the_same(batches: Sequence[Batch], again: Sequence[Batch]) -> None:
    """Two readings gave the same."""
    assert len(batches) == len(again)
    for one, other in zip(batches, again, strict=True):
        assert one.drafts.equals(other.drafts)
        assert one.records.equals(other.records)


def compression_changes_nothing(source: Source, batches: Sequence[Batch], data: bytes, folder: Path) -> None:
    """A gzipped file is read as the file in it is, places included."""
    if data.startswith((b"\x1f\x8b", b"BZh", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ")):
        return
    packed = folder / "packed"
    packed.write_bytes(gzip.compress(data, mtime=0))
    is_the_same(batches, read_all(source, packed))


def policies_agree(make: Make, repaired: Sequence[Batch], path: Path) -> None:
    """`reject` gives the rows of the sound records, as `repair` does; `fail` stops at the first fault."""
    source = make("reject")
    strict = read_all(source, path)
    books_close(source, strict)
    records = records_of(strict)
    assert not repairs_of(strict)
    assert records["digest"].to_list() == records_of(repaired)["digest"].to_list()
    sound = [keep for batch in repaired for keep in _is_without_repair(batch)]
    assert drafts_of(strict).equals(drafts_of(repaired).filter(pl.Series(sound, dtype=pl.Boolean)))
    faults = {code.name for code in source.codes if code.is_fault}
    if faults & set(rejects_of(strict)):
        with pytest.raises(DataError) as caught:
            read_all(make("fail"), path)
        assert caught.value.fix
        assert caught.value.where is not None
    else:
        is_the_same(strict, read_all(make("fail"), path))


def _is_without_repair(batch: Batch) -> list[bool]:
    clean = [not repairs for repairs in batch.records["repairs"].to_list()]
    dirty_rows = {
        row for rows, ok in zip(batch.records["rows"].to_list(), clean, strict=True) if not ok for row in rows
    }
    return [place not in dirty_rows for place in range(batch.drafts.height)]
