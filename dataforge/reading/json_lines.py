"""JSON lines: one record a line; a bad line costs that line."""

from __future__ import annotations

import re
from collections.abc import Iterator

import orjson

from dataforge.reading.drafts import RawRecord
from dataforge.reading.json_values import HEAD_BYTES, MAX_RECORD_BYTES, UNPARSED, Broken, Found, needs_more
from dataforge.reading.json_window import Window, cut_off, too_large

# Enough that a damaged line among the first does not hide that there are lines.
_LOOK_LINES = 10
_LOOK_BYTES = 8 << 20
_OBJECT = re.compile(rb'\{\s*"')
_BLANKS = b" \t\r"


def are_lines(window: Window) -> bool:
    """Tell JSON lines from other layouts: a line is a whole object, or nothing in the file looks like an object."""
    if window.data[window.start : window.start + 1] == b"[":
        return False
    while window.data.count(b"\n", window.start) < _LOOK_LINES and window.size < _LOOK_BYTES and window.grow():
        pass
    end = len(window.data) if window.is_at_end else window.data.rfind(b"\n") + 1
    lines = window.data[window.start : end].split(b"\n")
    return any(_is_object(line) for line in lines if line.startswith(b"{")) or not _OBJECT.search(window.data)


def _is_object(line: bytes) -> bool:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError:
        return False
    return True


def split_lines(window: Window) -> Iterator[Found | Broken]:
    """Give one record for each line that is not blank.

    Args:
        window: The file, at the start of a line.

    Yields:
        A record, or a `Broken` for a line that is too long or cut off.
    """
    while True:
        end = window.data.rfind(b"\n", window.start)
        if end >= 0:
            yield from _whole_lines(window, end)
        elif window.size > MAX_RECORD_BYTES:
            yield _skip_line(window)
        elif not window.grow():
            break
    if window.data[window.start :].strip():
        yield from _last_line(window)
    elif window.damage is not None:
        yield cut_off(window, window.record(len(window.data)))


def _whole_lines(window: Window, end: int) -> Iterator[Found | Broken]:
    byte, line = window.byte, window.line
    for text in window.data[window.start : end].split(b"\n"):
        if not text.isspace() and text:
            data = text.strip(_BLANKS)
            yield _record(RawRecord(data, byte + len(text) - len(text.lstrip(_BLANKS)), line))
        byte += len(text) + 1
        line += 1
    window.advance(end + 1)


def _record(raw: RawRecord) -> Found | Broken:
    if len(raw.data) > MAX_RECORD_BYTES:
        return too_large(raw, len(raw.data))
    try:
        return Found(raw, orjson.loads(raw.data))
    except orjson.JSONDecodeError:
        return Found(raw, UNPARSED)


def _last_line(window: Window) -> Iterator[Found | Broken]:
    text = window.data[window.start :]
    window.advance(window.start + len(text) - len(text.lstrip(_BLANKS)))
    item = _record(RawRecord(text.strip(_BLANKS), window.byte, window.line))
    if isinstance(item, Found) and item.value is UNPARSED and needs_more(item.raw.data):
        yield cut_off(window, item.raw)
        return
    yield item
    window.advance(len(window.data))
    if window.damage is not None:
        yield cut_off(window, window.record(len(window.data)))


def _skip_line(window: Window) -> Broken:
    """Let a line go by without holding it."""
    raw = RawRecord(window.data[window.start : window.start + HEAD_BYTES], window.byte, window.line)
    while True:
        end = window.data.find(b"\n", window.start)
        window.advance(len(window.data) if end < 0 else end)
        if end >= 0 or not window.grow():
            return too_large(raw, window.byte - raw.byte)
