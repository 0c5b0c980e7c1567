# pyright: basic
"""Collects drafts and record fates into columns, and closes them into batches."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import polars as pl
import pyarrow as pa

from dataforge.core.codes import Code
from dataforge.core.errors import DataError, InvariantError, Where
from dataforge.core.plugin import Batch, RawFile
from dataforge.core.schema import DRAFT_ARROW, MESSAGE_ARROW, RECORD_ARROW, RESPONSE_ARROW
from dataforge.reading.drafts import Message, OnError, Parsed, RawRecord, Response, RowDraft

# A batch is closed at either bound, so that memory does not grow with the file.
MAX_BATCH_BYTES = 16 << 20
MAX_BATCH_RECORDS = 20_000

_EXCERPT_BYTES = 600


class BatchBuilder:
    """Turns what a source says of each record into the columns of a batch.

    Args:
        file: The file that is read; its label goes into messages.
        codes: All codes the source may use.
        on_error: What to do with a record that is not as it should be: repair what can be repaired and reject
            the rest, reject all of it, or fail at the first.
    """

    def __init__(self, file: RawFile, codes: Sequence[Code], on_error: OnError) -> None:
        self._file = file
        self._codes = {code.name: code for code in codes}
        self._on_error = on_error
        self._clear()

    def _clear(self) -> None:
        self._rows: list[RowDraft] = []
        self._row_record: list[int] = []
        self._row_ordinal: list[int] = []
        self._records: dict[str, list[Any]] = {name: [] for name in RECORD_ARROW.names}
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Say whether it is time to hand the batch out."""
        return self._bytes >= MAX_BATCH_BYTES or len(self._records["byte"]) >= MAX_BATCH_RECORDS

    @property
    def is_empty(self) -> bool:
        """Say whether no record has come since the last batch."""
        return not self._records["byte"]

    def add(self, raw: RawRecord, parsed: Parsed) -> list[int]:
        """Take a record with its rows, or reject it where the policy allows no repair.

        Args:
            raw: The record's bytes and place.
            parsed: Its rows, at least one, and the codes of what was repaired.

        Returns:
            The places of its rows in the batch, for `merge`; empty where the record was rejected.

        Raises:
            DataError: Under the policy `fail`, when something had to be repaired.
        """
        if parsed.repairs and self._on_error != "repair":
            self.reject(raw, parsed.repairs[0])
            return []
        if not parsed.rows:
            msg = f"{self._file.label}: a record gave no row and no fault"
            raise InvariantError(msg, where=Where(self._file.label, raw.line, byte=raw.byte))
        first = len(self._rows)
        places = list(range(first, first + len(parsed.rows)))
        record = self._note(raw, "used", repairs=list(dict.fromkeys(parsed.repairs)), rows=places)
        self._rows.extend(parsed.rows)
        self._row_record.extend([record] * len(places))
        self._row_ordinal.extend(range(len(places)))
        return places

    def merge(self, raw: RawRecord, rows: Sequence[int], repairs: Sequence[str] = ()) -> None:
        """Note that a record went into rows that another record brought (an answer into its question's row)."""
        self._note(raw, "merged", repairs=list(repairs), rows=list(rows))

    def reject(self, raw: RawRecord, code: str, detail: str = "") -> None:
        """Note that a record is not used, and why.

        Args:
            raw: The record's bytes and place; the ledger keeps an excerpt.
            code: One of the codes of the source.
            detail: What exactly is wrong with this record; may be empty.

        Raises:
            DataError: Under the policy `fail`, when the code is a fault.
        """
        known = self._codes.get(code)
        if known is None:
            msg = f"{self._file.label}: code '{code}' is not declared by its source"
            raise InvariantError(msg)
        if self._on_error == "fail" and known.is_fault:
            about = f": {detail}" if detail else ""
            raise DataError(
                f"{known.name}: {known.what}{about}",
                where=Where(self._file.label, raw.line, byte=raw.byte),
                fix="mend the record, or set on_error to 'repair' or 'reject' for this source",
            )
        self._note(raw, "rejected", code=code, detail=detail or None, excerpt=_excerpt(raw.data))

    def _note(self, raw: RawRecord, fate: str, **known: Any) -> int:
        columns = self._records
        columns["digest"].append(hashlib.sha256(raw.data).digest())
        columns["line"].append(raw.line)
        columns["byte"].append(raw.byte)
        columns["n_bytes"].append(len(raw.data))
        columns["fate"].append(fate)
        columns["code"].append(known.get("code"))
        columns["detail"].append(known.get("detail"))
        columns["excerpt"].append(known.get("excerpt"))
        columns["repairs"].append(known.get("repairs", []))
        columns["rows"].append(known.get("rows", []))
        self._bytes += len(raw.data)
        return len(columns["byte"]) - 1

    def finish(self) -> Batch:
        """Close the batch and begin the next."""
        drafts = _drafts_table(self._rows, self._row_record, self._row_ordinal)
        records = pa.table(self._records, schema=RECORD_ARROW)
        self._clear()
        return Batch(_frame(drafts), _frame(records))


def _frame(table: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame


def _drafts_table(rows: list[RowDraft], record: list[int], ordinal: list[int]) -> pa.Table:
    # Flat columns and offsets: building nested Python objects costs three times as much.
    columns = [
        pa.array(record, pa.uint32()),
        pa.array(ordinal, pa.uint32()),
        pa.array([row.group for row in rows], pa.string()),
        _message_lists([row.prompt for row in rows]),
        _response_lists([row.responses for row in rows]),
        pa.array([row.tools for row in rows], pa.string()),
        pa.array([row.url for row in rows], pa.string()),
        pa.array([row.author for row in rows], pa.string()),
        pa.array([row.license for row in rows], pa.string()),
    ]
    return pa.Table.from_arrays(columns, schema=DRAFT_ARROW)


def _offsets(lists: Sequence[Sequence[Any]]) -> pa.Array:
    ends = [0]
    total = 0
    for items in lists:
        total += len(items)
        ends.append(total)
    return pa.array(ends, pa.int32())


def _message_lists(lists: Sequence[Sequence[Message]]) -> pa.Array:
    columns = _columns(chain.from_iterable(lists), len(MESSAGE_ARROW))
    fields = [pa.array(column, field.type) for column, field in zip(columns, MESSAGE_ARROW, strict=True)]
    return pa.ListArray.from_arrays(_offsets(lists), pa.StructArray.from_arrays(fields, fields=list(MESSAGE_ARROW)))


def _response_lists(lists: Sequence[Sequence[Response]]) -> pa.Array:
    columns = _columns(chain.from_iterable(lists), len(RESPONSE_ARROW))
    fields: list[pa.Array] = [_message_lists(columns[0])]
    fields += [pa.array(column, field.type) for column, field in list(zip(columns, RESPONSE_ARROW, strict=True))[1:]]
    return pa.ListArray.from_arrays(_offsets(lists), pa.StructArray.from_arrays(fields, fields=list(RESPONSE_ARROW)))


def _columns(items: Iterable[tuple[Any, ...]], width: int) -> list[Sequence[Any]]:
    columns: list[Sequence[Any]] = list(zip(*items, strict=True))
    return columns or [()] * width


def _excerpt(data: bytes) -> str:
    """Keep the beginning of a rejected record, so that `forge why` can show it without the raw file."""
    text = data[:_EXCERPT_BYTES].decode("utf-8", errors="replace")
    return text + (f" … ({len(data):,} bytes)" if len(data) > _EXCERPT_BYTES else "")
