"""Collects drafts and record fates into columns, and closes them into batches."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from dataforge.core.codes import Code
from dataforge.core.errors import DataError, InvariantError, Where
from dataforge.core.plugin import Batch, RawFile
from dataforge.core.schema import DRAFT, RECORD
from dataforge.reading.draft_columns import draft_columns
from dataforge.reading.drafts import OnError, Parsed, RawRecord, RowDraft

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
        self._records: dict[str, list[Any]] = {name: [] for name in RECORD}
        self._numbers: list[int] = []
        self._plain: list[tuple[pl.DataFrame, pl.DataFrame]] = []
        self._n_records = self._n_drafts = self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Say whether it is time to hand the batch out."""
        return self._bytes >= MAX_BATCH_BYTES or self._n_records >= MAX_BATCH_RECORDS

    @property
    def is_empty(self) -> bool:
        """Say whether no record has come since the last batch."""
        return not self._n_records

    def room(self, sizes: np.ndarray[Any, np.dtype[np.int64]]) -> int:
        """Say how many of the next records, of so many bytes each, go into the batch until it is full."""
        until_full = int(np.searchsorted(np.cumsum(sizes), MAX_BATCH_BYTES - self._bytes)) + 1
        return min(len(sizes), until_full, MAX_BATCH_RECORDS - self._n_records)

    def hold(self, count: int, size: int) -> tuple[int, int]:
        """Keep places for records that are a draft each and come in columns later, with `add_columns`.

        Args:
            count: How many records.
            size: Their bytes, together.

        Returns:
            The number of the first record in the batch, and that of its draft.
        """
        places = self._n_records, self._n_drafts
        self._n_records += count
        self._n_drafts += count
        self._bytes += size
        return places

    def add_columns(self, drafts: pl.DataFrame, records: pl.DataFrame) -> None:
        """Take plain records with their drafts.

        Args:
            drafts: One line a record, schema `core.schema.DRAFT` without `record` and `ordinal`.
            records: The columns `digest`, `line`, `byte` and `n_bytes` of each, and its numbers as `hold` gave them
                out: `record` and `draft`.
        """
        record = records["record"].cast(pl.UInt32)
        drafts = drafts.with_columns(record, pl.lit(0, dtype=pl.UInt32).alias("ordinal"))
        records = records.with_columns(
            pl.lit("used").alias("fate"),
            *(pl.lit(None, dtype=pl.String).alias(name) for name in ("code", "detail", "excerpt")),
            pl.lit([], dtype=pl.List(pl.String)).alias("repairs"),
            pl.concat_list(pl.col("draft").cast(pl.UInt32)).alias("rows"),
            record.alias(_NUMBER),
        )
        self._plain.append((drafts.select(DRAFT.names()), records.select(*RECORD, _NUMBER)))

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
        places = list(range(self._n_drafts, self._n_drafts + len(parsed.rows)))
        self._n_drafts += len(places)
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
        self._numbers.append(self._n_records)
        self._n_records += 1
        self._bytes += len(raw.data)
        return self._n_records - 1

    def finish(self) -> Batch:
        """Close the batch and begin the next."""
        drafts = [frame for frame, _ in self._plain]
        records = [frame for _, frame in self._plain]
        if self._numbers or not self._plain:
            drafts.append(draft_columns(self._rows, self._row_record, self._row_ordinal))
            mine = pl.DataFrame(self._records, schema=RECORD)
            records.append(mine.with_columns(pl.Series(_NUMBER, self._numbers, dtype=pl.UInt32)))
        self._clear()
        return Batch(_in_order(drafts, "record"), _in_order(records, _NUMBER).drop(_NUMBER))


# The number of a record in its batch, while its table is put together.
_NUMBER = "number"


def _in_order(frames: Sequence[pl.DataFrame], by: str) -> pl.DataFrame:
    """Put frames together; each is in order by itself, and nearly always there is but one."""
    whole = pl.concat(frames, rechunk=False)
    return whole if whole[by].is_sorted() else whole.sort(by, maintain_order=True)


def _excerpt(data: bytes) -> str:
    """Keep the beginning of a rejected record, so that `forge why` can show it without the raw file."""
    text = data[:_EXCERPT_BYTES].decode("utf-8", errors="replace")
    return text + (f" … ({len(data):,} bytes)" if len(data) > _EXCERPT_BYTES else "")
