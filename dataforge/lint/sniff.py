"""Tells from a file's first bytes and records which source reads it, and with which parameters."""

from __future__ import annotations

import codecs
import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from dataforge.core import registry
from dataforge.core.codes import Code
from dataforge.core.errors import DataError, MachineError, RecipeError, Where
from dataforge.core.plugin import Batch, RawFile
from dataforge.lint.guess_columns import guess_columns
from dataforge.lint.shapes import Container, Guess, Record, is_red_team, known_object, known_shapes
from dataforge.reading.drafts import RecordFaultError
from dataforge.reading.files import DamagedFileError, open_bytes
from dataforge.reading.json_records import JSON_CODES, read_json_records
from dataforge.reading.tables import TABLE_CODES, Dialect, read_table

__all__ = ["Guess", "sniff"]

_HEAD_BYTES = 64 << 10
_RECORDS = 30
_SHOWN_KEYS = 12

_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAVED = ("state.json", "dataset_dict.json")
_7Z = b"7z\xbc\xaf\x27\x1c"
_PARQUET = b"PAR1"
# Other formats, and what to do to get at the records.
_BINARY = (
    (b"PK\x03\x04", "a zip archive", "unpack it, and name the files inside"),
    (b"Rar!", "a rar archive", "unpack it, and name the files inside"),
    (b"SQLite format 3", "an SQLite database", "export the table to CSV or JSON lines"),
    (b"ARROW1", "an Arrow file", "write it as Parquet: polars.read_ipc(…).write_parquet(…)"),
    (b"\xff\xff\xff\xff", "an Arrow stream", "write it as Parquet: polars.read_ipc_stream(…).write_parquet(…)"),
    (b"%PDF", "a PDF document", "name files of chat or preference data"),
    (b"\x80\x04\x95", "a Python pickle", "write it as JSON lines; pickles can run code and are not read"),
)
_ROOT = re.compile(rb"<([A-Za-z_][\w.-]*)")
_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1b")
# The source that reads a form, where the records' own shape names none; and the code that shows a source reads it.
_GENERAL: dict[Container, tuple[str, str]] = {
    "json": ("json", "not-json"),
    "parquet": ("parquet", "not-parquet"),
    "csv": ("csv", "wrong-cell-count"),
}


def sniff(path: Path) -> Guess:
    """Tell which source reads a file.

    Args:
        path: The file; it may be packed with gzip, zstd, xz or bz2.

    Returns:
        The source, its parameters, and what says so.

    Raises:
        RecipeError: There is no such file, or it is a folder.
        DataError: It is empty, binary, refused on purpose, or of a shape that no source reads; the keys are named.
        MachineError: It may not be read.
    """
    head = _head(path)
    if head.startswith(_7Z):
        return _archive(path)
    if head.startswith(_PARQUET):
        return _of_records(path, "parquet", _parquet_records(path))
    _refuse_binary(path, head)
    text = head.removeprefix(codecs.BOM_UTF8).lstrip()
    if not text:
        raise _unfit(path, "the file holds nothing but blanks", "name a file with records")
    if text.startswith(b"<"):
        return _of_markup(path, text)
    for guess in known_object(text):
        if guess.use in registry.names("source"):
            return guess
    if _looks_like_json(text):
        return _of_records(path, "json", _json_records(path))
    return _of_table(path, text)


def _head(path: Path) -> bytes:
    if path.is_dir():
        raise RecipeError(f"{path} is a folder", fix=_fix_for_folder(path))
    if not path.exists():
        raise RecipeError(f"there is no file {path}", fix="check the path; patterns are expanded by the shell")
    if not path.is_file():
        raise RecipeError(f"{path} is not a regular file", fix="copy what it gives into a file: it is read twice")
    try:
        with open_bytes(path) as stream:
            head = stream.read(_HEAD_BYTES)
    except DamagedFileError as damage:
        raise _unfit(path, damage.detail, "get the file again; nothing of it could be unpacked") from damage
    except OSError as error:
        raise MachineError(f"cannot read: {error.strerror}", where=Where(path), fix="check the permissions") from error
    if not head:
        raise _unfit(path, "the file is empty", "name a file with records")
    return head


def _fix_for_folder(path: Path) -> str:
    if any((path / name).exists() for name in _SAVED):
        return "a dataset saved with save_to_disk is read by the source 'huggingface': name it in a recipe"
    suffixes = [child.suffix for child in sorted(path.iterdir()) if child.is_file() and child.suffix]
    ending = max(suffixes, key=suffixes.count) if suffixes else ""
    return f"name the files in it: {path}/*{ending}"


def _unfit(path: Path, message: str, fix: str) -> DataError:
    return DataError(message, where=Where(path), fix=fix)


def _refuse_binary(path: Path, head: bytes) -> None:
    for mark, name in _MARKS:
        if head.startswith(mark):
            fix = f"write it as UTF-8: iconv -f {name} -t UTF-8 {path.name} > utf8-{path.name}"
            raise _unfit(path, f"the file is {name} text, not UTF-8", fix)
    for magic, what, fix in _BINARY:
        if head.startswith(magic):
            raise _unfit(path, f"the file is {what}", fix)
    odd = len(head) - len(head.translate(None, _CONTROLS))
    if odd > len(head) // 100:
        raise _unfit(path, "the file is binary: no form of it is known", "name files of chat or preference data")


def _archive(path: Path) -> Guess:
    if "stackexchange" not in registry.names("source"):
        raise _unfit(path, "the file is a 7z archive", "unpack it, and name the files inside")
    return Guess("stackexchange", {}, "it is a 7z archive, as Stack Exchange dumps are")


def _of_markup(path: Path, text: bytes) -> Guess:
    if b"<posts" in text and "stackexchange" in registry.names("source"):
        return Guess("stackexchange", {}, "it is Posts.xml of a Stack Exchange dump")
    root = _ROOT.search(text)
    what = f"XML or HTML that begins with <{root[1].decode()}>" if root else "XML or HTML"
    raise _unfit(path, f"the file is {what}", "of XML files, Posts.xml of Stack Exchange dumps is read")


def _looks_like_json(text: bytes) -> bool:
    """Say whether a record starts here, or in one of the first lines: the very first may be the broken one."""
    return any(line.lstrip()[:1] in (b"{", b"[") for line in text.split(b"\n", 20)[:20])


class _EnoughError(Exception):
    """Stops a reader in the middle of a file."""


_SNIFFED = Code("sniffed", "The record was looked at.")
_Keep = Callable[[Any], Any]


def _first(read: Callable[[RawFile, _Keep], Iterator[Batch]], path: Path) -> list[Any]:
    """Give the first records that a reader finds; those that are broken are passed over."""
    found: list[Any] = []

    def keep(record: Any) -> Any:
        found.append(record)
        if len(found) >= _RECORDS:
            raise _EnoughError
        raise RecordFaultError(_SNIFFED.name)

    with contextlib.suppress(_EnoughError):
        next(read(RawFile(path, str(path), "sniff"), keep), None)
    return found


def _json_records(path: Path) -> list[Any]:
    return _first(lambda file, keep: read_json_records(file, (*JSON_CODES, _SNIFFED), "repair", keep), path)


def _parquet_records(path: Path) -> list[Any]:
    from dataforge.reading.parquet_records import PARQUET_CODES, read_parquet

    return _first(lambda file, keep: read_parquet(file, (*PARQUET_CODES, _SNIFFED), "repair", keep), path)


def _of_table(path: Path, text: bytes) -> Guess:
    codes, dialect = (*TABLE_CODES, _SNIFFED), Dialect()
    records = _first(lambda file, keep: read_table(file, codes, "repair", keep, dialect), path)
    if not records or (len(records[0]) == 1 and guess_columns(records) is None):
        start = text[:60].decode("utf-8", "replace").split("\n")[0]
        forms = "JSON, Parquet, Posts.xml or a table with a header and records"
        message = f"the file is none of {forms}; it begins with {start!r}"
        raise _unfit(path, message, "name files of chat or preference data")
    return _of_records(path, "csv", records)


def _of_records(path: Path, container: Container, values: Sequence[Any]) -> Guess:
    if not values:
        raise _unfit(path, "no record of the file could be read", "name its source with --as to see what is wrong")
    records = [cast("Record", value) for value in values if isinstance(value, dict)]
    if not records:
        kind = type(values[0]).__name__
        raise _unfit(path, f"the records are no objects with named fields, but of type {kind}", "write objects")
    if 2 * sum(map(is_red_team, records)) >= len(records):
        raise _unfit(
            path,
            "the records are single transcripts without pairs, as in the red-team tranche of HH-RLHF: refused",
            "leave the file out; the other tranches of HH-RLHF hold pairs",
        )
    for guess in known_shapes(records):
        if _reads(guess.use, container):
            return guess
    found = guess_columns(records)
    if found is None:
        raise _unknown(path, container, records)
    params, why = found
    return Guess(_GENERAL[container][0], params, why)


def _reads(use: str, container: Container) -> bool:
    if use not in registry.names("source"):
        return False
    codes: Sequence[Code] = registry.load("source", use).codes
    return any(code.name == _GENERAL[container][1] for code in codes)


def _unknown(path: Path, container: Container, records: Sequence[Record]) -> DataError:
    keys = list(dict.fromkeys(key for record in records for key in record))
    named = ", ".join(f"'{key[:40]}'" for key in keys[:_SHOWN_KEYS])
    more = f" and {len(keys) - _SHOWN_KEYS:,} more" if len(keys) > _SHOWN_KEYS else ""
    if len(records) == 1 and container == "json":
        inside = _records_within(records[0])
        if inside:
            fix = "write the records as JSON lines or as one array"
            return _unfit(path, f"the file is one object, and its records seem to lie under {inside}", fix)
    return _unfit(
        path,
        f"no source knows records with the keys {named}{more}",
        f"say which column is what, with the source '{_GENERAL[container][0]}' in a recipe: prompt = …, response = …",
    )


def _records_within(record: Mapping[str, Any]) -> str | None:
    """Say where records hide in a single object: in a list under a key, or as its values."""
    lists = [key for key, value in record.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    if lists:
        return f"'{lists[0]}'"
    values = list(record.values())
    if len(values) > 1 and all(isinstance(value, dict) for value in values):
        return f"its {len(values):,} keys"
    return None
