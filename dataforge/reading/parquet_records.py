# pyright: basic
"""Reads Parquet row by row, a row group at a time; and files that are Parquet or JSON, told apart by content."""

from __future__ import annotations

import datetime as dt
import math
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dataforge.core.codes import Code
from dataforge.core.fingerprint import canonical_json
from dataforge.core.plugin import Batch, RawFile
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import OnError, Parsed, RawRecord, RecordFaultError
from dataforge.reading.files import DamagedFileError, open_bytes
from dataforge.reading.json_records import JSON_CODES, read_json_records
from dataforge.reading.json_values import HEAD_BYTES

PARQUET_CODES: tuple[Code, ...] = (
    Code("not-parquet", "The file is not Parquet, or its footer is damaged or cut off."),
    Code("bad-row-group", "A row group of the Parquet file does not unpack; the other groups are read."),
    *(code for code in JSON_CODES if code.name in {"cut-off-compression", "damaged-compression"}),
)

# What a file may be that is Parquet or JSON.
RECORD_CODES: tuple[Code, ...] = (
    *JSON_CODES,
    *(code for code in PARQUET_CODES if code.name not in {json_code.name for json_code in JSON_CODES}),
)

_MAGIC = b"PAR1"
_BATCH_ROWS = 512
_SPOOL_BYTES = 64 << 20


def read_json_or_parquet(
    file: RawFile, codes: Sequence[Code], on_error: OnError, parse: Callable[[Any], Parsed]
) -> Iterator[Batch]:
    """Read a file that is Parquet, JSON lines or a JSON array; its first bytes say which, not its name.

    Args:
        file: The file.
        codes: All codes that may come up: those of the source and `RECORD_CODES`.
        on_error: What to do with a record that is not as it should be.
        parse: Makes rows of one record's value, or raises `RecordFaultError`.

    Returns:
        Batches of bounded size.
    """
    with open_bytes(file.path) as stream:
        try:
            is_parquet = stream.read(len(_MAGIC)) == _MAGIC
        except DamagedFileError:
            is_parquet = False
    read = read_parquet if is_parquet else read_json_records
    return read(file, codes, on_error, parse)


def read_parquet(
    file: RawFile, codes: Sequence[Code], on_error: OnError, parse: Callable[[Any], Parsed]
) -> Iterator[Batch]:
    """Read a Parquet file row by row into batches.

    A row's place is its number, from 1, as the line; its bytes are its canonical JSON.

    Args:
        file: The file.
        codes: All codes that may come up: those of the source and `PARQUET_CODES`.
        on_error: What to do with a record that is not as it should be.
        parse: Makes rows of one record's value, or raises `RecordFaultError`.

    Yields:
        Batches of bounded size.
    """
    builder = BatchBuilder(file, codes, on_error)
    with open_bytes(file.path) as stream, tempfile.SpooledTemporaryFile(_SPOOL_BYTES) as spool:
        try:
            table = stream if stream.seekable() else _unpacked(stream, spool)
        except DamagedFileError as damage:
            builder.reject(RawRecord(b"", 0), damage.code, damage.detail)
        else:
            yield from _read_stream(table, builder, parse)
    if not builder.is_empty:
        yield builder.finish()


def read_rows(
    rows: Iterable[dict[str, Any]], builder: BatchBuilder, parse: Callable[[Any], Parsed], first_line: int = 1
) -> Iterator[Batch]:
    """Take rows that are Python objects for records; the last batch stays open in the builder."""
    for line, row in enumerate(rows, first_line):
        value = plain(row)
        raw = RawRecord(canonical_json(value), 0, line)
        try:
            builder.add(raw, parse(value))
        except RecordFaultError as fault:
            builder.reject(raw, fault.code, fault.detail)
        if builder.is_full:
            yield builder.finish()


def plain(value: Any) -> Any:
    """Write what JSON does not have in JSON's terms: NaN as null, dates and times as ISO 8601, bytes as text."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _written(value)


def _written(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="replace")
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        return str(value)
    return str(value)


def _read_stream(stream: BinaryIO, builder: BatchBuilder, parse: Callable[[Any], Parsed]) -> Iterator[Batch]:
    try:
        table = pq.ParquetFile(stream)
    except (pa.ArrowException, OSError) as error:
        stream.seek(0)
        builder.reject(RawRecord(stream.read(HEAD_BYTES), 0), "not-parquet", _first_line(error))
        return
    line = 1
    for group in range(table.num_row_groups):
        rows = table.metadata.row_group(group).num_rows
        yield from _read_group(table, group, line, builder, parse)
        line += rows


def _read_group(
    table: pq.ParquetFile, group: int, line: int, builder: BatchBuilder, parse: Callable[[Any], Parsed]
) -> Iterator[Batch]:
    pieces = table.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group])
    while True:
        try:
            piece = next(pieces).to_pylist()
        except StopIteration:
            return
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            builder.reject(RawRecord(b"", 0, line), "bad-row-group", f"from row {line:,} on: {_first_line(error)}")
            return
        yield from read_rows(piece, builder, parse, line)
        line += len(piece)


def _unpacked(stream: BinaryIO, spool: Any) -> BinaryIO:
    """Unpack a compressed file to disk: Parquet begins to be read at its end."""
    shutil.copyfileobj(stream, spool)
    spool.seek(0)
    return spool


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
