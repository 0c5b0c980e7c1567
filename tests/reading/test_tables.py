import csv
import gzip
import io

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dataforge.core.plugin import RawFile
from dataforge.reading.drafts import Message, Parsed, RowDraft
from dataforge.reading.json_values import Broken
from dataforge.reading.tables import MAX_RECORD_BYTES, TABLE_CODES, Dialect, read_table, table_records

# No deadline: the machine may be busy.
FEW = settings(max_examples=60, deadline=None)


PLAIN = Dialect()

CELLS = st.text(
    st.sampled_from('ab,;\t"\n\r é\x00|') | st.characters(blacklist_categories=["Cs"], blacklist_characters="\ufeff"),
    max_size=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tables")


def written(rows, delimiter=",", end="\r\n"):
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def read(tmp_path, data, dialect=PLAIN, name="t.csv"):
    path = tmp_path / name
    path.write_bytes(data)
    return list(table_records(path, dialect))


def cells_of(items):
    return [list(item[1].values()) for item in items if not isinstance(item, Broken)]


def codes_of(items):
    return [item.code for item in items if isinstance(item, Broken)]


@FEW
@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=1, max_size=6),
    delimiter=st.sampled_from([",", "\t", ";", "|"]),
    end=st.sampled_from(["\n", "\r\n"]),
)
@example(rows=[["", ""], ['"', '""\n"']], delimiter=",", end="\n")
def test_what_was_written_is_read_back_with_exact_places(folder, rows, delimiter, end):
    data = written([["x", "y"], *rows], delimiter, end)

    items = read(folder, data, Dialect(delimiter))

    assert cells_of(items) == rows
    for raw, _ in items:
        assert data[raw.byte : raw.byte + len(raw.data)] == raw.data
        assert raw.line == data.count(b"\n", 0, raw.byte) + 1


@FEW
@given(data=st.binary(max_size=60) | st.text(st.sampled_from('a,"\n\r')).map(str.encode))
def test_any_bytes_are_read_without_an_exception_and_no_byte_is_in_two_records(folder, data):
    items = read(folder, data)

    end = 0
    for item in items:
        raw = item.raw if isinstance(item, Broken) else item[0]
        assert raw.byte >= end
        end = raw.byte + len(raw.data)
        assert data[raw.byte : end] == raw.data


@FEW
@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=2), min_size=3, max_size=6), place=st.integers(0, 1000))
def test_a_bad_byte_in_a_cell_costs_one_record(folder, rows, place):
    place %= len(rows)
    before, after = written([["x", "y"], *rows[:place]]), written(rows[place + 1 :])

    items = read(folder, before + b'"a\xff","b"\r\n' + after)

    assert codes_of(items) == ["bad-utf8"]
    assert cells_of(items) == rows[:place] + rows[place + 1 :]


def test_a_quote_that_is_never_closed_costs_one_line(tmp_path):
    items = read(tmp_path, b'x,y\n1,a\n2,"b\n3,c\n4,d\n')

    assert codes_of(items) == ["unclosed-quote"]
    assert cells_of(items) == [["1", "a"], ["3", "c"], ["4", "d"]]


def test_a_stray_quote_that_would_swallow_the_next_record_costs_one_line(tmp_path):
    items = read(tmp_path, b'x,y\n1,"a\n2,"b,c"\n3,d\n')

    assert codes_of(items) == ["bad-quotes"]
    assert cells_of(items) == [["2", "b,c"], ["3", "d"]]


def test_a_record_with_a_wrong_number_of_cells_is_refused_with_both_numbers(tmp_path):
    items = read(tmp_path, b"x,y\n1,a,b\n2\n3,c\n")

    assert codes_of(items) == ["wrong-cell-count"] * 2
    assert items[0].detail == "3 cells, and 2 columns"
    assert cells_of(items) == [["3", "c"]]


def test_words_for_nothing_stay_words(tmp_path):
    assert cells_of(read(tmp_path, b"x,y\nnan,NULL\nNone,1.50\n")) == [["nan", "NULL"], ["None", "1.50"]]


def test_without_quoting_a_quote_is_a_character(tmp_path):
    items = read(tmp_path, b'x\ty\n"a\tb"c\n', Dialect("\t", has_quotes=False))

    assert cells_of(items) == [['"a', 'b"c']]


def test_a_byte_order_mark_and_blank_lines_are_no_part_of_any_record(tmp_path):
    items = read(tmp_path, b"\xef\xbb\xbfx,y\r\n\r\n1,a\r\n\n2,b")

    assert [item[1] for item in items] == [{"x": "1", "y": "a"}, {"x": "2", "y": "b"}]
    assert [(item[0].byte, item[0].line) for item in items] == [(10, 3), (16, 5)]


@pytest.mark.parametrize(
    ("name", "data"),
    [("t.tsv", b"a,b\tc\n1,2\t3\n"), ("t.tsv.gz", gzip.compress(b"a,b\tc\n1,2\t3\n")), ("t.txt", b"a\tc\n1,2\t3\n")],
)
def test_tabs_are_told_from_the_name_or_the_first_line(tmp_path, name, data):
    assert cells_of(read(tmp_path, data, name=name)) == [["1,2", "3"]]


def test_columns_of_the_same_name_are_numbered(tmp_path):
    items = read(tmp_path, b"x,x,y\n1,2,3\n")

    assert items[0][1] == {"x": "1", "x#2": "2", "y": "3"}


def test_a_file_without_a_header_takes_its_names_from_the_dialect(tmp_path):
    assert read(tmp_path, b"1,a\n", Dialect(columns=("n", "c")))[0][1] == {"n": "1", "c": "a"}


@pytest.mark.parametrize(("data", "code"), [(b"", "empty-file"), ("x,y\n1,2\n".encode("utf-16"), "wrong-encoding")])
def test_a_file_that_is_no_table_gives_one_reject(tmp_path, data, code):
    assert codes_of(read(tmp_path, data)) == [code]


def test_a_cut_off_compressed_table_keeps_its_whole_records(tmp_path):
    rows = [[str(n), str(n * n * 7919)] for n in range(3000)]
    packed = gzip.compress(written([["x", "y"], *rows]), mtime=0)

    for cut in range(200, 220):
        items = read(tmp_path, packed[:-cut])
        assert codes_of(items) == ["cut-off-compression"]
        assert cells_of(items) == rows[: len(items) - 1]
        assert len(items) > 1000


@pytest.mark.slow
def test_a_line_that_is_too_long_costs_itself(tmp_path):
    items = read(tmp_path, b"x,y\n1," + b"a" * (MAX_RECORD_BYTES + 10) + b"\n2,b\n")

    assert codes_of(items) == ["too-large"]
    assert cells_of(items) == [["2", "b"]]


def test_batches_carry_rows_and_rejects(tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes(b"x,y\n1,a\n2\n")

    def parse(cells):
        return Parsed([RowDraft(cells["x"], [Message("user", cells["y"])], [])])

    (batch,) = read_table(RawFile(path, "t.csv", "c"), TABLE_CODES, "repair", parse, Dialect())

    assert batch.drafts["group"].to_list() == ["1"]
    assert batch.records["code"].to_list() == [None, "wrong-cell-count"]
    assert batch.records["line"].to_list() == [2, 3]
