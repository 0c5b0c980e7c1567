import gzip
import json
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.plugin import RawFile
from dataforge.reading.drafts import Message, Parsed, RowDraft
from dataforge.reading.json_members import read_json_members
from dataforge.reading.parquet_records import RECORD_CODES

# No deadline: the machine may be busy.
FEW = settings(max_examples=60, deadline=None)


OPENING = re.compile(rb'\s*\{\s*"\d+"\s*:\s*\{')
MEMBER = re.compile(rb'"(\d+)"\s*:\s*(?=\{)')
LIST_OPENING = re.compile(rb'\s*\{[^\[\]{}]*"data"\s*:\s*\[\s*\{')
LIST_MEMBER = re.compile(rb'\{\s*"title"\s*:')

TEXTS = st.text(st.sampled_from('"\\{}[]:,1 \n') | st.characters(blacklist_categories=["Cs"]), max_size=12)


def read(folder, data, opening=OPENING, member=MEMBER):
    (folder / "file").write_bytes(data)
    seen = []

    def parse(value):
        seen.append(value)
        return Parsed([RowDraft("g", [Message("user", "x")], [])])

    file = RawFile(folder / "file", "file", "c")
    batches = list(read_json_members(file, RECORD_CODES, "repair", parse, opening, member))
    return seen, [record for batch in batches for record in batch.records.iter_rows(named=True)]


@FEW
@given(texts=st.lists(TEXTS, min_size=1, max_size=5), indent=st.sampled_from([None, 2]))
def test_members_come_back_whatever_their_texts_with_exact_places(tmp_path_factory, texts, indent):
    whole = {str(n): {"text": text, "1": 2} for n, text in enumerate(texts)}
    data = json.dumps(whole, indent=indent, ensure_ascii=False).encode()

    seen, records = read(tmp_path_factory.getbasetemp(), data)

    assert seen == [{name: value} for name, value in whole.items()]
    for record in records:
        span = data[record["byte"] : record["byte"] + record["n_bytes"]]
        assert json.loads(b"{%b}" % span)
        assert record["line"] == data.count(b"\n", 0, record["byte"]) + 1


def test_a_damaged_member_costs_itself(tmp_path):
    data = b'{"1": {"a": "x"}, "2": {"a": "y}, "3": {"a": "z"}}'

    seen, records = read(tmp_path, data)

    assert seen == [{"1": {"a": "x"}}, {"3": {"a": "z"}}]
    assert [record["code"] for record in records] == [None, "not-json", None]


def test_a_file_that_breaks_off_says_so(tmp_path):
    data = json.dumps({str(n): {"a": "x" * 5} for n in range(3)}).encode()

    assert [record["code"] for record in read(tmp_path, data[:-4])[1]] == [None, None, "cut-off"]
    assert [record["code"] for record in read(tmp_path, data[:-1])[1]] == [None, None, None, "cut-off"]


def test_a_compressed_file_that_breaks_off_says_so(tmp_path):
    data = json.dumps({str(n): {"a": str(n**9)} for n in range(3000)}).encode()

    seen, records = read(tmp_path, gzip.compress(data)[:-500])

    assert 1000 < len(seen) < 3000
    assert records[-1]["code"] == "cut-off-compression"
    assert all(record["code"] is None for record in records[:-1])


def test_members_of_a_list_are_found_and_what_follows_the_list_is_no_record(tmp_path):
    data = b'{"version": "v1", "data": [{"title": "a", "x": [{"y": 1}]}, {"title": "b"}], "more": {"z": []}}'

    seen, _ = read(tmp_path, data, LIST_OPENING, LIST_MEMBER)

    assert seen == [{"title": "a", "x": [{"y": 1}]}, {"title": "b"}]


def test_a_file_that_does_not_open_so_is_read_as_records(tmp_path):
    seen, _ = read(tmp_path, b'{"title": "a"}\n{"title": "b"}\n')

    assert seen == [{"title": "a"}, {"title": "b"}]
