"""Reads earlier datasets and evaluation sets as rows to compare with, whatever their format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from dataforge.core.errors import DataError, MachineError, Where
from dataforge.core.plugin import Batch, RawFile
from dataforge.core.schema import ROW
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import Message, Parsed, RawRecord, Response, RowDraft
from dataforge.reading.files import open_bytes
from dataforge.reading.lines import Lines
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet
from dataforge.reading.reference_columns import REFERENCE_CODES, parse_reference
from dataforge.reading.tables import TABLE_CODES, Dialect, read_table
from dataforge.reading.turns import is_blank

SPLIT = "reference"

_COMPRESSED = {".gz", ".zst", ".xz", ".bz2"}
_TABLES = {".csv", ".tsv", ".tab"}
_SUFFIXES = {".parquet", ".jsonl", ".ndjson", ".json", ".txt", *_TABLES}
# What lies beside data and is none.
_BESIDE = {"manifest.json", "dataset_info.json", "dataset_dict.json", "state.json", "dataset_infos.json", "readme.txt"}
_ROWS_AT_A_TIME = 4_096

_CODES = tuple({code.name: code for code in (*REFERENCE_CODES, *TABLE_CODES, *RECORD_CODES)}.values())


def reference_files(path: Path) -> list[Path]:
    """List the files that a folder or file stands for.

    Args:
        path: A file; a build folder or a dataset of the hub, whose data are the Parquet files in `data/`; or any other
            folder, whose data are all files below it with a suffix that is known.

    Returns:
        The files, sorted.

    Raises:
        DataError: There is no such path, or no file of a known kind in the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise DataError("there is no such file or folder", where=Where(path), fix="check the path")
    files = sorted((path / "data").glob("*.parquet")) or sorted(
        each for each in path.rglob("*") if _is_data(each, path)
    )
    if not files:
        kinds = ", ".join(sorted(_SUFFIXES))
        raise DataError(
            "the folder holds no data", where=Where(path), fix=f"name a folder with files that end in {kinds}"
        )
    return files


def read_reference(path: Path, label: str, left_out: Counter[str] | None = None) -> Iterator[pl.DataFrame]:
    """Read the rows of an earlier dataset or an evaluation set.

    Args:
        path: A file, or a folder as `reference_files` takes it.
        label: What the recipe calls it; it goes into `origin` and into the ids of rows that have none.
        left_out: Is added to: how many records could not be used, by code (`describe` says what a code means).

    Yields:
        Rows, schema `core.schema.ROW`, a bounded number at a time: split `reference`, each a group of its own. Rows of
        our own datasets keep their `row_id`; others are called `label#3` by the number of the record, from 1.

    Raises:
        DataError: Nothing in a file can be used; the message says why, and names the columns there are.
        MachineError: A file cannot be opened.
    """
    left_out = Counter() if left_out is None else left_out
    for file in reference_files(path):
        name = label if file == path else f"{label}/{file.relative_to(path).as_posix()}"
        yield from _rows_of_ours(file, name) if _is_ours(file) else _rows_of_others(file, name, left_out)


def describe(code: str) -> str:
    """Say in a sentence why a record could not be used."""
    return next((known.what for known in _CODES if known.name == code), code)


def _is_data(file: Path, folder: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.is_file() and not is_hidden and _suffix(file) in _SUFFIXES and file.name.lower() not in _BESIDE


def _suffix(file: Path) -> str:
    """Give the suffix that tells the format, past that of a compression."""
    suffixes = [suffix.lower() for suffix in file.suffixes]
    return next((suffix for suffix in reversed(suffixes) if suffix not in _COMPRESSED), "")


def _is_ours(file: Path) -> bool:
    """Tell a shard of a dataset of ours by its columns."""
    try:
        with file.open("rb") as stream:
            if stream.read(4) != b"PAR1":
                return False
        columns = pl.read_parquet_schema(file)
    except OSError as error:
        raise MachineError(
            f"cannot open the file: {error.strerror}", where=Where(file), fix="check its permissions"
        ) from error
    except pl.exceptions.PolarsError:
        return False  # the reader of records says what is wrong with it
    return all(columns.get(name) == ROW[name] for name in ("row_id", "prompt", "responses"))


def _rows_of_ours(file: Path, label: str) -> Iterator[pl.DataFrame]:
    shard = pl.scan_parquet(file)
    there = set(shard.collect_schema().names())
    origin = pl.struct(
        pl.lit(label).alias("corpus"), pl.lit(label).alias("path"), *_nulls("line", "byte", "url", "author")
    )
    columns = [pl.col(name) if name in there else _missing(name) for name in ROW]
    for begin in range(0, shard.select(pl.len()).collect().item(), _ROWS_AT_A_TIME):
        rows = shard.slice(begin, _ROWS_AT_A_TIME).select(columns).collect()
        yield _as_references(rows.with_columns(pl.coalesce("origin", origin.cast(ROW["origin"]))))


def _nulls(*names: str) -> list[pl.Expr]:
    return [pl.lit(None).alias(name) for name in names]


def _missing(name: str) -> pl.Expr:
    return pl.lit(None, ROW[name]).alias(name)


def _rows_of_others(file: Path, label: str, left_out: Counter[str]) -> Iterator[pl.DataFrame]:
    """Read records one by one; a file of which none can be used is an error, not an empty set."""
    count, used, why = 0, 0, ""
    own: Counter[str] = Counter()
    for batch in _batches(RawFile(file, label, label)):
        rejected = batch.records.filter(pl.col("fate") == "rejected")
        own.update(rejected["code"].to_list())
        why = why or next(
            (f"{code}: {detail or describe(code)}" for code, detail in rejected.select("code", "detail").iter_rows()),
            "",
        )
        used += batch.drafts.height
        if not batch.drafts.is_empty():
            yield _as_references(_rows(batch, label, count))
        count += batch.records.height
    left_out.update(own)
    if not used:
        raise DataError(
            f"of {count:,} records none can be compared with{f' ({why})' if why else ''}",
            where=Where(file),
            fix="name a file with columns such as prompt, question, messages, answer or text, or a build folder",
        )


def _batches(file: RawFile) -> Iterator[Batch]:
    suffix = _suffix(file.path)
    if suffix in _TABLES:
        return read_table(file, _CODES, "repair", parse_reference, Dialect())
    if suffix == ".txt":
        return _read_texts(file)
    return read_json_or_parquet(file, _CODES, "repair", parse_reference)


def _read_texts(file: RawFile) -> Iterator[Batch]:
    """Read plain text: each line that is not blank is a record."""
    builder = BatchBuilder(file, _CODES, "repair")
    with open_bytes(file.path) as stream:
        lines = Lines(stream)
        lines.skip_mark()
        while (raw := lines.next()) is not None:
            _add_line(builder, raw, lines.damage_in(raw))
            if builder.is_full:
                yield builder.finish()
        if lines.damage is not None and (damage := lines.damage_in(lines.end)) is not None:
            builder.reject(lines.end, *damage)
    if not builder.is_empty:
        yield builder.finish()


def _add_line(builder: BatchBuilder, raw: RawRecord, damage: tuple[str, str] | None) -> None:
    if damage is not None:
        builder.reject(raw, *damage)
        return
    try:
        text = raw.data.decode("utf-8").strip("\r\n")
    except UnicodeDecodeError as error:
        builder.reject(raw, "bad-utf8", f"byte {error.start:,} of the line")
        return
    if not is_blank(text):
        builder.add(raw, Parsed([RowDraft("", [], [Response([Message("assistant", text)])])]))


def _rows(batch: Batch, label: str, before: int) -> pl.DataFrame:
    """Give the drafts of a batch identity: the label, and the number of the record in the file."""
    record = batch.drafts["record"]
    records = batch.records.select("line", "byte").with_row_index("number", before + 1)[record]
    return pl.concat([batch.drafts, records], how="horizontal").select(
        row_id=pl.concat_str(pl.lit(f"{label}#"), "number"),
        group_id=pl.lit(""),
        parent_id=pl.lit(None, pl.String),
        prompt="prompt",
        responses="responses",
        tools="tools",
        origin=pl.struct(pl.lit(label).alias("corpus"), pl.lit(label).alias("path"), "line", "byte", "url", "author"),
        license="license",
        split=pl.lit(SPLIT),
    )


def _as_references(rows: pl.DataFrame) -> pl.DataFrame:
    """Put rows aside from all splits, each in a group of its own."""
    rows = rows.with_columns(group_id=pl.col("row_id"), split=pl.lit(SPLIT))
    return rows.select(list(ROW)).cast(ROW)  # pyright: ignore[reportArgumentType]
