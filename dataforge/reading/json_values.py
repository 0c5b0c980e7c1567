"""Parses the bytes of one record as JSON, mends what can be mended, and says where the rest is broken."""

from __future__ import annotations

import json
import re
from typing import Any, Final, NamedTuple, cast

import orjson

from dataforge.core.codes import Code
from dataforge.reading.drafts import RawRecord, RecordFaultError

MAX_RECORD_BYTES = 64 << 20

# As much of a record that is too large to be held is kept, to be shown.
HEAD_BYTES = 4 << 10

UNPARSED: Final = object()


class Found(NamedTuple):
    """A record and its value; `UNPARSED` where the fast parser refused it, and `parse_json` shall say why."""

    raw: RawRecord
    value: Any


class Broken(NamedTuple):
    """A span of the file that is no record: what is wrong with it, as one of `JSON_CODES`."""

    raw: RawRecord
    code: str
    detail: str


JSON_CODES: tuple[Code, ...] = (
    Code("not-json", "The record is not JSON."),
    Code("not-an-object", "The record is JSON, but not an object with named fields."),
    Code("cut-off", "The file ends in the middle of the record, or before its array is closed."),
    Code("too-large", "The record is larger than one record may be."),
    Code("bad-utf8", "The record has bytes that are no UTF-8 text."),
    Code("wrong-encoding", "The file is UTF-16 or UTF-32 text, not UTF-8."),
    Code("empty-file", "The file holds nothing but blanks."),
    Code("cut-off-compression", "The compressed file breaks off; what could be unpacked was read."),
    Code("damaged-compression", "The compressed file is damaged; what could be unpacked before that was read."),
    Code(
        "lone-surrogate",
        "A \\u escape names half of a character.",
        repair="The half becomes U+FFFD, the replacement character.",
    ),
    Code(
        "control-character",
        "A string holds a raw control character, which JSON wants escaped.",
        repair="The character is kept as it is.",
    ),
    Code("nan-number", "NaN or Infinity stands where JSON wants a number.", repair="It is read as null."),
)

_SURROGATE = re.compile("[\ud800-\udfff]")
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_LENIENT = json.JSONDecoder(strict=False, parse_int=lambda _digits: 0)
# A word or an escape that is not finished, at the end of a text.
_TORN = re.compile(r"(?:\\(?:u[0-9a-fA-F]{0,4})?|-?I[a-z]*|-|tr?u?|fa?l?s?|nu?l?|Na?)\Z")
_LONGEST_WORD = len("-Infinity")
_BOM = b"\xef\xbb\xbf"


def parse_json(data: bytes) -> tuple[Any, list[str]]:
    """Parse one record.

    Args:
        data: The record's bytes.

    Returns:
        The value, and the codes of what had to be repaired.

    Raises:
        RecordFaultError: `bad-utf8` or `not-json`, with the position in the record.
    """
    try:
        return orjson.loads(data), []
    except orjson.JSONDecodeError:
        return _parse_with_repairs(data)


def _parse_with_repairs(data: bytes) -> tuple[Any, list[str]]:
    try:
        text = data.removeprefix(_BOM).decode("utf-8")
    except UnicodeDecodeError as error:
        byte = error.start + (len(_BOM) if data.startswith(_BOM) else 0)
        bad = data[byte : byte + 4].hex(" ")
        raise RecordFaultError("bad-utf8", f"byte {byte:,} of the record: {bad}") from error
    try:
        value, repairs = _parse_text(text)
        if _SURROGATE_ESCAPE.search(text):
            mended = _without_surrogates(value)
            return mended, repairs if mended is value else [*repairs, "lone-surrogate"]
    except json.JSONDecodeError as error:
        raise RecordFaultError("not-json", f"{error.msg} at character {error.pos:,} of the record") from error
    except RecursionError as error:
        raise RecordFaultError("not-json", "nested too deeply") from error
    except ValueError as error:  # an integer of more than 4,300 digits
        raise RecordFaultError("not-json", str(error)) from error
    return value, repairs


def _parse_text(text: str) -> tuple[Any, list[str]]:
    found: list[str] = []

    def as_null(_name: str) -> None:
        found.append("nan-number")

    try:
        value = json.loads(text, parse_constant=as_null)
    except json.JSONDecodeError:
        found.clear()
        value = json.loads(text, strict=False, parse_constant=as_null)
        found.append("control-character")
    return value, list(dict.fromkeys(found))


class Extent(NamedTuple):
    """How far the JSON value at the start of some bytes reaches.

    Args:
        end: Where it ends, in bytes; None where it does not end or is broken.
        fault: Why it is broken; None where it is whole, or could be whole if more bytes followed.
    """

    end: int | None = None
    fault: str | None = None


def extent_of(data: bytes) -> Extent:
    """Find the end of the JSON value at the start of some bytes; bad UTF-8 and NaN do not break it."""
    # Escaped surrogates stand for bad bytes, so that characters can be counted back to bytes.
    text = data.decode("utf-8", errors="surrogateescape")
    try:
        _, end = _LENIENT.raw_decode(text)
    except json.JSONDecodeError as error:
        end = len(text.rstrip())
        torn = _TORN.search(text, max(0, end - _LONGEST_WORD), end)
        breaks_off = error.pos >= (torn.start() if torn else end) or error.msg.startswith("Unterminated string")
        return Extent(fault=None if breaks_off else f"{error.msg} at character {error.pos:,} of the record")
    except RecursionError:
        return Extent(fault="nested too deeply")
    return Extent(len(data) if end == len(text) else len(text[:end].encode("utf-8", errors="surrogateescape")))


def needs_more(data: bytes) -> bool:
    """Tell a value that breaks off from one that is whole or broken within."""
    return extent_of(data) == Extent()


def _without_surrogates(value: Any) -> Any:
    """Replace lone surrogates in all strings; the same object comes back where there are none."""
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value) if _SURROGATE.search(value) else value
    if isinstance(value, list):
        items = cast("list[Any]", value)
        mended = [_without_surrogates(item) for item in items]
        return mended if any(new is not old for new, old in zip(mended, items, strict=True)) else items
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        pairs = [(_without_surrogates(key), _without_surrogates(item)) for key, item in fields.items()]
        same = all(key is old and item is fields[old] for (key, item), old in zip(pairs, fields, strict=True))
        return fields if same else dict(pairs)
    return value
