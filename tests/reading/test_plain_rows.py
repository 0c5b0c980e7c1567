"""The law: what whole columns give is what the same records give one by one."""

import io
import json

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError
from dataforge.core.plugin import RawFile
from dataforge.reading import batch
from dataforge.reading.json_records import read_json_records
from dataforge.reading.mapping import RowMaker, columns_of
from dataforge.reading.parquet_records import read_json_or_parquet, read_parquet
from dataforge.reading.tables import Dialect, read_table
from dataforge.sources.csv import Csv
from dataforge.sources.json import Json
from dataforge.sources.parquet import Parquet
from dataforge.sources.trl import Trl

# No deadline: the machine may be busy.
FEW = settings(max_examples=50, deadline=None)

# Mostly plain, and all that may be wrong with a text: none, blank, invisible, of a web page, not ASCII, to be escaped.
PLAIN = st.sampled_from(
    ["What is it?", "what  is IT?", "An answer.", "Another", 'a "quote"\\ and\tmore\n', "ß ÄÖ 日本"]
)
ODD = st.sampled_from([None, "", "  ", "\u200b", "\x1f", "2 / 2", "Copy code", "<div>x</div>", "\x00\x7f", "İ \x85 x"])
TEXTS = PLAIN | PLAIN | ODD | st.text(st.characters(blacklist_categories=["Cs"]), max_size=5)
SPEAKERS = st.sampled_from(
    ["user", "assistant", "user", "assistant", "human", "gpt", "system", "User", "tool", None, ""]
)


def turns_of(role, content):
    turn = st.none() | st.fixed_dictionaries({role: SPEAKERS, content: TEXTS})
    sound = st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=2).map(
        lambda pairs: [
            {role: who, content: text} for pair in pairs for who, text in zip(("user", "assistant"), pair, strict=True)
        ]
    )
    with_system = sound.map(lambda turns: [{role: "system", content: "Be kind."}, *turns])
    return st.none() | sound | sound | with_system | st.lists(turn, max_size=4)


def turns_type(role, content):
    return pa.list_(pa.struct([(role, pa.string()), (content, pa.string())]))


KINDS = {
    "text": (pa.string(), TEXTS),
    "large": (pa.large_string(), TEXTS),
    "int": (pa.int64(), st.none() | st.integers(-5, 5)),
    "big": (pa.uint64(), st.integers(2**64 - 3, 2**64 - 1)),
    "float": (pa.float64(), st.none() | st.floats()),
    "bool": (pa.bool_(), st.none() | st.booleans()),
    "null": (pa.null(), st.none()),
    "words": (pa.dictionary(pa.int8(), pa.string()), TEXTS),
    "openai": (turns_type("role", "content"), turns_of("role", "content")),
    "sharegpt": (turns_type("from", "value"), turns_of("from", "value")),
    "deep": (
        pa.list_(pa.struct([("z", pa.int8()), ("a", pa.list_(pa.bool_()))])),
        st.none() | st.just([{"z": 1, "a": None}]),
    ),
}
NAMES = ["q", "a", "b", "s", "g", "m.x"]
SHAPES = [
    {"prompt": "q", "response": "a"},
    {"prompt": "q"},
    {"response": "a", "system": "s"},
    {"prompt": "q", "chosen": "a", "rejected": "b", "group": "g"},
    {"chosen": "a", "rejected": "b"},
    {"prompt": "q", "response": "a", "system": "s?", "group": "g?", "url": "u?", "author": "g", "license_column": "s"},
    {"prompt": "q", "response": "a", "score": "g?"},
    {"messages": "q"},
    {"messages": "q", "system": "s", "group": "g"},
    {"prompt": "q?", "response": "a?"},
    {"prompt": "m.x", "response": "/a"},
    {"prompt": "{q} {a}", "response": "a"},
]
# The first columns are of the types that make a shape plain, most of the time.
MOST = st.sampled_from(["text", "text", "text", "large", "openai", "sharegpt"])


@st.composite
def tables(draw):
    kinds = {name: draw(MOST if name in "qab" else st.sampled_from(list(KINDS))) for name in NAMES}
    names = draw(st.lists(st.sampled_from(NAMES), unique=True)) if draw(st.integers(0, 5)) == 0 else NAMES
    rows = draw(st.integers(1, 12))
    columns = {name: draw(st.lists(KINDS[kinds[name]][1], min_size=rows, max_size=rows)) for name in names}
    return pa.table([pa.array(columns[name], KINDS[kinds[name]][0]) for name in names], names=list(names))


def same(one, other):
    """Two readings gave the same batches, or failed alike; returns what they gave."""
    found = []
    for read in (one, other):
        try:
            found.append(list(read()))
        except DataError as error:
            found.append(str(error))
    if isinstance(found[0], str) or isinstance(found[1], str):
        assert found[0] == found[1]
        return []
    assert len(found[0]) == len(found[1])
    for mine, theirs in zip(*found, strict=True):
        assert mine.drafts.equals(theirs.drafts)
        assert mine.records.equals(theirs.records)
        assert mine.drafts.schema == theirs.drafts.schema
        assert mine.records.schema == theirs.records.schema
    return found[0]


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(batch, "MAX_BATCH_BYTES", 300)
    monkeypatch.setattr(batch, "MAX_BATCH_RECORDS", 5)


def as_file(folder, data):
    path = folder / "f"
    path.write_bytes(data)
    return RawFile(path, "f", "c")


def parquet_file(folder, table, **options):
    out = io.BytesIO()
    pq.write_table(table, out, **options)
    return as_file(folder, out.getvalue())


@FEW
@given(
    table=tables(),
    shape=st.sampled_from(SHAPES),
    on_error=st.sampled_from(["repair", "reject", "fail"]),
    group=st.integers(1, 12),
)
def test_any_parquet_table_gives_the_same_by_columns_and_by_records(tmp_path_factory, table, shape, on_error, group):
    source = Parquet(**shape, on_error=on_error)
    file = parquet_file(tmp_path_factory.getbasetemp(), table, row_group_size=group)

    same(
        lambda: source.read(file),
        lambda: read_parquet(file, source.codes, on_error, RowMaker(columns_of(source))),
    )


@FEW
@given(table=tables(), shape=st.sampled_from(SHAPES), on_error=st.sampled_from(["repair", "reject", "fail"]))
def test_any_json_lines_give_the_same_by_columns_and_by_records(tmp_path_factory, table, shape, on_error):
    source = Json(**shape, on_error=on_error)
    rows = [{name: value for name, value in row.items() if value != ""} for row in table.to_pylist()]
    file = as_file(tmp_path_factory.getbasetemp(), "\n".join(map(json.dumps, rows)).encode())

    same(
        lambda: source.read(file),
        lambda: read_json_records(file, source.codes, on_error, RowMaker(columns_of(source))),
    )


@FEW
@given(
    cells=st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=12),
    shape=st.sampled_from(SHAPES),
    on_error=st.sampled_from(["repair", "reject"]),
)
def test_any_csv_gives_the_same_by_columns_and_by_records(tmp_path_factory, cells, shape, on_error):
    source = Csv(**shape, on_error=on_error, header=("q", "a", "s"))
    file = as_file(tmp_path_factory.getbasetemp(), pl.DataFrame(cells, orient="row").write_csv().encode())
    dialect = Dialect(columns=source.header)

    same(
        lambda: source.read(file),
        lambda: read_table(file, source.codes, on_error, RowMaker(columns_of(source)), dialect),
    )


TRL_NAMES = [["prompt", "completion"], ["prompt", "chosen", "rejected"], ["prompt"], ["text"], ["messages"]]


@FEW
@given(
    table=tables(),
    names=st.sampled_from(
        [*TRL_NAMES, ["prompt", "completion", "label"], ["prompt", "completion", "chosen", "rejected"]]
    ),
)
def test_any_trl_table_gives_the_same_by_columns_and_by_records(tmp_path_factory, table, names):
    source = Trl()
    table = table.select(table.column_names[: len(names)])
    table = table.rename_columns(names[: table.num_columns])
    file = parquet_file(tmp_path_factory.getbasetemp(), table)
    parse = []

    def without_columns(*arguments):
        parse.append(arguments[3])
        return read_json_or_parquet(*arguments[:4])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dataforge.sources.trl.read_json_or_parquet", without_columns)
        by_record = list(source.read(file))

    assert parse
    same(lambda: source.read(file), lambda: by_record)


PLAIN_TABLES = [
    ({"prompt": "q", "response": "a"}, {"q": ["x", "y"], "a": ["A", "B"]}),
    ({"prompt": "q", "chosen": "a", "rejected": "b"}, {"q": ["x", "y"], "a": ["A", "B"], "b": ["C", "D"]}),
    (
        {"prompt": "q", "response": "a", "system": "s?", "group": "n"},
        {"q": ["x", "y"], "a": ["A", "B"], "n": [1, None]},
    ),
    ({"messages": "m"}, {"m": [[{"role": "user", "content": "x"}, {"role": "assistant", "content": "A"}]] * 2}),
]


@pytest.mark.parametrize(("shape", "columns"), PLAIN_TABLES)
def test_no_plain_record_of_a_table_is_looked_at_by_itself(tmp_path, monkeypatch, shape, columns):
    def look(self, record):
        pytest.fail(f"{record} was looked at")

    monkeypatch.setattr(RowMaker, "__call__", look)

    batches = list(Parquet(**shape).read(parquet_file(tmp_path, pa.table(columns))))

    assert [batch.drafts.height for batch in batches] == [2]


def test_a_damaged_piece_costs_no_more_rows_than_when_read_record_by_record(tmp_path):
    table = pa.table({"q": [f"{n} " + "word " * 50 for n in range(6000)], "a": ["An answer."] * 6000})
    out = io.BytesIO()
    pq.write_table(table, out, compression="zstd", use_dictionary=False, data_page_size=1 << 12, write_batch_size=64)
    data = bytearray(out.getvalue())
    offset = pq.ParquetFile(io.BytesIO(data)).metadata.row_group(0).column(0)
    middle = offset.data_page_offset + offset.total_compressed_size // 2
    data[middle : middle + 60] = b"\xff" * 60
    file = as_file(tmp_path, bytes(data))
    source = Parquet(prompt="q", response="a")

    batches = same(
        lambda: source.read(file),
        lambda: read_parquet(file, source.codes, "repair", RowMaker(columns_of(source))),
    )

    codes = pl.concat([batch.records for batch in batches])["code"].drop_nulls().to_list()
    assert codes == ["bad-row-group"]
    assert 0 < sum(batch.drafts.height for batch in batches) < 6000
