"""Reads CSV and TSV as records: bytes in, exact places, and a broken record costs that record alone."""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, RawFile
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import OnError, Parsed, RawRecord, RecordFaultError
from dataforge.reading.files import open_bytes
from dataforge.reading.json_values import HEAD_BYTES, JSON_CODES, Broken
from dataforge.reading.lines import MAX_LINE_BYTES, Lines
from dataforge.reading.plain_records import PlainRecords
from dataforge.reading.plain_shape import FindShape, nothing_plain

# A quote that is never closed would swallow the rest of the file: past this it is taken for a stray one.
MAX_RECORD_BYTES = MAX_LINE_BYTES

_SHARED = {"bad-utf8", "wrong-encoding", "empty-file", "too-large", "cut-off-compression", "damaged-compression"}

TABLE_CODES: tuple[Code, ...] = (
    *(code for code in JSON_CODES if code.name in _SHARED),
    Code("wrong-cell-count", "The record has more or fewer cells than the header."),
    Code("unclosed-quote", "A quoted cell is never closed; reading goes on at the next line."),
    Code(
        "bad-quotes",
        "Something other than a delimiter follows a quoted cell; reading goes on at the next line. Where quotes mean "
        'nothing in a file, the source `csv` has `quoting = "none"`.',
    ),
)

_QUOTE = b'"'
_DELIMITERS = (",", "\t", ";", "|")
_COMPRESSED = {".gz", ".zst", ".xz", ".bz2"}
_TAB_SUFFIXES = {".tsv", ".tab"}


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table is written.

    Args:
        delimiter: What stands between cells; None to tell from the file's name and its first line.
        has_quotes: Whether a cell may stand in double quotes; without, a quote is a character like any other.
        columns: Names of the columns, for a file without a header; None to read them from the first record.
    """

    delimiter: str | None = None
    has_quotes: bool = True
    columns: tuple[str, ...] | None = None


def read_table(
    file: RawFile,
    codes: Sequence[Code],
    on_error: OnError,
    parse: Callable[[dict[str, str]], Parsed],
    dialect: Dialect,
    find_shape: FindShape = nothing_plain,
) -> Iterator[Batch]:
    """Read a CSV or TSV file record by record into batches.

    Every cell is text: `nan`, `NULL` and numbers stay as they are written. Blank lines are no records. A second
    column of the same name is called `name#2`.

    Args:
        file: The file.
        codes: All codes that may come up: those of the source and `TABLE_CODES`.
        on_error: What to do with a record that is not as it should be.
        parse: Makes rows of one record, or raises `RecordFaultError`.
        dialect: How the table is written.
        find_shape: Says of which columns whole rows can be made as they are, as `parse` would.

    Yields:
        Batches of bounded size.
    """
    builder = BatchBuilder(file, codes, on_error)
    plain = PlainRecords(find_shape(None), builder)
    for item in table_records(file.path, dialect):
        if isinstance(item, Broken):
            builder.reject(item.raw, item.code, item.detail)
        elif not plain.take(*item):
            _add(builder, item, parse)
        if builder.is_full:
            plain.close()
            yield builder.finish()
    plain.close()
    if not builder.is_empty:
        yield builder.finish()


def _add(
    builder: BatchBuilder, item: tuple[RawRecord, dict[str, str]], parse: Callable[[dict[str, str]], Parsed]
) -> None:
    raw, cells = item
    try:
        builder.add(raw, parse(cells))
    except RecordFaultError as fault:
        builder.reject(raw, fault.code, fault.detail)


def table_records(path: Path, dialect: Dialect) -> Iterator[tuple[RawRecord, dict[str, str]] | Broken]:
    """Give the raw records of a table in order, each with its cells by column; or a `Broken` for what is none."""
    with open_bytes(path) as stream:
        lines = Lines(stream)
        lines.skip_mark()
        first = lines.next()
        if first is None:
            damage = lines.damage
            yield Broken(lines.end, damage.code if damage else "empty-file", damage.detail if damage else "")
            return
        if first.data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            yield Broken(first, "wrong-encoding", "the file begins with the mark of UTF-16")
            return
        lines.put_back([first])
        delimiter = dialect.delimiter or _delimiter_of(path, first.data)
        yield from _named_records(lines, delimiter.encode(), dialect)


def _named_records(
    lines: Lines, delimiter: bytes, dialect: Dialect
) -> Iterator[tuple[RawRecord, dict[str, str]] | Broken]:
    spans = _spans(lines, delimiter, has_quotes=dialect.has_quotes)
    names = _unlike(dialect.columns) if dialect.columns is not None else None
    for raw, code in spans:
        if code is not None:
            yield Broken(raw, *code)
        elif names is None:
            # A column whose name is no text keeps its place under a name that no recipe will use.
            names = _unlike([cell.decode("utf-8", "replace") for cell in _cells(raw.data, delimiter, dialect)])
        else:
            yield _named(raw, names, delimiter, dialect)


def _named(
    raw: RawRecord, names: Sequence[str], delimiter: bytes, dialect: Dialect
) -> tuple[RawRecord, dict[str, str]] | Broken:
    try:
        raw.data.decode("utf-8")
    except UnicodeDecodeError as error:
        bad = raw.data[error.start : error.start + 4].hex(" ")
        return Broken(raw, "bad-utf8", f"byte {error.start:,} of the record: {bad}")
    cells = [cell.decode("utf-8") for cell in _cells(raw.data, delimiter, dialect)]
    if len(cells) != len(names):
        return Broken(raw, "wrong-cell-count", f"{len(cells)} cells, and {len(names)} columns")
    return raw, dict(zip(names, cells, strict=True))


def _spans(lines: Lines, delimiter: bytes, *, has_quotes: bool) -> Iterator[tuple[RawRecord, tuple[str, str] | None]]:
    """Put lines together to records; those that are none come with a code and its detail."""
    while (first := lines.next()) is not None:
        if not first.data.strip(b"\r\n"):
            continue
        if not first.data.endswith(b"\n") and len(first.data) >= MAX_RECORD_BYTES:
            yield _skip_long(lines, first)
        elif (damage := lines.damage_in(first)) is not None:
            yield first, damage
        elif has_quotes and _QUOTE in first.data:
            yield _quoted(lines, first, delimiter)
        else:
            yield _without_end(first), None
    if (damage := lines.damage_in(lines.end)) is not None:
        yield lines.end, damage


def _quoted(lines: Lines, first: RawRecord, delimiter: bytes) -> tuple[RawRecord, tuple[str, str] | None]:
    taken = [first]
    size = len(first.data)
    state = _scan(first.data, delimiter, in_quotes=False)
    while state == "inside" and size <= MAX_RECORD_BYTES and (line := lines.next()) is not None:
        taken.append(line)
        size += len(line.data)
        state = _scan(line.data, delimiter, in_quotes=True)
    if state == "outside":
        whole = first._replace(data=b"".join(line.data for line in taken))
        return _without_end(whole), lines.damage_in(taken[-1])
    # The first line alone is given up: what follows may be sound records that a stray quote had swallowed.
    lines.put_back(taken[1:])
    code = "unclosed-quote" if state == "inside" else "bad-quotes"
    return _without_end(first), (code, f"read on for {len(taken)} lines" if len(taken) > 1 else "")


def _scan(data: bytes, delimiter: bytes, *, in_quotes: bool) -> str:
    """Say whether a line ends inside a quoted cell, outside, or has a quote where none may be."""
    at = 0
    size = len(data.rstrip(b"\r\n"))
    if not in_quotes and data.startswith(_QUOTE):
        in_quotes, at = True, 1
    while True:
        if in_quotes:
            at = _closing_quote(data, at) + 1
            if not at:
                return "inside"
            if at < size and not data.startswith(delimiter, at):
                return "bad"
        else:
            at = data.find(delimiter, at)
        if at < 0 or at >= size:
            return "outside"
        at += len(delimiter)
        in_quotes = data.startswith(_QUOTE, at)
        at += in_quotes


def _closing_quote(data: bytes, at: int) -> int:
    """Find the quote that closes a cell, past doubled ones; -1 where there is none."""
    while True:
        at = data.find(_QUOTE, at)
        if at < 0 or not data.startswith(_QUOTE, at + 1):
            return at
        at += 2


def _skip_long(lines: Lines, first: RawRecord) -> tuple[RawRecord, tuple[str, str]]:
    size = len(first.data)
    line: RawRecord | None = first
    while line is not None and not line.data.endswith(b"\n"):
        line = lines.next()
        size += len(line.data) if line is not None else 0
    detail = f"{size:,} bytes; the limit is {MAX_RECORD_BYTES:,}"
    return first._replace(data=first.data[:HEAD_BYTES]), ("too-large", detail)


def _without_end(line: RawRecord) -> RawRecord:
    return line._replace(data=line.data.removesuffix(b"\n").removesuffix(b"\r"))


def _cells(data: bytes, delimiter: bytes, dialect: Dialect) -> list[bytes]:
    """Take a sound record apart; the bytes of quotes and delimiters stand for nothing else in UTF-8."""
    if not dialect.has_quotes or _QUOTE not in data:
        return data.split(delimiter)
    cells: list[bytes] = []
    at = 0
    while True:
        if data.startswith(_QUOTE, at):
            end = _closing_quote(data, at + 1) + 1
            cells.append(data[at + 1 : end - 1].replace(b'""', b'"'))
        else:
            end = data.find(delimiter, at)
            end = len(data) if end < 0 else end
            cells.append(data[at:end])
        if end >= len(data):
            return cells
        at = end + len(delimiter)


def _unlike(names: Sequence[str]) -> list[str]:
    seen: Counter[str] = Counter()
    unlike: list[str] = []
    for name in names:
        seen[name] += 1
        unlike.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return unlike


def _delimiter_of(path: Path, first: bytes) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes if suffix.lower() not in _COMPRESSED]
    if suffixes and suffixes[-1] in _TAB_SUFFIXES:
        return "\t"
    # The first of the most frequent: a comma where nothing speaks for another.
    return max(_DELIMITERS, key=lambda delimiter: first.count(delimiter.encode()))
