import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.schema import kind_of_row
from dataforge.sources.trl import Trl
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, rejects_of, repairs_of

# No deadline: the machine may be busy.
FEW = settings(max_examples=25, deadline=None)


REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"

USER = {"role": "user", "content": "What color is the sky?"}
GOOD = {"role": "assistant", "content": "It is blue."}
BAD = {"role": "assistant", "content": "It is green."}

# The types as TRL's documentation lists them, standard and conversational.
TYPES = {
    "language modeling": ("sft", {"text": "The sky is blue."}, {"messages": [USER, GOOD]}),
    "prompt-only": ("prompt", {"prompt": "The sky is"}, {"prompt": [USER]}),
    "prompt-completion": (
        "sft",
        {"prompt": "The sky is", "completion": " blue."},
        {"prompt": [USER], "completion": [GOOD]},
    ),
    "preference, explicit": (
        "preference",
        {"prompt": "The sky is", "chosen": " blue.", "rejected": " green."},
        {"prompt": [USER], "chosen": [GOOD], "rejected": [BAD]},
    ),
    "preference, implicit": (
        "preference",
        {"chosen": "The sky is blue.", "rejected": "The sky is green."},
        {"chosen": [USER, GOOD], "rejected": [USER, BAD]},
    ),
    "unpaired, good": (
        "sft",
        {"prompt": "The sky is", "completion": " blue.", "label": True},
        {"prompt": [USER], "completion": [GOOD], "label": True},
    ),
    "unpaired, bad": (
        "prompt",
        {"prompt": "The sky is", "completion": " green.", "label": False},
        {"prompt": [USER], "completion": [BAD], "label": False},
    ),
}


def make(on_error):
    return Trl(on_error=on_error)


def lines(*records):
    return "\n".join(map(json.dumps, records)).encode()


def read(tmp_path, *records):
    (tmp_path / "f.jsonl").write_bytes(lines(*records))
    return read_all(Trl(), tmp_path / "f.jsonl")


@pytest.mark.parametrize("name", TYPES)
def test_every_type_gives_its_kind_of_row_and_keeps_the_laws(tmp_path, name):
    kind, standard, conversational = TYPES[name]

    drafts = drafts_of(keeps_all_laws(make, lines(standard, conversational), tmp_path))

    assert drafts.select(kind_of_row())["kind"].to_list() == [kind, kind]


@FEW
@given(
    record=st.dictionaries(
        st.sampled_from(
            ["prompt", "completion", "chosen", "rejected", "messages", "text", "label", "labels", "completions"]
        ),
        st.none() | st.booleans() | st.text(max_size=5) | st.lists(st.sampled_from([USER, GOOD, BAD, {}]), max_size=3),
    )
)
def test_any_columns_keep_the_laws(tmp_path_factory, record):
    keeps_all_laws(make, lines(record), tmp_path_factory.getbasetemp())


def test_parquet_with_null_columns_gives_the_same_rows_as_json_lines(tmp_path):
    records = [{"prompt": "p", "completion": "c"}, {"chosen": "x y", "rejected": "x z"}, {"text": "t"}]
    pq.write_table(
        pa.Table.from_pylist(
            records,
            schema=pa.schema([(n, pa.string()) for n in ("prompt", "completion", "chosen", "rejected", "text")]),
        ),
        tmp_path / "f.parquet",
    )

    assert drafts_of(read_all(Trl(), tmp_path / "f.parquet")).equals(drafts_of(read(tmp_path, *records)))


def test_a_bad_response_leaves_its_prompt_and_a_good_one_has_a_score(tmp_path):
    batches = read(tmp_path, TYPES["unpaired, good"][1], TYPES["unpaired, bad"][1])

    assert drafts_of(batches)["responses"].list.len().to_list() == [1, 0]
    assert drafts_of(batches)["responses"][0][0]["score"] == 1.0
    assert repairs_of(batches) == ["unwanted-response"]


def test_a_bad_response_is_no_fault(tmp_path):
    keeps_all_laws(make, lines(TYPES["unpaired, bad"][1]), tmp_path)
    assert rejects_of(read_all(Trl(on_error="fail"), tmp_path / "file")) == ["unwanted-response"]


@pytest.mark.parametrize(
    ("record", "code"),
    [
        ({"prompt": "1 + 1?", "completions": ["It is", "two."], "labels": [True, True]}, "stepwise"),
        ({"question": "x"}, "no-trl-type"),
        ({"prompt": "p", "completion": "c", "label": "yes"}, "bad-label"),
        ({"chosen": "cat", "rejected": "car"}, "no-common-prompt"),
        ({"prompt": "p", "chosen": "c", "rejected": "c"}, "identical-pair"),
        ({"messages": [USER]}, "no-answer"),
        ({"messages": [{"role": "narrator", "content": "x"}]}, "unknown-role"),
    ],
)
def test_what_is_none_of_the_types_is_refused(tmp_path, record, code):
    assert rejects_of(read(tmp_path, record)) == [code]


def test_tools_and_calls_stay_json_text(tmp_path):
    tools = [{"type": "function", "function": {"name": "f", "parameters": {}}}]
    call = {"type": "function", "function": {"name": "f", "arguments": {"x": 1}}}
    turns = [
        USER,
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "name": "f", "content": "1"},
        GOOD,
    ]

    (row,) = drafts_of(read(tmp_path, {"messages": turns, "tools": tools})).iter_rows(named=True)

    assert json.loads(row["tools"]) == tools
    assert json.loads(row["prompt"][1]["tool_calls"])[0]["function"] == call["function"]
    assert row["responses"][0]["messages"][0]["content"] == GOOD["content"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not there")
def test_a_real_unpaired_file_is_read_whole():
    drafts = drafts_of(read_all(Trl(), REAL / "llama-factory-demos" / "kto_en_demo.json"))

    assert dict(drafts.select(kind_of_row())["kind"].value_counts().iter_rows()) == {"sft": 150, "prompt": 150}
