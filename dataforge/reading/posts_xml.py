"""Finds the rows of a Stack Exchange dump, each parsed on its own, so that a broken one costs one record.

No `<` can stand within a sound row, so every `<row` begins one, whatever stands on the line before it. The parser is
expat; it sees one row at a time, and a row can declare no entity, so nothing can expand.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple
from xml.parsers import expat

from dataforge.core.codes import Code
from dataforge.core.errors import DataError, Where
from dataforge.reading.drafts import RawRecord, RecordFaultError
from dataforge.reading.json_values import HEAD_BYTES, Broken
from dataforge.reading.json_window import Window

MAX_ROW_BYTES = 16 << 20

XML_CODES: tuple[Code, ...] = (
    Code("not-xml", "The row is no well-formed XML."),
    Code("not-a-row", "Between the rows stands something that is none."),
    Code("bad-utf8", "The row has bytes that are no UTF-8 text."),
    Code("illegal-character", "The row holds a control character that XML does not allow, raw or as a reference."),
    Code("too-large", "The row is larger than one post may be."),
    Code("cut-off", "The file ends in the middle of the row, or before </posts>."),
    Code("wrong-encoding", "The file is UTF-16 or UTF-32 text, not UTF-8."),
    Code("empty-file", "The file holds no <posts> at all."),
    Code("cut-off-compression", "The compressed file breaks off; what could be unpacked was read."),
    Code("damaged-compression", "The compressed file is damaged; what could be unpacked before that was read."),
)

_MARK = re.compile(rb"<row(?=[\s/>])|</posts(?=[\s>])")
_LONGEST_MARK = 8
_OPENS = re.compile(rb"<posts(?:\s[^<>]*+)?(?<!/)>")
_CLOSES = re.compile(rb"</posts\s*>|<posts(?:\s[^<>]*+)?/>")
_ELEMENT = re.compile(rb"""<row(?:\s+[^\s=<>]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*+\s*(?:/>|>\s*</row\s*>)""")
_BETWEEN = re.compile(rb"(?:\s++|\xef\xbb\xbf|<\?[^>]*+>|<!--.*?-->|</?posts(?:\s[^<>]*+)?/?>)*+", re.DOTALL)
_DECLARATION = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_ILLEGAL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_BAD_REFERENCE = expat.errors.codes[expat.errors.XML_ERROR_BAD_CHAR_REF]
_ENDS = {"cut-off", "cut-off-compression", "damaged-compression"}
# Longest first: the mark of UTF-32 begins with that of UTF-16.
_WRONG_MARKS = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class XmlRow(NamedTuple):
    """A row: its bytes and place, and its attributes."""

    raw: RawRecord
    attributes: dict[str, str]


def xml_rows(stream: BinaryIO, label: str) -> Iterator[XmlRow | Broken]:
    """Give the rows of a dump in file order; memory is bounded by the largest row.

    Args:
        stream: The bytes of `Posts.xml`.
        label: How the file is called in messages.

    Yields:
        A row, or a `Broken` for a span that is none, with one of `XML_CODES`.

    Raises:
        DataError: The file declares a document type or an entity.
    """
    window = Window(stream)
    window.grow()
    if window.data.startswith(_WRONG_MARKS):
        yield Broken(RawRecord(window.data[:1000], 0, 1), "wrong-encoding", "the file begins with its mark")
        return
    state = _State()
    while window.size or window.grow():
        end = _end_of_span(window)
        if end is None:
            yield _skip_span(window)
            continue
        if window.data.startswith(b"<row", window.start):
            item, end = _row(window, end)
            state.see_row(item)
            yield item
        else:
            _refuse_declarations(window, end, label)
            state.see_gap(window.data[window.start : end])
            yield from _between(window, end)
        window.advance(end)
    yield from state.at_end(window)


@dataclass(slots=True)
class _State:
    """What was seen so far: whether the posts began, and whether their end is still to come."""

    has_begun: bool = False
    is_open: bool = False
    is_told: bool = False

    def see_row(self, item: XmlRow | Broken) -> None:
        self.has_begun = True
        self.is_told = isinstance(item, Broken) and item.code in _ENDS

    def see_gap(self, gap: bytes) -> None:
        if _OPENS.search(gap):
            self.has_begun = self.is_open = True
        elif _CLOSES.search(gap):
            self.has_begun, self.is_open = True, False

    def at_end(self, window: Window) -> Iterator[Broken]:
        raw = window.record(len(window.data))
        if self.is_told:
            return
        if window.damage is not None:
            yield Broken(raw, window.damage.code, window.damage.detail)
        elif self.is_open:
            yield Broken(raw, "cut-off", f"the file ends at byte {window.byte:,}, and </posts> is missing")
        elif not self.has_begun:
            yield Broken(raw, "empty-file", "")


def _end_of_span(window: Window) -> int | None:
    """Find where the row, or the gap between rows, at the window's start ends; None where it is too large to hold."""
    while True:
        found = _MARK.search(window.data, window.start + _own_mark(window))
        if found:
            return found.start()
        if window.size > MAX_ROW_BYTES:
            return None
        if not window.grow():
            return len(window.data)


def _own_mark(window: Window) -> int:
    found = _MARK.match(window.data, window.start)
    return len(found[0]) if found else 0


def _skip_span(window: Window) -> Broken:
    """Let a span go by without holding it."""
    raw = window.record(window.start + HEAD_BYTES)
    code = "too-large" if raw.data.startswith(b"<row") else "not-a-row"
    window.advance(window.start + _own_mark(window))
    while True:
        found = _MARK.search(window.data, window.start)
        # The next mark may lie across the end of what is there.
        end = found.start() if found else len(window.data) - (0 if window.is_at_end else _LONGEST_MARK)
        window.advance(max(end, window.start))
        if found or not window.grow():
            return Broken(raw, code, f"{window.byte - raw.byte:,} bytes; the limit is {MAX_ROW_BYTES:,}")


def _row(window: Window, end: int) -> tuple[XmlRow | Broken, int]:
    """Parse the row at the window's start, and say where it ends: before what follows it and is no row."""
    raw = window.record(end)
    raw = raw._replace(data=raw.data.rstrip())
    try:
        return XmlRow(raw, parse_row(raw.data)), end
    except RecordFaultError as fault:
        element = _ELEMENT.match(raw.data)
        if element is not None and element.end() < len(raw.data):
            return _row(window, window.start + element.end())
        if not window.is_at_end or end < len(window.data) or raw.data.endswith(b">"):
            return Broken(raw, fault.code, fault.detail), end
    if window.damage is not None:
        return Broken(raw, window.damage.code, window.damage.detail), end
    return Broken(raw, "cut-off", f"the file ends at byte {window.byte + window.size:,}, inside this row"), end


def parse_row(data: bytes) -> dict[str, str]:
    """Parse one row.

    Args:
        data: The bytes from `<row` to its end.

    Returns:
        Its attributes.

    Raises:
        RecordFaultError: `bad-utf8`, `illegal-character` or `not-xml`, with the byte in the row.
    """
    elements: list[dict[str, str]] = []
    texts: list[str] = []
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = lambda _name, attributes: elements.append(attributes)
    parser.CharacterDataHandler = texts.append
    try:
        parser.Parse(data, True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        raise _fault(data, error, parser.ErrorByteIndex) from error
    if len(elements) != 1 or "".join(texts).strip():
        raise RecordFaultError("not-xml", "the row holds another element, or text")
    return elements[0]


def _fault(data: bytes, error: expat.ExpatError, byte: int) -> RecordFaultError:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as bad:
        shown = data[bad.start : bad.start + 4].hex(" ")
        return RecordFaultError("bad-utf8", f"byte {bad.start:,} of the row: {shown}")
    if error.code == _BAD_REFERENCE or _ILLEGAL.match(data, byte):
        return RecordFaultError("illegal-character", f"byte {byte:,} of the row")
    return RecordFaultError("not-xml", f"{expat.ErrorString(error.code)} at byte {byte:,} of the row")


def _refuse_declarations(window: Window, end: int, label: str) -> None:
    found = _DECLARATION.search(window.data, window.start, end)
    if found:
        line = window.line + window.data.count(b"\n", window.start, found.start())
        raise DataError(
            f"the file declares {found[0][2:].decode()}, which no dump of Stack Exchange does",
            where=Where(label, line, byte=window.byte + found.start() - window.start),
            fix="take the file from its publisher; entities can be made to fill all memory, so none are read",
        )


def _between(window: Window, end: int) -> Iterator[Broken]:
    sound = _BETWEEN.match(window.data, window.start, end)
    rest = sound.end() if sound else window.start
    if rest < end:
        size = end - rest
        line = window.line + window.data.count(b"\n", window.start, rest)
        raw = RawRecord(
            window.data[rest : min(end, rest + HEAD_BYTES)].rstrip(), window.byte + rest - window.start, line
        )
        yield Broken(raw, "not-a-row", f"{size:,} bytes that belong to no row")
