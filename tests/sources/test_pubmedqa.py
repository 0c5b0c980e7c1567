import json
from pathlib import Path

import pytest

from dataforge.sources.pubmedqa import PubMedQa
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, rejects_of, repairs_of

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"

ORIGINAL = {
    "QUESTION": "Does salt help?",
    "CONTEXTS": ["We gave salt.", "Ten people took it."],
    "LABELS": ["METHODS", "RESULTS"],
    "MESHES": ["Salt"],
    "YEAR": "2011",
    "final_decision": "maybe",
    "LONG_ANSWER": "Salt may help some.",
}
ON_THE_HUB = {
    "pubid": 123,
    "question": "Does salt help?",
    "context": {"contexts": ORIGINAL["CONTEXTS"], "labels": [], "meshes": []},
    "long_answer": "Salt may help some.",
    "final_decision": "maybe",
}


def read(tmp_path, data, **fields):
    def make(on_error):
        return PubMedQa(on_error=on_error, **fields)

    return keeps_all_laws(make, data.encode(), tmp_path)


def parts_of(batches):
    return [
        (row["prompt"][0]["content"], row["responses"][0]["messages"][0]["content"])
        for row in drafts_of(batches).iter_rows(named=True)
    ]


@pytest.mark.parametrize(
    "data", [json.dumps({"123": ORIGINAL}), json.dumps({"123": ORIGINAL}, indent=4), json.dumps(ON_THE_HUB)]
)
def test_the_original_and_the_hubs_form_give_the_same_row(tmp_path, data):
    batches = read(tmp_path, data)

    assert parts_of(batches) == [
        ("We gave salt.\n\nTen people took it.\n\nDoes salt help?", "Maybe. Salt may help some.")
    ]
    (row,) = drafts_of(batches).iter_rows(named=True)
    assert (row["group"], row["url"], row["license"]) == ("123", "https://pubmed.ncbi.nlm.nih.gov/123/", "mit")
    assert repairs_of(batches) == []


@pytest.mark.parametrize(
    ("fields", "parts"),
    [
        ({"answer": "long", "with_context": False}, ("Does salt help?", "Salt may help some.")),
        ({"answer": "decision", "with_context": False}, ("Does salt help?", "Maybe")),
    ],
)
def test_question_and_answer_can_be_had_in_parts(tmp_path, fields, parts):
    assert parts_of(read(tmp_path, json.dumps({"123": ORIGINAL}), **fields)) == [parts]


def test_a_record_of_one_object_costs_itself_alone(tmp_path):
    undecided = {name: value for name, value in ORIGINAL.items() if name != "final_decision"}
    records = {"1": undecided, "2": {**ORIGINAL, "QUESTION": ""}, "3": {"QUESTION": "x"}, "4": ORIGINAL}
    data = json.dumps(records).replace('"4": {"QUESTION"', '"4": {"QUEST"ION"')

    batches = read(tmp_path, data)

    assert parts_of(batches)[0][1] == "Salt may help some."
    assert rejects_of(batches) == ["empty-prompt", "missing-column", "not-json"]
    assert rejects_of(read(tmp_path, json.dumps({"1": undecided}), answer="decision")) == ["no-decision"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not there")
def test_the_real_labelled_part_is_read_whole():
    batches = read_all(PubMedQa(), REAL / "pubmedqa" / "ori_pqal.json")

    assert (drafts_of(batches)["group"].n_unique(), rejects_of(batches), repairs_of(batches)) == (1000, [], [])
