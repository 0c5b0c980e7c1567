# pyright: basic
"""Takes pieces of an Arrow table for records: the plain ones by whole columns, the others one by one, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import orjson
import polars as pl
import pyarrow as pa

from dataforge.core.fingerprint import canonical_json
from dataforge.core.plugin import Batch
from dataforge.core.schema import polars_schema
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import Parsed
from dataforge.reading.plain_rows import drafts_of, holds
from dataforge.reading.plain_shape import FindShape, PlainShape
from dataforge.reading.row_records import add_row, plain, read_rows

# Nested deeper than this, a value is left to the slower writer of JSON, which has no limit of its own.
_MOST_LEVELS = 50


@dataclass(frozen=True, slots=True)
class PlainPieces:
    """Reads pieces of one table.

    Args:
        shape: Which columns hold what.
        builder: Takes the records.
        parse: Makes rows of one record that is not plain.
        is_quick: Whether orjson writes the rows as `canonical_json` does: there are no floats, dates or bytes.
    """

    shape: PlainShape
    builder: BatchBuilder
    parse: Callable[[Any], Parsed]
    is_quick: bool

    @classmethod
    def of(
        cls, schema: pa.Schema, find_shape: FindShape, builder: BatchBuilder, parse: Callable[[Any], Parsed]
    ) -> PlainPieces | None:
        """Make a reader for a table, or None where each of its records must be looked at by itself."""
        shape = find_shape(schema.names) if len({*schema.names}) == len(schema.names) else None
        if shape is None:
            return None
        try:
            asked = polars_schema(pa.schema([schema.field(name) for name in shape.columns]))
        except (pa.ArrowException, pl.exceptions.PolarsError):
            return None
        if not holds(shape, asked):
            return None
        return cls(shape, builder, parse, all(_is_plain_json(field.type) for field in schema))

    def read(self, piece: pa.RecordBatch, line: int) -> Iterator[Batch]:
        """Take the records of a piece, whose first row has this number; the last batch stays open in the builder."""
        is_plain, drafts = drafts_of(_frame(piece.select(self.shape.columns)), self.shape)
        if 2 * drafts.height < piece.num_rows:
            yield from read_rows(piece.to_pylist(), self.builder, self.parse, line)
            return
        digests, sizes = self._names(piece)
        records = pl.DataFrame({"digest": digests, "n_bytes": sizes}).with_columns(
            pl.int_range(line, line + pl.len(), dtype=pl.Int64).alias("line"), pl.lit(0, dtype=pl.Int64).alias("byte")
        )
        records = records if is_plain.all() else records.filter(is_plain)
        before = np.concatenate([[0], np.cumsum(is_plain)])
        start = 0
        while start < piece.num_rows:
            end = start + self.builder.room(sizes[start:])
            record, draft = self._in_turn(piece, slice(start, end), line, is_plain, sizes)
            first, count = before[start], before[end] - before[start]
            if count:
                mine = records.slice(first, count).with_columns(record=record, draft=draft)
                self.builder.add_columns(drafts.slice(first, count), mine)
            if self.builder.is_full:
                yield self.builder.finish()
            start = end

    def _in_turn(
        self, piece: pa.RecordBatch, span: slice, line: int, is_plain: np.ndarray, sizes: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Keep places for the plain records of a span, and add the others between them; give out their numbers."""
        numbers: list[np.ndarray] = []
        at = span.start
        for odd in (*np.flatnonzero(~is_plain[span]) + span.start, span.stop):
            if odd > at:
                places = self.builder.hold(int(odd - at), int(sizes[at:odd].sum()))
                numbers.append(np.array(places)[:, np.newaxis] + np.arange(odd - at))
            if odd < span.stop:
                add_row(piece.slice(odd, 1).to_pylist()[0], self.builder, self.parse, line + int(odd))
            at = odd + 1
        record, draft = np.concatenate(numbers, axis=1) if numbers else np.empty((2, 0), dtype=np.int64)
        return record, draft

    def _names(self, piece: pa.RecordBatch) -> tuple[list[bytes], np.ndarray]:
        """Give digest and size of each record's canonical JSON."""
        if self.is_quick:
            names = piece.schema.names
            columns = [column.to_list() for column in _frame(piece).iter_columns()]
            rows = (dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True))
            written = (orjson.dumps(row, option=orjson.OPT_SORT_KEYS) for row in rows)
        else:
            written = (canonical_json(plain(row)) for row in piece.to_pylist())
        digests: list[bytes] = []
        sizes: list[int] = []
        for data in written:
            digests.append(sha256(data).digest())
            sizes.append(len(data))
        return digests, np.array(sizes, dtype=np.int64)


def _frame(piece: pa.RecordBatch) -> pl.DataFrame:
    frame = pl.from_arrow(piece)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _is_plain_json(kind: pa.DataType, levels: int = _MOST_LEVELS) -> bool:
    """Say whether values of a type are text, whole numbers, true or false, null, or lists and objects of these."""
    is_kind = pa.types
    if is_kind.is_list(kind) or is_kind.is_large_list(kind):
        return levels > 0 and _is_plain_json(kind.value_type, levels - 1)
    if is_kind.is_struct(kind):
        names = {field.name for field in kind}
        return levels > 0 and len(names) == kind.num_fields and all(_is_plain_json(f.type, levels - 1) for f in kind)
    if is_kind.is_string(kind) or is_kind.is_large_string(kind) or is_kind.is_integer(kind):
        return True
    return is_kind.is_boolean(kind) or is_kind.is_null(kind)
