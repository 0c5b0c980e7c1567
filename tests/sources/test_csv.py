from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.params import build
from dataforge.sources.csv import SOURCE, Csv
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, rejects_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)


REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def sft(on_error):
    return Csv(prompt="q", response="a", on_error=on_error)


@FEW
@given(body=st.binary(max_size=40) | st.text(st.sampled_from('ab,"\n\r')).map(str.encode))
def test_any_bytes_below_a_header_keep_the_laws(tmp_path_factory, body):
    keeps_all_laws(sft, b"q,a\n" + body, tmp_path_factory.getbasetemp())


@FEW
@given(data=st.binary(max_size=40))
def test_any_bytes_keep_the_laws(tmp_path_factory, data):
    keeps_all_laws(sft, data, tmp_path_factory.getbasetemp())


def test_cells_are_text_and_may_hold_line_ends_and_messages(tmp_path):
    turns = '"[{""role"":""user"",""content"":""hi""},{""role"":""assistant"",""content"":""nan""}]"'
    (tmp_path / "t.csv").write_text(f"id,chat\r\n007,{turns}\r\n", encoding="utf-8")

    drafts = drafts_of(read_all(Csv(messages="chat", group="id"), tmp_path / "t.csv"))

    assert drafts["group"].to_list() == ["007"]
    assert drafts["responses"][0][0]["messages"][0]["content"] == "nan"


def test_a_file_without_a_header_and_with_its_own_delimiter(tmp_path):
    (tmp_path / "t.txt").write_text('a"b::c\n', encoding="utf-8")

    source = Csv(prompt="x", response="y", header=("x", "y"), delimiter="::", quoting="none")

    assert drafts_of(read_all(source, tmp_path / "t.txt"))["prompt"][0][0]["content"] == 'a"b'


def test_a_record_with_a_wrong_number_of_cells_is_rejected_at_its_line(tmp_path):
    (tmp_path / "t.csv").write_bytes(b'q,a\n"x\ny",1\n2,3,4\n5,6\n')

    (batch,) = read_all(sft("repair"), tmp_path / "t.csv")

    assert batch.records["code"].to_list() == [None, "wrong-cell-count", None]
    assert batch.records["line"].to_list() == [2, 4, 5]
    assert batch.records["byte"].to_list() == [4, 12, 18]


@pytest.mark.parametrize("delimiter", ["", '"', "a\n"])
def test_a_delimiter_that_cannot_be_one_is_refused(delimiter):
    source, problems = build(SOURCE, {"prompt": "q", "delimiter": delimiter})

    assert source is None
    assert "delimiter" in problems[0].message


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not there")
def test_a_real_table_is_whole_only_without_quoting():
    path = REAL / "mrpc" / "msr_paraphrase_train.txt"
    plain = read_all(Csv(prompt="#1 String", response="#2 String", quoting="none"), path)
    quoted = read_all(Csv(prompt="#1 String", response="#2 String"), path)

    assert (drafts_of(plain).height, rejects_of(plain)) == (4080, [])
    assert set(rejects_of(quoted)) == {"bad-quotes", "wrong-cell-count"}
