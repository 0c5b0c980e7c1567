"""Takes records that are Python objects, the plain ones by whole columns."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, cast

import polars as pl

from dataforge.core.schema import RECORD
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import RawRecord
from dataforge.reading.plain_rows import drafts_of
from dataforge.reading.plain_shape import PlainShape
from dataforge.reading.turns import is_blank

_NUMBERS = {"record": pl.UInt32(), "draft": pl.UInt32()}
_RECORDS = {name: RECORD[name] for name in ("digest", "line", "byte", "n_bytes")} | _NUMBERS


class PlainRecords:
    """Collects the plain records of a batch.

    Args:
        shape: Which fields hold what; None where no record is plain.
        builder: Takes the records.
    """

    def __init__(self, shape: PlainShape | None, builder: BatchBuilder) -> None:
        self._shape = shape if shape is not None and shape.messages is None else None
        self._builder = builder
        self._clear()

    def _clear(self) -> None:
        self._texts: list[list[str | None]] = []
        self._records: list[tuple[bytes, int | None, int, int, int, int]] = []

    def take(self, raw: RawRecord, value: Any) -> bool:
        """Take a record if it is plain.

        Args:
            raw: Its bytes and place.
            value: The record.

        Returns:
            Whether it was taken; if not, it must be looked at by itself.
        """
        found = self._shape and _plain_values(self._shape, value)
        if not found:
            return False
        data = raw.data
        self._texts.append(found)
        self._records.append((sha256(data).digest(), raw.line, raw.byte, len(data), *self._builder.hold(1, len(data))))
        return True

    def close(self) -> None:
        """Hand what was collected to the builder, before it closes a batch."""
        if not self._texts or self._shape is None:
            return
        names = [*self._shape.texts, *self._shape.words.values()]
        texts = dict(zip(names, zip(*self._texts, strict=True), strict=True))
        _, drafts = drafts_of(pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)), self._shape)
        columns = zip(*self._records, strict=True)
        self._builder.add_columns(drafts, pl.DataFrame(dict(zip(_RECORDS, columns, strict=True)), schema=_RECORDS))
        self._clear()


def _plain_values(shape: PlainShape, value: Any) -> list[str | None] | None:
    """Give the texts and words of a record, or None where it is not plain."""
    # Exact types: true is no number here, and `Fields` knows what to do with all others.
    if type(value) is not dict or not shape.needed <= value.keys():
        return None
    record = cast("dict[str, Any]", value)
    found: list[Any] = []
    for name in shape.texts:
        text = record.get(name)
        if type(text) is not str or is_blank(text):
            return None
        found.append(text)
    if len(shape.replies) == 2 and found[-1] == found[-2]:
        return None
    return found if not shape.words else _with_words(found, [record.get(name) for name in shape.words.values()])


def _with_words(found: list[Any], words: list[Any]) -> list[str | None] | None:
    if any(word is not None and type(word) is not str and type(word) is not int for word in words):
        return None
    return [*found, *(word if word is None else str(word) for word in words)]
