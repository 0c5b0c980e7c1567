# pyright: basic
"""Puts drafts that are Python objects into columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa

from dataforge.core.schema import DRAFT, MESSAGE_ARROW, RESPONSE_ARROW, polars_schema
from dataforge.reading.drafts import Message, Response, RowDraft

_MESSAGE = polars_schema(pa.schema(list(MESSAGE_ARROW)))
_RESPONSE = polars_schema(pa.schema(list(RESPONSE_ARROW)))


def draft_columns(rows: Sequence[RowDraft], record: Sequence[int], ordinal: Sequence[int]) -> pl.DataFrame:
    """Make a table of drafts, schema `core.schema.DRAFT`.

    Args:
        rows: The drafts.
        record: The number of each one's record.
        ordinal: Its place among the rows of that record.

    Returns:
        One line for each draft, in order.
    """
    # Flat columns and offsets: building nested Python objects costs three times as much. And polars' own way to Arrow:
    # pyarrow imports pandas, where there is one, to look at a Python list (0.2 CPU s).
    columns = [
        _flat(record, DRAFT["record"]),
        _flat(ordinal, DRAFT["ordinal"]),
        _flat([row.group for row in rows], DRAFT["group"]),
        _message_lists([row.prompt for row in rows]),
        _response_lists([row.responses for row in rows]),
        *(_flat([getattr(row, name) for row in rows], DRAFT[name]) for name in ("tools", "url", "author", "license")),
    ]
    frame = pl.from_arrow(pa.Table.from_arrays(columns, names=DRAFT.names()))
    assert isinstance(frame, pl.DataFrame)
    return frame


def _flat(values: Sequence[Any], kind: Any) -> pa.Array:
    return pl.Series(values, dtype=kind).to_arrow()


def _offsets(lists: Sequence[Sequence[Any]]) -> pa.Array:
    ends = np.zeros(len(lists) + 1, dtype=np.int32)
    np.cumsum([len(items) for items in lists], out=ends[1:])
    return pa.Array.from_buffers(pa.int32(), len(ends), [None, pa.py_buffer(ends)])


def _message_lists(lists: Sequence[Sequence[Message]]) -> pa.Array:
    columns = _columns(chain.from_iterable(lists), len(_MESSAGE))
    fields = [_flat(column, kind) for column, kind in zip(columns, _MESSAGE.values(), strict=True)]
    return pa.ListArray.from_arrays(_offsets(lists), pa.StructArray.from_arrays(fields, names=_MESSAGE.names()))


def _response_lists(lists: Sequence[Sequence[Response]]) -> pa.Array:
    columns = _columns(chain.from_iterable(lists), len(_RESPONSE))
    fields = [_message_lists(columns[0])]
    fields += [_flat(column, kind) for column, kind in list(zip(columns, _RESPONSE.values(), strict=True))[1:]]
    return pa.ListArray.from_arrays(_offsets(lists), pa.StructArray.from_arrays(fields, names=_RESPONSE.names()))


def _columns(items: Iterable[tuple[Any, ...]], width: int) -> list[Sequence[Any]]:
    columns: list[Sequence[Any]] = list(zip(*items, strict=True))
    return columns or [()] * width
