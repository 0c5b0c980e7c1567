"""Sniffing: the right source for a file, whatever it is packed in, and a clear word where there is none."""

import gzip
import json
from pathlib import Path

import polars as pl
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core import params, registry
from dataforge.core.errors import DataError, ForgeError, RecipeError
from dataforge.lint.sniff import sniff

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT / "corpora"
SHARED = ROOT / ".." / "shared" / "data"

TURNS = [{"from": "human", "value": "Hi?"}, {"from": "gpt", "value": "Hello."}]
CHAT = [{"role": "user", "content": "Hi?"}, {"role": "assistant", "content": "Hello."}]
COMPLETION = {"model": "m", "response": "x", "annotations": {"honesty": {"Rating": "4"}}}

SHAPES = {
    "sharegpt": {"conversations": TURNS},
    "openassistant": {"message_tree_id": "t", "prompt": {"text": "Hi?", "role": "prompter", "replies": []}},
    "hh_rlhf": {"chosen": "\n\nHuman: Hi?\n\nAssistant: Hello.", "rejected": "\n\nHuman: Hi?\n\nAssistant: No."},
    "alpaca": {"instruction": "Add.", "input": "1 and 2", "output": "3"},
    "dolly": {"instruction": "Add.", "context": "1 and 2", "response": "3", "category": "qa"},
    "ultrafeedback": {"source": "s", "instruction": "Add.", "completions": [COMPLETION, COMPLETION]},
    "webgpt": {"question": {"full_text": "Q"}, "answer_0": "a", "answer_1": "b", "score_0": 1.0, "score_1": -1.0},
    "trl": {"prompt": "Hi?", "completion": "Hello."},
    "codesearchnet": {"repo": "a/b", "docstring": "Adds.", "code": "def add(): ..."},
    "wikipedia": {"id": "1", "url": "https://en.wikipedia.org/wiki/Tea", "title": "Tea", "text": "Tea is a drink."},
    "quora": {"id": "0", "qid1": "1", "qid2": "2", "question1": "Q?", "question2": "R?", "is_duplicate": "0"},
}

MAPPINGS = [
    ({"question": "Q?", "answer": "A."}, {"prompt": "question", "response": "answer"}),
    ({"Prompt": "Q?", "Response": "A."}, {"prompt": "Prompt", "response": "Response"}),
    (
        {"prompt": "Q?", "response": "A.", "system": "S"},
        {"prompt": "prompt", "response": "response", "system": "system?"},
    ),
    (
        {"instruction": "Do", "input": "it", "response": "A."},
        {"prompt": "{instruction}\n\n{input?}", "response": "response"},
    ),
    (
        {"question": "Q?", "preferred": "A", "rejected": "B"},
        {"prompt": "question", "chosen": "preferred", "rejected": "rejected"},
    ),
    ({"chat": CHAT}, {"messages": "chat"}),
    (
        {"prompt": "Q?", "responses": ["a", "b"], "scores": [1, 2]},
        {"prompt": "prompt", "responses": "responses", "scores": "scores"},
    ),
    (
        {"prompt": "Q?", "answers": [{"text": "a", "rank": 1}, {"text": "b", "rank": 0}]},
        {"prompt": "prompt", "responses": "answers[].text", "ranks": "answers[].rank"},
    ),
    (
        {"input": {"messages": CHAT[:1]}, "preferred_output": CHAT[1:], "non_preferred_output": CHAT[1:]},
        {"prompt": "input.messages", "chosen": "preferred_output", "rejected": "non_preferred_output"},
    ),
    ({"question_id": 1, "turns": ["First?", "Second?"]}, {"prompt": "turns[0]"}),
    ({"text": "Words to learn."}, {"response": "text"}),
]


def lines(path, *records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def outcome_of(path):
    try:
        return sniff(path).use
    except ForgeError as error:
        return "refused" if error.fix and error.exit_code in {2, 3} else f"{error}"


@pytest.mark.parametrize("use", [use for use in SHAPES if use != "quora"])
def test_each_known_shape_goes_to_the_source_made_for_it(tmp_path, use):
    guess = sniff(lines(tmp_path / "x", SHAPES[use], SHAPES[use]))

    assert guess.use == use
    assert guess.params == {}
    assert guess.why


def test_a_table_of_a_known_shape_goes_to_the_source_that_reads_tables(tmp_path):
    record = SHAPES["quora"]
    path = tmp_path / "pairs.tsv"
    path.write_text("\t".join(record) + "\n" + "\t".join(record.values()) + "\n")

    assert sniff(path).use == "quora"


def test_a_table_with_the_columns_of_a_json_dataset_goes_to_csv_for_that_source_reads_no_tables(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("instruction,input,output\nAdd.,1 and 2,3\n")

    guess = sniff(path)

    assert guess.use == "csv"
    assert guess.params == {"prompt": "{instruction}\n\n{input?}", "response": "output"}


@pytest.mark.parametrize(("record", "expected"), MAPPINGS)
def test_columns_of_unknown_records_are_found_by_their_names(tmp_path, record, expected):
    guess = sniff(lines(tmp_path / "x.jsonl", record))

    assert (guess.use, guess.params) == ("json", expected)
    plugin, problems = params.build(registry.load("source", guess.use), guess.params)
    assert plugin is not None, problems


@settings(max_examples=60, deadline=None)
@given(
    use=st.sampled_from(sorted(set(SHAPES) - {"quora"})),
    form=st.sampled_from(["lines", "array", "indented", "gzip", "zstd", "marked"]),
)
def test_the_guess_does_not_depend_on_how_the_records_are_packed(tmp_path_factory, use, form):
    records = [SHAPES[use]] * 3
    plain = "".join(json.dumps(record) + "\n" for record in records).encode()
    packed = {
        "lines": plain,
        "array": json.dumps(records).encode(),
        "indented": json.dumps(records, indent=2).encode(),
        "gzip": gzip.compress(plain),
        "zstd": zstandard.compress(plain),
        "marked": b"\xef\xbb\xbf" + plain,
    }
    path = tmp_path_factory.mktemp("packed") / "no-ending"
    path.write_bytes(packed[form])

    assert sniff(path).use == use


def test_parquet_is_told_by_its_bytes(tmp_path):
    pl.DataFrame([{"question": "Q?", "answer": "A."}]).write_parquet(tmp_path / "a.bin")
    pl.DataFrame([{"conversations": TURNS}]).write_parquet(tmp_path / "b.bin")
    pl.DataFrame([SHAPES["alpaca"]]).write_parquet(tmp_path / "c.bin")

    guesses = [sniff(tmp_path / name) for name in ("a.bin", "b.bin", "c.bin")]

    assert [guess.use for guess in guesses] == ["parquet", "parquet", "alpaca"]
    assert guesses[0].params == {"prompt": "question", "response": "answer"}
    assert guesses[1].params == {"messages": "conversations"}


def test_broken_records_at_the_start_do_not_hide_the_rest(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text("--- export ---\n{broken\n" + (json.dumps(SHAPES["sharegpt"]) + "\n") * 3)

    assert sniff(path).use == "sharegpt"


def test_an_object_with_a_record_for_each_id_goes_to_pubmedqa(tmp_path):
    record = {"QUESTION": "Does it?", "CONTEXTS": ["It may."], "LONG_ANSWER": "It does.", "final_decision": "yes"}
    path = tmp_path / "x.json"
    path.write_text(json.dumps({"12345": record, "12346": record}))

    assert sniff(path).use == "pubmedqa"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b" \n\t\n", "blanks"),
        (b"PK\x03\x04rest", "zip archive"),
        (b"\xff\xfe{\x00", "UTF-16"),
        (bytes(range(256)) * 4, "binary"),
        (b"<html><p>Hi</p></html>", "<html>"),
        (b"Just words.\nMore words.\n", "begins with 'Just words.'"),
        (b"[1, 2, 3]", "no objects"),
        (b'{"data": [{"prompt": "a"}]}', "'data'"),
        (b'{"foo": 1, "bar": 2}\n{"foo": 3}\n', "'foo', 'bar'"),
        (b'{"text": "You fool", "label": 1}\n', "'text', 'label'"),
        (b"\x1f\x8b\x08\x00", "break off"),
        (b'{"transcript": "\\n\\nHuman: Hi", "rating": 4.0}\n', "red-team"),
    ],
)
def test_what_cannot_be_read_is_refused_with_what_it_is_and_what_to_do(tmp_path, content, said):
    path = tmp_path / "x"
    path.write_bytes(content)

    with pytest.raises(DataError, match=said) as caught:
        sniff(path)

    assert str(path) in str(caught.value)
    assert caught.value.fix


def test_a_missing_file_and_a_folder_are_mistakes_of_the_command(tmp_path):
    (tmp_path / "folder").mkdir()
    lines(tmp_path / "folder" / "a.jsonl", SHAPES["trl"])

    with pytest.raises(RecipeError, match="there is no file"):
        sniff(tmp_path / "nosuch.json")
    with pytest.raises(RecipeError, match="is a folder") as caught:
        sniff(tmp_path / "folder")

    assert "*.jsonl" in caught.value.fix


@settings(max_examples=60, deadline=None)
@given(content=st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_whatever_the_bytes_there_is_a_guess_or_an_error_with_a_fix(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "x"
    path.write_bytes(content)

    outcome = outcome_of(path)

    assert outcome in {*registry.names("source"), "refused"}


@pytest.mark.parametrize(
    ("pattern", "use", "files"),
    [
        ("sharegpt/*.js*", "sharegpt", 4),
        ("hh-rlhf/*.jsonl*", "hh_rlhf", 3),
        ("stackexchange/*/Posts.xml", "stackexchange", 2),
    ],
)
def test_the_corpora_of_the_repository_are_known(pattern, use, files):
    found = sorted(CORPORA.glob(pattern))

    assert len(found) == files
    assert {sniff(path).use for path in found} == {use}


def test_the_red_team_file_is_refused():
    with pytest.raises(DataError, match="red-team"):
        sniff(CORPORA / "hh-rlhf" / "red-team" / "red-team.jsonl")


REAL = {
    "fastchat/dummy_conversation.json": "sharegpt",
    "hh-rlhf/harmless-base-test.jsonl.gz": "hh_rlhf",
    "llama-factory-demos/alpaca_en_demo.json": "alpaca",
    "llama-factory-demos/dpo_en_demo.json": "sharegpt",
    "llama-factory-demos/kto_en_demo.json": "sharegpt",
    "alpaca/seed_tasks.jsonl": "alpaca",
    "oasst/en_100_tree.jsonl": "openassistant",
    "stackexchange/beer-Posts.xml": "stackexchange",
    "codexglue/cosqa-dev.json": "codesearchnet",
    "pubmedqa/ori_pqal.json": "pubmedqa",
    "xstest/xstest_v2_completions_llama2new_gpteval.csv": "csv",
    "mrpc/msr_paraphrase_train.txt": None,
    "surge-toxicity/toxicity_en.csv": None,
    "davidson-hate-speech/labeled_data.csv": None,
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_known_or_refused(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")

    if REAL[name] is None:
        with pytest.raises(DataError, match="no source knows"):
            sniff(path)
    else:
        assert sniff(path).use == REAL[name]
