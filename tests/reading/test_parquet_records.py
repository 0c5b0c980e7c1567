import datetime as dt
import gzip
import io
import json
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataforge.core.fingerprint import canonical_json
from dataforge.core.plugin import RawFile
from dataforge.reading.drafts import Message, Parsed, RowDraft
from dataforge.reading.parquet_records import RECORD_CODES, read_json_or_parquet
from dataforge.reading.row_records import plain


def parquet(rows, **options):
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, **options)
    return out.getvalue()


def read(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    seen = []

    def parse(value):
        seen.append(value)
        return Parsed([RowDraft("g", [Message("user", "x")], [])])

    batches = list(read_json_or_parquet(RawFile(tmp_path / "file", "file", "c"), RECORD_CODES, "repair", parse))
    records = [record for batch in batches for record in batch.records.iter_rows(named=True)]
    return seen, records


ROWS = [{"n": n, "deep": [{"text": f"t{n}", "list": [n, None]}], "maybe": None if n % 2 else "x"} for n in range(7)]


def test_nested_rows_come_back_as_written_with_their_numbers_as_lines(tmp_path):
    seen, records = read(tmp_path, parquet(ROWS, row_group_size=3))

    assert seen == ROWS
    assert [record["line"] for record in records] == list(range(1, 8))
    assert [record["n_bytes"] for record in records] == [len(canonical_json(row)) for row in ROWS]


def test_json_and_parquet_are_told_apart_by_content_also_when_compressed(tmp_path):
    lines = "\n".join(map(json.dumps, ROWS)).encode()

    for data in (lines, gzip.compress(lines), parquet(ROWS), gzip.compress(parquet(ROWS))):
        assert read(tmp_path, data)[0] == ROWS


def test_the_same_row_has_the_same_name_whatever_its_row_group(tmp_path):
    _, whole = read(tmp_path, parquet(ROWS))
    _, parts = read(tmp_path, parquet(ROWS, row_group_size=2))

    assert [record["digest"] for record in whole] == [record["digest"] for record in parts]


def test_a_file_without_its_footer_is_one_reject(tmp_path):
    seen, records = read(tmp_path, parquet(ROWS)[:-20])

    assert not seen
    assert [record["code"] for record in records] == ["not-parquet"]


def test_a_damaged_row_group_costs_itself(tmp_path):
    rows = [{"text": f"{n} " + "word " * 50} for n in range(30)]
    data = bytearray(parquet(rows, row_group_size=10, compression="zstd", use_dictionary=False))
    offset = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(1).column(0).data_page_offset
    data[offset : offset + 30] = b"\xff" * 30

    seen, records = read(tmp_path, bytes(data))

    assert seen == rows[:10] + rows[20:]
    assert [(record["line"], record["code"]) for record in records if record["code"]] == [(11, "bad-row-group")]


def test_a_compressed_parquet_file_that_breaks_off_is_one_reject(tmp_path):
    seen, records = read(tmp_path, gzip.compress(parquet(ROWS))[:-30])

    assert not seen
    assert [record["code"] for record in records] == ["cut-off-compression"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (float("nan"), None),
        (dt.date(2020, 1, 2), "2020-01-02"),
        (b"a\xff", "a\ufffd"),
        (Decimal("1.50"), "1.50"),
        ({"a": (1, float("inf"))}, {"a": [1, None]}),
        (True, True),
    ],
)
def test_what_json_cannot_hold_is_written_in_its_terms(value, expected):
    assert plain(value) == expected
    canonical_json(plain(value))
