"""Finds the records inside one large JSON object, as SQuAD and PubMedQA publish them, without holding the object."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import OnError, Parsed, RawRecord, RecordFaultError
from dataforge.reading.files import DamagedFileError, open_bytes
from dataforge.reading.json_values import HEAD_BYTES, MAX_RECORD_BYTES, Broken, extent_of, parse_json
from dataforge.reading.json_window import Window, cut_off, too_large
from dataforge.reading.parquet_records import read_json_or_parquet

_OVERLAP_BYTES = 1 << 10
_BLANKS_AND_COMMAS = b" \t\r\n,"


def read_json_members(
    file: RawFile,
    codes: Sequence[Code],
    on_error: OnError,
    parse: Callable[[Any], Parsed],
    opening: re.Pattern[bytes],
    member: re.Pattern[bytes],
) -> Iterator[Batch]:
    """Read a file that is one object with its records inside; or, where it is not, JSON records or Parquet.

    A record reaches from one start to the next, so a damaged one costs itself alone. No start can stand inside a
    string, because the quotes in it would be escaped.

    Args:
        file: The file.
        codes: All codes that may come up: those of the source and `RECORD_CODES`.
        on_error: What to do with a record that is not as it should be.
        parse: Makes rows of one record's value, or raises `RecordFaultError`.
        opening: What the file begins with, up to its first record.
        member: How a record starts. A group in it is the record's name: the value is then `{name: value}`, and the
            match ends where the value begins.

    Yields:
        Batches of bounded size.
    """
    if not _begins_with(file, opening):
        yield from read_json_or_parquet(file, codes, on_error, parse)
        return
    builder = BatchBuilder(file, codes, on_error)
    with open_bytes(file.path) as stream:
        for item in _spans(Window(stream), member):
            if isinstance(item, Broken):
                builder.reject(item.raw, item.code, item.detail)
            else:
                _add(builder, item, parse, member)
            if builder.is_full:
                yield builder.finish()
    if not builder.is_empty:
        yield builder.finish()


def _begins_with(file: RawFile, opening: re.Pattern[bytes]) -> bool:
    with open_bytes(file.path) as stream:
        try:
            return opening.match(stream.read(HEAD_BYTES)) is not None
        except DamagedFileError:
            return False


def _add(builder: BatchBuilder, raw: RawRecord, parse: Callable[[Any], Parsed], member: re.Pattern[bytes]) -> None:
    try:
        value, repairs = parse_json(b"{%b}" % raw.data if member.groups else raw.data)
        parsed = parse(value)
    except RecordFaultError as fault:
        builder.reject(raw, fault.code, fault.detail)
        return
    parsed.repairs[:0] = repairs
    builder.add(raw, parsed)


def _spans(window: Window, member: re.Pattern[bytes]) -> Iterator[RawRecord | Broken]:
    start = _next_start(window, member, 0)
    window.advance(window.start + start)
    while window.size:
        end = _next_start(window, member, 1)
        if end > MAX_RECORD_BYTES:
            yield _skip_large(window, member)
            continue
        raw = window.record(window.start + end)
        after = window.start + end
        if end == window.size:
            yield from _last(window, raw, member)
        else:
            yield raw._replace(data=raw.data.rstrip(_BLANKS_AND_COMMAS))
        window.advance(after)


def _last(window: Window, raw: RawRecord, member: re.Pattern[bytes]) -> Iterator[RawRecord | Broken]:
    """Cut off what closes the object, and whatever else it holds; say so where nothing closes it."""
    found = member.match(raw.data)
    begin = found.end() if found is not None and member.groups else 0
    extent = extent_of(raw.data[begin:])
    if extent.end is None:
        yield cut_off(window, raw) if extent.fault is None else raw
        return
    end = begin + extent.end
    yield raw._replace(data=raw.data[:end])
    if window.damage is not None or b"}" not in raw.data[end:]:
        window.advance(len(window.data))
        yield cut_off(window, window.record(len(window.data)))


def _next_start(window: Window, member: re.Pattern[bytes], reach: int) -> int:
    """Find the next start of a record, counted from the window's start; its size where there is none."""
    while True:
        found = member.search(window.data, window.start + reach)
        if found is not None:
            return found.start() - window.start
        reach = max(reach, window.size - _OVERLAP_BYTES)
        if window.size > MAX_RECORD_BYTES or not window.grow():
            return window.size


def _skip_large(window: Window, member: re.Pattern[bytes]) -> Broken:
    raw = window.record(window.start + HEAD_BYTES)
    window.advance(window.start + 1)
    while True:
        found = member.search(window.data, window.start)
        if found is not None:
            window.advance(found.start())
            break
        window.advance(max(window.start, len(window.data) - _OVERLAP_BYTES))
        if not window.grow():
            window.advance(len(window.data))
            break
    return too_large(raw, window.byte - raw.byte)
