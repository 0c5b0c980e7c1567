"""Finds the records of a JSON file: a JSON array, JSON lines or objects one after the other, told apart by content."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import OnError, Parsed, RawRecord, RecordFaultError
from dataforge.reading.files import open_bytes
from dataforge.reading.json_array import split_values
from dataforge.reading.json_lines import are_lines, split_lines
from dataforge.reading.json_values import JSON_CODES, MAX_RECORD_BYTES, UNPARSED, Broken, Found, parse_json
from dataforge.reading.json_window import Window
from dataforge.reading.plain_records import PlainRecords
from dataforge.reading.plain_shape import FindShape, nothing_plain

__all__ = ["JSON_CODES", "MAX_RECORD_BYTES", "Broken", "json_records", "parse_json", "read_json_records"]

# Longest first: the mark of UTF-32 begins with that of UTF-16.
_WRONG_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_BLANKS = b" \t\r\n"


def json_records(path: Path) -> Iterator[RawRecord | Broken]:
    """Give the raw records of a JSON file in order, with their exact lines and bytes.

    Memory is bounded by a few chunks or one record, whichever is larger. A damaged place costs the record it is in.

    Args:
        path: The file; compressed files are unpacked.

    Yields:
        A record, or a `Broken` for a span that is none.
    """
    for item in _found(path):
        yield item if isinstance(item, Broken) else item.raw


def read_json_records(
    file: RawFile,
    codes: Sequence[Code],
    on_error: OnError,
    parse: Callable[[Any], Parsed],
    find_shape: FindShape = nothing_plain,
) -> Iterator[Batch]:
    """Read a JSON file record by record into batches.

    Args:
        file: The file.
        codes: All codes that may come up: those of the source and `JSON_CODES`.
        on_error: What to do with a record that is not as it should be.
        parse: Makes rows of one record's value, or raises `RecordFaultError`.
        find_shape: Says of which fields whole rows can be made as they are, as `parse` would.

    Yields:
        Batches of bounded size.
    """
    builder = BatchBuilder(file, codes, on_error)
    plain = PlainRecords(find_shape(None), builder)
    for item in _found(file.path):
        if isinstance(item, Broken):
            builder.reject(item.raw, item.code, item.detail)
        elif not plain.take(item.raw, item.value):
            _add(builder, item, parse)
        if builder.is_full:
            plain.close()
            yield builder.finish()
    plain.close()
    if not builder.is_empty:
        yield builder.finish()


def _add(builder: BatchBuilder, item: Found, parse: Callable[[Any], Parsed]) -> None:
    value, repairs = item.value, []
    try:
        if value is UNPARSED:
            value, repairs = parse_json(item.raw.data)
        parsed = parse(value)
    except RecordFaultError as fault:
        builder.reject(item.raw, fault.code, fault.detail)
        return
    if repairs:
        parsed.repairs[:0] = repairs
    builder.add(item.raw, parsed)


def _found(path: Path) -> Iterator[Found | Broken]:
    with open_bytes(path) as stream:
        window = Window(stream)
        window.grow()
        for mark, name in _WRONG_MARKS:
            if window.data.startswith(mark):
                raw = RawRecord(window.data[:1000], 0, 1)
                yield Broken(raw, "wrong-encoding", f"the file begins with the mark of {name}")
                return
        if window.data.startswith(codecs.BOM_UTF8):
            window.advance(len(codecs.BOM_UTF8))
        yield from _split(window)


def _split(window: Window) -> Iterator[Found | Broken]:
    while True:
        blanks = window.size - len(window.data[window.start :].lstrip(_BLANKS))
        window.advance(window.start + blanks)
        if window.size or not window.grow():
            break
    if not window.size:
        code = window.damage.code if window.damage else "empty-file"
        yield Broken(RawRecord(b"", window.byte, window.line), code, window.damage.detail if window.damage else "")
    elif are_lines(window):
        yield from split_lines(window)
    else:
        yield from split_values(window)
