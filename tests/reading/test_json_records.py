import gzip
import json
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.reading import json_array, json_lines, json_window
from dataforge.reading.drafts import RawRecord
from dataforge.reading.json_records import Broken, json_records, parse_json

RECORDS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(st.characters(codec="utf-8"), max_size=6),
            "turns": st.lists(st.text(st.sampled_from('ab"\\,{}[]: \né'), max_size=8), max_size=3),
        },
        optional={"tag": st.none() | st.integers(0, 99)},
    ),
    max_size=6,
)

LAYOUTS = {
    "array": lambda records: json.dumps(records, ensure_ascii=False),
    "compact array": lambda records: json.dumps(records, separators=(",", ":")),
    "indented array": lambda records: json.dumps(records, indent=2, ensure_ascii=False),
    "lines": lambda records: "\n".join(json.dumps(record) for record in records) + "\n",
    "lines without the last end": lambda records: "\n".join(json.dumps(record) for record in records),
    "blank lines": lambda records: "\n \n\n".join(json.dumps(record) for record in records),
    "objects in a row": lambda records: "".join(json.dumps(record) for record in records),
    "indented objects": lambda records: "\n".join(json.dumps(record, indent=1) for record in records),
    "arrays in a row": lambda records: "\n".join(json.dumps([record]) for record in records),
}


@pytest.fixture
def small_chunks(monkeypatch):
    """Read few bytes at a time, so that every boundary falls between two chunks in some test."""
    monkeypatch.setattr(json_window, "CHUNK_BYTES", 16)


def records_of(data: bytes, folder: Path) -> list[RawRecord | Broken]:
    path = folder / "data.json"
    path.write_bytes(data)
    return list(json_records(path))


def values_of(items: list[RawRecord | Broken]) -> list[object]:
    return [parse_json(item.data)[0] for item in items if isinstance(item, RawRecord)]


def broken_of(items: list[RawRecord | Broken]) -> list[tuple[str, bytes]]:
    return [(item.code, item.raw.data) for item in items if isinstance(item, Broken)]


def places_are_exact(items: list[RawRecord | Broken], data: bytes) -> None:
    end = 0
    for item in items:
        raw = item.raw if isinstance(item, Broken) else item
        assert raw.byte >= end
        end = raw.byte + len(raw.data)
        assert data[raw.byte : end] == raw.data
        assert raw.line == data.count(b"\n", 0, raw.byte) + 1


def array_of(*texts: bytes) -> bytes:
    return b"[\n" + b",\n".join(texts) + b"\n]\n"


def a_record(name: int, text: str = "text") -> bytes:
    return json.dumps(
        {"id": name, "turns": [{"from": "human", "value": text}, {"from": "gpt", "value": text}]}
    ).encode()


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
@given(records=RECORDS, has_mark=st.booleans(), has_crlf=st.booleans())
@settings(deadline=None)
def test_every_layout_gives_the_same_records_with_their_places(layout, records, has_mark, has_crlf, tmp_path_factory):
    text = layout(records)
    if has_crlf:
        text = text.replace("\n", "\r\n")
    data = (b"\xef\xbb\xbf" if has_mark else b"") + text.encode()

    items = records_of(data, tmp_path_factory.mktemp("layout"))

    if text.strip():
        assert values_of(items) == records
        assert not broken_of(items)
    places_are_exact(items, data)


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("layout", ["array", "indented array", "lines", "objects in a row", "indented objects"])
@given(records=RECORDS.filter(len), share=st.floats(0, 1))
@settings(deadline=None)
def test_a_cut_off_file_keeps_its_whole_records(layout, records, share, tmp_path_factory):
    whole = LAYOUTS[layout](records).strip().encode()
    data = whole[: int(share * (len(whole) - 1))]

    items = records_of(data, tmp_path_factory.mktemp("cut"))

    places_are_exact(items, data)
    good = [item for item in items if isinstance(item, RawRecord)]
    kept = [parse_json(item.data)[0] for item in good if item.data.startswith(b"{") and item.data.endswith(b"}")]
    ends = [
        parse_json(raw.data)[0]
        for raw in records_of(whole, tmp_path_factory.mktemp("whole"))
        if raw.byte + len(raw.data) <= len(data)
    ]
    assert kept == ends
    # The array is never closed, so at least the cut is told.
    assert len(items) > len(ends) or not layout.endswith("array")
    assert len(items) <= len(ends) + 1


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("layout", ["array", "indented array", "compact array", "lines"])
@given(
    records=st.lists(
        st.fixed_dictionaries({"id": st.integers(10, 99), "text": st.text("abc {}[],:", max_size=8)}),
        min_size=3,
        max_size=5,
    ),
    byte=st.sampled_from(b'"{}[],:\\\n\xff x1'),
    share=st.floats(0, 1, exclude_max=True),
)
@settings(deadline=None)
def test_one_bad_byte_costs_at_most_the_records_it_touches(layout, records, byte, share, tmp_path_factory):
    data = bytearray(LAYOUTS[layout](records).encode())
    place = int(share * len(data))
    whole = records_of(bytes(data), tmp_path_factory.mktemp("whole"))
    data[place] = byte

    items = records_of(bytes(data), tmp_path_factory.mktemp("damaged"))

    places_are_exact(items, bytes(data))
    # In lines, the line end belongs to the record: where it is gone, two lines have become one.
    more = 1 if layout == "lines" else 0
    untouched = {raw.byte: raw for raw in whole if not raw.byte - more <= place < raw.byte + len(raw.data) + more}
    found = {item.byte: item for item in items if isinstance(item, RawRecord)}
    assert {byte: raw._replace(line=None) for byte, raw in untouched.items()} == {
        byte: found[byte]._replace(line=None) for byte in untouched if byte in found
    }


@given(data=st.binary(max_size=60) | st.text('[]{},:"a1\\ \n', max_size=60).map(str.encode))
@settings(deadline=None)
def test_no_bytes_make_the_reader_raise_or_lie_about_places(data, tmp_path_factory):
    items = records_of(data, tmp_path_factory.mktemp("any"))

    places_are_exact([item for item in items if not (isinstance(item, Broken) and "encoding" in item.code)], data)


@pytest.mark.parametrize(
    "bad",
    [
        a_record(2).replace(b"text", b'te"xt', 1),  # a stray quote
        a_record(2).replace(b'"text"', b'"text', 1),  # a quote that is missing
        a_record(2).replace(b"[", b"[[", 1),
        a_record(2).replace(b"]", b"", 1),
        a_record(2)[:-1],
        a_record(2)[:40],  # a writer that was killed, and went on in the middle
        b'{"id": 2, "turns": nonsense}',
    ],
    ids=["quote", "no quote", "bracket", "no bracket", "no brace", "torn", "word"],
)
def test_a_damaged_element_costs_itself_alone(bad, tmp_path):
    data = array_of(a_record(0), a_record(1), bad, a_record(3), a_record(4))

    items = records_of(data, tmp_path)

    assert [value["id"] for value in values_of(items)] == [0, 1, 3, 4]
    assert broken_of(items) == [("not-json", bad)]
    places_are_exact(items, data)


def test_a_damaged_first_element_costs_itself_alone(tmp_path):
    data = array_of(b'{"id": 0, "text": "a"b"}', b'{"id": 1, "text": "c"}', b'{"id": 2, "text": "d"}')

    items = records_of(data, tmp_path)

    assert [value["id"] for value in values_of(items)] == [1, 2]


def test_a_damaged_last_element_costs_itself_alone(tmp_path):
    bad = b'{"id": 2, "turns": [}'

    items = records_of(array_of(a_record(0), a_record(1), bad), tmp_path)

    assert [value["id"] for value in values_of(items)] == [0, 1]
    assert broken_of(items) == [("not-json", bad)]


@pytest.mark.parametrize("stray", [b"[", b"]", b"{", b"}", b'"', b"]]", b",,"])
def test_a_stray_mark_between_elements_costs_none(stray, tmp_path):
    data = array_of(a_record(0), a_record(1), stray + a_record(2), a_record(3))

    items = records_of(data, tmp_path)

    assert [value["id"] for value in values_of(items)] == [0, 1, 2, 3]


def test_a_bad_byte_in_an_element_costs_that_element_only(tmp_path):
    data = array_of(a_record(0), a_record(1, "caf-").replace(b"-", b"\xe9"), a_record(2))

    items = records_of(data, tmp_path)

    assert not broken_of(items)
    assert len(items) == 3
    assert b"\xe9" in items[1].data


def test_elements_that_are_no_objects_are_records_too(tmp_path):
    data = array_of(a_record(0), b"null", b'"word"', b"[1, 2]", a_record(1), b"7")

    values = values_of(records_of(data, tmp_path))

    assert values[1:4] == [None, "word", [1, 2]]
    assert values[5] == 7
    assert len(values) == 6


def test_objects_inside_records_that_look_like_records_are_not_taken_for_them(tmp_path):
    records = [{"id": n, "parts": [{"id": n * 100 + m, "parts": []} for m in range(9)]} for n in range(5)]

    items = records_of(json.dumps(records).encode(), tmp_path)

    assert values_of(items) == records


def test_a_file_that_breaks_off_in_a_string_is_told_with_its_byte(tmp_path):
    data = array_of(a_record(0), a_record(1))[:-60]

    *whole, cut = records_of(data, tmp_path)

    assert values_of(whole) == [json.loads(a_record(0))]
    assert isinstance(cut, Broken)
    assert cut.code == "cut-off"
    assert cut.raw.byte == data.index(b'{"id": 1')
    assert f"ends at byte {len(data)}" in cut.detail


def test_an_array_that_breaks_off_between_two_elements_is_told(tmp_path):
    data = array_of(a_record(0), a_record(1)).removesuffix(b"\n]\n")

    items = records_of(data, tmp_path)

    assert len(values_of(items)) == 2
    assert broken_of(items) == [("cut-off", b"")]


def test_a_cut_off_gzip_file_keeps_its_whole_records(tmp_path):
    data = b"\n".join(a_record(number, f"{number * 7919 % 1000}") for number in range(3_000))
    packed = gzip.compress(data)

    items = records_of(packed[: len(packed) // 2], tmp_path)

    values = values_of(items)
    assert [value["id"] for value in values] == list(range(len(values)))
    assert 500 < len(values) < 3_000
    last = items[-1]
    assert isinstance(last, Broken)
    assert last.code == "cut-off-compression"
    assert "unpacked bytes" in last.detail


def test_a_gzip_file_that_breaks_off_between_records_is_told(tmp_path):
    packed = gzip.compress(a_record(0) + b"\n")

    items = records_of(packed[:-4], tmp_path)

    assert len(values_of(items)) == 1
    assert broken_of(items) == [("cut-off-compression", b"")]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("layout", ["array", "lines"])
def test_a_record_that_is_too_large_is_skipped_and_told(layout, tmp_path, monkeypatch):
    for module in (json_array, json_lines, json_window):
        monkeypatch.setattr(module, "MAX_RECORD_BYTES", 4_000)
    records = [json.loads(a_record(0)), json.loads(a_record(1, "x" * 30_000)), json.loads(a_record(2))]
    data = LAYOUTS[layout](records).encode()

    items = records_of(data, tmp_path)

    assert values_of(items) == [records[0], records[2]]
    (broken,) = [item for item in items if isinstance(item, Broken)]
    assert broken.code == "too-large"
    assert broken.raw.byte == data.index(b'{"id": 1')
    assert len(broken.raw.data) < 5_000
    assert "the limit is 4,000" in broken.detail


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr(json_window, "CHUNK_BYTES", 64 << 10)

    def peak(count: int) -> int:
        path = tmp_path / f"{count}.json"
        path.write_bytes(array_of(*(a_record(number, "text " * 50) for number in range(count))))
        tracemalloc.start()
        try:
            assert sum(1 for _ in json_records(path)) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(8_000) < 1.3 * peak(1_000)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_a_file_in_another_encoding_is_one_reject_that_says_so(encoding, tmp_path):
    (item,) = records_of(a_record(0).decode().encode(encoding), tmp_path)

    assert isinstance(item, Broken)
    assert item.code == "wrong-encoding"
    assert encoding.upper() in item.detail


@pytest.mark.parametrize("data", [b"", b" \n\t\r\n", b"\xef\xbb\xbf"])
def test_a_file_of_blanks_is_told(data, tmp_path):
    assert broken_of(records_of(data, tmp_path)) == [("empty-file", b"")]


def test_an_empty_array_is_no_fault(tmp_path):
    assert records_of(b"[]", tmp_path) == []


def test_a_damaged_first_line_does_not_hide_that_the_file_is_lines(tmp_path):
    data = b'{"id": 0, "text": "a\n{"id": 1}\n{"id": 2}\n'

    items = records_of(data, tmp_path)

    assert [(raw.line, raw.data) for raw in items if isinstance(raw, RawRecord)][1:] == [
        (2, b'{"id": 1}'),
        (3, b'{"id": 2}'),
    ]


def test_lines_that_are_no_json_at_all_are_one_record_each(tmp_path):
    items = records_of(b"<html>\n<body>\n", tmp_path)

    assert [(raw.line, raw.data) for raw in items if isinstance(raw, RawRecord)] == [(1, b"<html>"), (2, b"<body>")]
