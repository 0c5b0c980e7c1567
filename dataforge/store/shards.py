# pyright: basic
"""Frames as bytes: one canonical Arrow form, so that equal rows have equal digests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import polars as pl
import pyarrow as pa

from dataforge.store.home import Store


def put_frame(store: Store, frame: pl.DataFrame) -> str:
    """Keep a frame; give the SHA-256 of its Arrow stream."""
    return store.put(frame_bytes(frame))


def get_frame(store: Store, digest: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read a frame, or some of its columns."""
    options = None
    data = pa.py_buffer(store.get(digest))
    if columns is not None:
        names = pa.ipc.open_stream(data).schema.names
        options = pa.ipc.IpcReadOptions(included_fields=[names.index(column) for column in columns])
    table = pa.ipc.open_stream(data, options=options).read_all()
    frame = pl.from_arrow(table)
    assert isinstance(frame, pl.DataFrame)
    return frame if columns is None else frame.select(columns)


def get_rows(store: Store, digest: str, places: Any) -> pl.DataFrame:
    """Read some rows of a frame: the others' texts are not touched.

    Args:
        store: The project's store.
        digest: The frame.
        places: Which rows, a numpy array of integers.

    Returns:
        Those rows, in that order.
    """
    table = pa.ipc.open_stream(pa.py_buffer(store.get(digest))).read_all()
    frame = pl.from_arrow(table.take(pa.array(places)))
    assert isinstance(frame, pl.DataFrame)
    return frame


def frame_bytes(frame: pl.DataFrame) -> memoryview:
    """Write a frame as one record batch of an Arrow stream.

    Not compressed: LZ4 costs more CPU than all else that is done to write and read an object.
    """
    table = to_arrow(frame)
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return memoryview(sink.getvalue())


def to_arrow(frame: pl.DataFrame) -> Any:
    """Give a frame as Arrow with plain strings and lists in one chunk, as every loader knows them."""
    table = frame.to_arrow(compat_level=pl.CompatLevel.oldest()).combine_chunks()
    return table.cast(pa.schema([pa.field(field.name, plain_type(field.type)) for field in table.schema]))


def plain_type(kind: pa.DataType) -> pa.DataType:
    """Replace large strings, binaries and lists by the plain ones, at every depth."""
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return pa.string()
    if pa.types.is_large_binary(kind):
        return pa.binary()
    if pa.types.is_large_list(kind) or pa.types.is_list(kind):
        return pa.list_(plain_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, plain_type(field.type)) for field in kind])
    return kind
