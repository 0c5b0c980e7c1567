import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.params import build
from dataforge.sources.json import SOURCE, Json
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, rejects_of, repairs_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)


REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["q", "a", "role", "content"]), inner),
    max_leaves=6,
)


def sft(on_error):
    return Json(prompt="q", response="a", on_error=on_error)


def ranked(on_error):
    return Json(prompt="{q}", responses="all[].text", scores="all[].score", system="s?", on_error=on_error)


@FEW
@given(records=st.lists(st.dictionaries(st.sampled_from(["q", "a", "b"]), VALUES) | VALUES, min_size=1, max_size=5))
def test_any_json_records_keep_the_laws(tmp_path_factory, records):
    data = "\n".join(json.dumps(record) for record in records).encode()

    keeps_all_laws(sft, data, tmp_path_factory.getbasetemp())


@FEW
@given(
    answers=st.lists(st.fixed_dictionaries({"text": VALUES, "score": VALUES}), max_size=4),
    question=st.text(max_size=4),
)
def test_any_ranked_responses_keep_the_laws(tmp_path_factory, answers, question):
    data = json.dumps([{"q": question, "all": answers}]).encode()

    keeps_all_laws(ranked, data, tmp_path_factory.getbasetemp())


@FEW
@given(data=st.binary(max_size=40))
def test_any_bytes_keep_the_laws(tmp_path_factory, data):
    keeps_all_laws(sft, data, tmp_path_factory.getbasetemp())


def test_an_array_and_lines_give_the_same_rows(tmp_path):
    records = [{"q": f"q{n}", "a": f"a{n}"} for n in range(3)]
    (tmp_path / "array").write_text(json.dumps(records, indent=1), encoding="utf-8")
    (tmp_path / "lines").write_text("\ufeff" + "\r\n".join(map(json.dumps, records)), encoding="utf-8")

    array, lines = (drafts_of(read_all(sft("repair"), tmp_path / name)) for name in ("array", "lines"))

    assert array.equals(lines)
    assert array.height == 3


def test_a_column_that_is_missing_everywhere_is_named_with_those_that_are_there(tmp_path):
    (tmp_path / "f").write_text('{"question":"x","a":"y"}\n{"question":"z","a":"y"}\n', encoding="utf-8")

    (batch,) = read_all(sft("repair"), tmp_path / "f")

    assert batch.records["code"].to_list() == ["missing-column"] * 2
    assert batch.records["detail"].to_list() == ["no 'q'; there are: question, a", "no 'q'"]


def test_recipe_keys_make_the_source_and_wrong_ones_are_told():
    source, problems = build(SOURCE, {"prompt": "q", "responses": ["a", "b"], "scores": ["c", "d"]})
    assert problems == []
    assert source == Json(prompt="q", responses=("a", "b"), scores=("c", "d"))

    for keys, words in (({}, "no column is named"), ({"promt": "q"}, ""), ({"prompt": "q", "chosen": "c"}, "rejected")):
        source, problems = build(SOURCE, keys)
        assert source is None
        assert words in problems[0].message


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not there")
def test_a_real_preference_file_is_read_whole():
    batches = read_all(
        Json(prompt="conversations", chosen="chosen", rejected="rejected"),
        REAL / "llama-factory-demos" / "dpo_en_demo.json",
    )

    assert (drafts_of(batches).height, rejects_of(batches), repairs_of(batches)) == (300, [], [])
