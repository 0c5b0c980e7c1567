# pyright: basic
"""Reads Parquet row by row, a row group at a time; and files that are Parquet or JSON, told apart by content."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import OnError, Parsed, RawRecord
from dataforge.reading.files import DamagedFileError, open_bytes
from dataforge.reading.json_records import JSON_CODES, read_json_records
from dataforge.reading.json_values import HEAD_BYTES
from dataforge.reading.plain_pieces import PlainPieces
from dataforge.reading.plain_shape import FindShape, nothing_plain
from dataforge.reading.row_records import read_rows

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
_PIECE_BYTES = 8 << 20
_BUFFER_BYTES = 1 << 20
_SPOOL_BYTES = 64 << 20


def read_json_or_parquet(
    file: RawFile,
    codes: Sequence[Code],
    on_error: OnError,
    parse: Callable[[Any], Parsed],
    find_shape: FindShape = nothing_plain,
) -> Iterator[Batch]:
    """Read a file that is Parquet, JSON lines or a JSON array; its first bytes say which, not its name.

    Args:
        file: The file.
        codes: All codes that may come up: those of the source and `RECORD_CODES`.
        on_error: What to do with a record that is not as it should be.
        parse: Makes rows of one record's value, or raises `RecordFaultError`.
        find_shape: Says of which columns whole rows can be made as they are, as `parse` would.

    Returns:
        Batches of bounded size.
    """
    with open_bytes(file.path) as stream:
        try:
            is_parquet = stream.read(len(_MAGIC)) == _MAGIC
        except DamagedFileError:
            is_parquet = False
    read = read_parquet if is_parquet else read_json_records
    return read(file, codes, on_error, parse, find_shape)


def read_parquet(
    file: RawFile,
    codes: Sequence[Code],
    on_error: OnError,
    parse: Callable[[Any], Parsed],
    find_shape: FindShape = nothing_plain,
) -> Iterator[Batch]:
    """Read a Parquet file row by row into batches.

    A row's place is its number, from 1, as the line; its bytes are its canonical JSON.

    Args:
        file: The file.
        codes: All codes that may come up: those of the source and `PARQUET_CODES`.
        on_error: What to do with a record that is not as it should be.
        parse: Makes rows of one record's value, or raises `RecordFaultError`.
        find_shape: Says of which columns whole rows can be made as they are, as `parse` would.

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
            yield from _read_stream(table, builder, parse, find_shape)
    if not builder.is_empty:
        yield builder.finish()


def _read_stream(
    stream: BinaryIO, builder: BatchBuilder, parse: Callable[[Any], Parsed], find_shape: FindShape
) -> Iterator[Batch]:
    try:
        # Read as it is needed: a group's columns at once would be as large as the group.
        table = pq.ParquetFile(stream, buffer_size=_BUFFER_BYTES, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        stream.seek(0)
        builder.reject(RawRecord(stream.read(HEAD_BYTES), 0), "not-parquet", _first_line(error))
        return
    plain = PlainPieces.of(table.schema_arrow, find_shape, builder, parse)
    line = 1
    for group in range(table.num_row_groups):
        if plain is None:
            yield from _read_group(table, group, (line, line), builder, parse)
        else:
            yield from _read_plain_group(table, group, line, plain)
        line += table.metadata.row_group(group).num_rows


def _read_plain_group(table: pq.ParquetFile, group: int, first: int, plain: PlainPieces) -> Iterator[Batch]:
    """Read a group in large pieces; from a piece on that is damaged, it is read in small ones, to lose no more."""
    meta = table.metadata.row_group(group)
    a_row = max(1, meta.total_byte_size // max(1, meta.num_rows))
    size = _BATCH_ROWS * min(max(1, _PIECE_BYTES // (_BATCH_ROWS * a_row)), 16)
    pieces = table.iter_batches(batch_size=size, row_groups=[group], use_threads=False)
    line = first
    while True:
        try:
            piece = next(pieces)
            piece.validate(full=True)
        except StopIteration:
            return
        except (pa.ArrowException, OSError):
            yield from _read_group(table, group, (first, line), plain.builder, plain.parse)
            return
        yield from plain.read(piece, line)
        line += piece.num_rows


def _read_group(
    table: pq.ParquetFile, group: int, lines: tuple[int, int], builder: BatchBuilder, parse: Callable[[Any], Parsed]
) -> Iterator[Batch]:
    """Read a group record by record; `lines` are those of its first row, and of the first that was not read yet."""
    line, wanted = lines
    pieces = table.iter_batches(batch_size=_BATCH_ROWS, row_groups=[group], use_threads=False)
    while True:
        try:
            piece = next(pieces)
            unread = max(0, wanted - line)
            rows = piece.slice(unread).to_pylist()
        except StopIteration:
            return
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            builder.reject(RawRecord(b"", 0, line), "bad-row-group", f"from row {line:,} on: {_first_line(error)}")
            return
        yield from read_rows(rows, builder, parse, line + unread)
        line += piece.num_rows


def _unpacked(stream: BinaryIO, spool: Any) -> BinaryIO:
    """Unpack a compressed file to disk: Parquet begins to be read at its end."""
    shutil.copyfileobj(stream, spool)
    spool.seek(0)
    return spool


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
