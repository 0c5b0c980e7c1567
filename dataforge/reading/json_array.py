"""Splits a JSON array, or objects one after the other, into records; a damaged place costs the record it is in.

Structure is not scanned. The next place that looks like the start of a record is found by the name of its first
field, and the parser says whether what stands before it is one whole value. A whole value is unambiguous, so a wrong
guess costs time and never a record. Where the parser finds damage, reading goes on at the next place that parses and
has the same fields as the records before.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Literal, NamedTuple

import orjson

from dataforge.reading.drafts import RawRecord
from dataforge.reading.json_starts import ANY_START, Starts
from dataforge.reading.json_values import HEAD_BYTES, MAX_RECORD_BYTES, UNPARSED, Broken, Found, extent_of
from dataforge.reading.json_window import Window, cut_off, too_large

_BETWEEN = re.compile(rb"[ \t\r\n,]*")
# A start that is cut by the end of the window is found again when the window has grown.
_OVERLAP_BYTES = 1 << 10
_BRACKET_BEFORE_OBJECT = re.compile(rb"\[[\s,\[]*\{")
_BLANKS = b" \t\r\n"


_FIRST_LOOK_BYTES = 64 << 10
_MAX_TRIES = 1_000
_TOO_LARGE = "too large"


class _Value(NamedTuple):
    """The value at some place of the window.

    Args:
        end: Where it ends, counted from the window's start; None where it breaks off or is broken.
        value: What the fast parser made of it.
        fault: Why it is broken; None where it breaks off with the file.
    """

    end: int | None = None
    value: Any = UNPARSED
    fault: str | None = None


def split_values(window: Window) -> Iterator[Found | Broken]:
    """Give the values of an array, or of a file of objects one after the other.

    Args:
        window: The file, at its first byte that is not blank.

    Yields:
        A record, or a `Broken` for a span that is none.
    """
    starts = Starts(window.data[window.start : window.start + HEAD_BYTES])
    is_open = False
    while True:
        is_open = _skip_between(window, is_open=is_open)
        if not window.size:
            break
        item = _next(window, starts)
        yield item
        if isinstance(item, Broken) and item.code in {"cut-off", "cut-off-compression", "damaged-compression"}:
            return
    if is_open or window.damage is not None:
        yield cut_off(window, window.record(len(window.data)))


def _skip_between(window: Window, *, is_open: bool) -> bool:
    """Pass over what stands between records; say whether an array is open after it."""
    while True:
        match = _BETWEEN.match(window.data, window.start)
        assert match is not None
        window.advance(match.end())
        if not window.size and window.grow():
            continue
        mark = window.data[window.start : window.start + 1]
        if mark != (b"]" if is_open else b"["):
            return is_open
        is_open = not is_open
        window.advance(window.start + 1)


def _next(window: Window, starts: Starts) -> Found | Broken:
    if _is_stray_bracket(window, starts):
        stray = window.record(window.start + 1)
        window.advance(window.start + 1)
        return Broken(stray, "not-json", "a bracket between two records")
    found = _measure(window, starts, 0)
    if found.end is None:
        return _skip_damage(window, starts, found.fault)
    item = Found(window.record(window.start + found.end), found.value)
    starts.learn(item.raw.data, found.value)
    window.advance(window.start + found.end)
    return item


def _is_stray_bracket(window: Window, starts: Starts) -> bool:
    """Say whether a bracket stands here that opens nothing, before a record like the last."""
    match = _BRACKET_BEFORE_OBJECT.match(window.data, window.start)
    if match is None or not starts.usual_bytes:
        return False
    return starts.are_like(_measure(window, starts, match.end() - 1 - window.start).value)


def _measure(window: Window, starts: Starts, place: int) -> _Value:
    """Find out what stands at a place, counted from the window's start."""
    reach = place + 1
    # Not the whole window: the parser would copy it for every record whose end is hard to find.
    limit = place + max(_FIRST_LOOK_BYTES, 4 * starts.usual_bytes)
    while True:
        end, why = _find_start(window, starts.find, reach, limit)
        if end - place > MAX_RECORD_BYTES:
            return _Value(fault=_TOO_LARGE)
        piece = window.data[window.start + place : window.start + end]
        text = _trimmed(piece, is_last=why == "file ends")
        value = _loads(text)
        if value is not UNPARSED:
            return _Value(place + len(text), value)
        extent = extent_of(piece)
        if extent.end is not None:
            return _checked(piece, place, extent.end)
        if extent.fault is not None or why == "file ends":
            return _Value(fault=extent.fault)
        # The start belonged to a part of this record: take twice as much, so that the work stays in proportion.
        reach = place + 2 * len(piece)
        limit = max(limit, place + 4 * len(piece))


def _loads(data: bytes) -> Any:
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return UNPARSED


def _checked(piece: bytes, place: int, end: int) -> _Value:
    """Refuse a word that is left over from a damaged record, such as a field's name with its colon."""
    after = piece[end:].lstrip(_BLANKS)[:1]
    if piece[:1] in b"{[" or after in b",]{[":
        return _Value(place + end, _loads(piece[:end]))
    return _Value(fault=f"'{after.decode(errors='replace')}' follows a value")


def _trimmed(piece: bytes, *, is_last: bool) -> bytes:
    text = piece.rstrip(_BLANKS + b",")
    return text.removesuffix(b"]").rstrip(_BLANKS + b",") if is_last else text


def _find_start(
    window: Window, find: Callable[[bytes, int, int], int], reach: int, limit: int
) -> tuple[int, Literal["found", "limit", "file ends"]]:
    """Find the next start of a record from a place on, but not beyond a limit; all are counted from the window's start.

    Args:
        window: The bytes at hand; it grows as the search goes on.
        find: Looks for a start between two places of the bytes, and gives -1 where there is none.
        reach: Where to begin.
        limit: Where to give up.

    Returns:
        The start, or the place where the search has ended; and which of them it is.
    """
    while True:
        found = find(window.data, window.start + reach, window.start + limit)
        if found >= 0:
            return found - window.start, "found"
        if window.size >= limit:
            return limit, "limit"
        reach = max(reach, window.size - _OVERLAP_BYTES)
        if not window.grow():
            return window.size, "file ends"


def _skip_damage(window: Window, starts: Starts, fault: str | None) -> Broken:
    """Go on at the next place that parses as a record; what stands before it is one `Broken`."""
    kept: RawRecord | None = None
    reach, tries = 1, 0
    while True:
        # Any object may be the next record, but hostile data must not make us try millions.
        find = _find_object if tries < _MAX_TRIES else starts.find
        place, why = _find_start(window, find, reach, MAX_RECORD_BYTES)
        if why == "file ends" or (why == "found" and starts.are_like(_measure(window, starts, place).value)):
            break
        reach, tries = place + 1, tries + 1
        if why == "limit":
            # Nothing in a whole record's length: let it go by, and keep its beginning to be shown.
            kept = kept or window.record(window.start + HEAD_BYTES)
            window.advance(window.start + place - _OVERLAP_BYTES)
            reach = 0
    is_last = why == "file ends"
    raw = kept or window.record(window.start + _span(window, place, is_last=is_last, fault=fault))
    size = window.byte + place - raw.byte
    window.advance(window.start + (place if kept else len(raw.data)))
    if fault is None:
        return cut_off(window, raw)
    if kept is not None or fault == _TOO_LARGE:
        return too_large(raw, size)
    return Broken(raw, "not-json", fault)


def _find_object(data: bytes, start: int, end: int) -> int:
    match = ANY_START.search(data, start, end)
    return match.start() if match else -1


def _span(window: Window, place: int, *, is_last: bool, fault: str | None) -> int:
    """Leave the comma, and at the end of a file the bracket, out of a broken span."""
    span = window.data[window.start : window.start + place]
    return len(_trimmed(span, is_last=is_last and fault is not None)) or len(span)
