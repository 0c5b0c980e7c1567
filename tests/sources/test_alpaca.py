import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.sources.alpaca import Alpaca
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, rejects_of, repairs_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)


REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"

TEXTS = (
    st.none()
    | st.integers()
    | st.sampled_from(["x", "", " ", "<noinput>", "N/A", "a\x00b", "y\n##\n18. Instruction: z"])
)


def make(on_error):
    return Alpaca(on_error=on_error)


def read(tmp_path, *records):
    (tmp_path / "f.json").write_text(json.dumps(records), encoding="utf-8")
    return read_all(Alpaca(), tmp_path / "f.json")


def only(tmp_path, **record):
    batches = read(tmp_path, record)
    rows = drafts_of(batches).rows(named=True)
    return rows, rejects_of(batches) or repairs_of(batches)


@FEW
@given(
    flat=st.fixed_dictionaries({"instruction": TEXTS, "output": TEXTS}, optional={"input": TEXTS, "system": TEXTS}),
    instances=st.lists(st.fixed_dictionaries({"input": TEXTS, "output": TEXTS}), max_size=3),
)
def test_any_mix_of_faults_keeps_the_laws(tmp_path_factory, flat, instances):
    task = {"instruction": flat["instruction"], "instances": instances}

    keeps_all_laws(make, json.dumps([flat, task]).encode(), tmp_path_factory.getbasetemp())


def test_the_input_stands_below_the_instruction(tmp_path):
    rows, codes = only(tmp_path, instruction="Add.", input="1, 2", output="3")

    assert rows[0]["prompt"][0]["content"] == "Add.\n\n1, 2"
    assert codes == []


@pytest.mark.parametrize("given", ["<noinput>", "<noInput>", "No input", "noinput", "<no input>", "No input required."])
def test_an_input_that_says_there_is_none_is_taken_for_empty(tmp_path, given):
    rows, codes = only(tmp_path, instruction="Sing.", input=given, output="La.")

    assert rows[0]["prompt"][0]["content"] == "Sing."
    assert codes == ["no-input-marker"]


def test_a_merged_output_is_cut_where_the_next_instruction_begins(tmp_path):
    rows, codes = only(tmp_path, instruction="Sing.", input="", output="La.\n###\n18. Instruction: Dance.\n18. Input:")

    assert rows[0]["responses"][0]["messages"][0]["content"] == "La."
    assert codes == ["merged-output"]


def test_control_characters_are_left_out_and_tabs_and_line_ends_kept(tmp_path):
    rows, codes = only(tmp_path, instruction="S\x08ing.", input="", output="L\ta\n\x7f.")

    assert rows[0]["prompt"][0]["content"] == "Sing."
    assert rows[0]["responses"][0]["messages"][0]["content"] == "L\ta\n."
    assert codes == ["stray-control-character"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"output": ""}, "empty-response"),
        ({"output": None}, "empty-response"),
        ({"output": "<No Output>"}, "no-output"),
        ({"output": "N/A"}, "no-output"),
        ({"output": "\n19. Instruction: x"}, "empty-response"),
        ({"instruction": " "}, "empty-prompt"),
        ({"input": "x\n###\n7. Instruction: y"}, "merged-prompt"),
        ({"output": ["x"]}, "wrong-type"),
        ({"history": [["only one"]]}, "wrong-type"),
    ],
)
def test_what_cannot_be_mended_is_refused(tmp_path, fields, code):
    rows, codes = only(tmp_path, **{"instruction": "Sing.", "input": "", "output": "La.", **fields})

    assert (rows, codes) == ([], [code])


def test_system_and_history_come_before_the_instruction(tmp_path):
    rows, _ = only(tmp_path, instruction="More.", output="Lo.", system="Sing well.", history=[["Sing.", "La."]])

    assert [(m["role"], m["content"]) for m in rows[0]["prompt"]] == [
        ("system", "Sing well."),
        ("user", "Sing."),
        ("assistant", "La."),
        ("user", "More."),
    ]


def test_instances_become_rows_of_one_group_and_a_faulty_one_is_left_out(tmp_path):
    instances = [{"input": "1", "output": "a"}, {"input": "2", "output": ""}, {"input": "3", "output": "c"}]

    rows, codes = only(tmp_path, instruction="Spell.", instances=instances)

    assert [row["prompt"][0]["content"] for row in rows] == ["Spell.\n\n1", "Spell.\n\n3"]
    assert len({row["group"] for row in rows}) == 1
    assert codes == ["instance-left-out"]


def test_the_same_prompt_is_one_group(tmp_path):
    records = [{"instruction": "Sing.", "input": "", "output": out} for out in ("a", "b")]

    assert drafts_of(read(tmp_path, *records))["group"].n_unique() == 1


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not there")
@pytest.mark.parametrize(
    ("name", "rows", "repairs"),
    [("llama-factory-demos/alpaca_en_demo.json", 999, ["no-input-marker"] * 7), ("alpaca/seed_tasks.jsonl", 175, [])],
)
def test_real_files_are_read_whole(name, rows, repairs):
    batches = read_all(Alpaca(), REAL / name)

    assert (drafts_of(batches).height, rejects_of(batches), repairs_of(batches)) == (rows, [], repairs)
