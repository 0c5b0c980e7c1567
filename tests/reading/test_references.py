"""Earlier datasets and evaluation sets, read as rows to compare with."""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

import orjson
import polars as pl
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import DataError
from dataforge.core.schema import ROW
from dataforge.reading.references import describe, read_reference, reference_files
from dataforge.text.select import texts
from tests.steps.rows import DATA, frame, row

RECORDS = [{"prompt": "One?", "response": "1."}, {"prompt": "Two?", "response": "2."}]


def written(path: Path, records: list) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(orjson.dumps(record) + b"\n" for record in records))
    return path


def read(path: Path, left_out: Counter[str] | None = None) -> pl.DataFrame:
    return pl.concat(read_reference(path, "ref", left_out))


def said(path: Path) -> list[tuple[list[str], list[str]]]:
    rows = read(path)
    return list(zip(texts(rows, "prompt").to_list(), texts(rows, "responses").to_list(), strict=True))


def test_rows_have_the_schema_of_rows_and_stand_aside(tmp_path):
    rows = read(written(tmp_path / "a.jsonl", RECORDS))

    assert rows.schema == ROW
    assert rows["row_id"].to_list() == ["ref#1", "ref#2"]
    assert rows["group_id"].equals(rows["row_id"].alias("group_id"))
    assert rows["split"].to_list() == ["reference", "reference"]
    assert rows["origin"].struct.field("path").to_list() == ["ref", "ref"]
    assert rows["origin"].struct.field("line").to_list() == [1, 2]


@pytest.mark.parametrize("kind", ["jsonl", "jsonl.gz", "jsonl.zst", "json", "csv", "tsv", "parquet"])
def test_the_same_records_are_the_same_rows_in_every_format(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    lines = b"".join(orjson.dumps(record) + b"\n" for record in RECORDS)
    match kind:
        case "jsonl.gz":
            path.write_bytes(gzip.compress(lines))
        case "jsonl.zst":
            path.write_bytes(zstandard.compress(lines))
        case "json":
            path.write_bytes(orjson.dumps(RECORDS))
        case "csv" | "tsv":
            pl.DataFrame(RECORDS).write_csv(path, separator="," if kind == "csv" else "\t")
        case "parquet":
            pl.DataFrame(RECORDS).write_parquet(path)
        case _:
            path.write_bytes(lines)

    assert said(path) == [(["One?"], ["1."]), (["Two?"], ["2."])]
    assert read(path)["row_id"].to_list() == ["ref#1", "ref#2"]


def test_each_line_of_plain_text_is_a_text_without_a_prompt(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(
        "\ufeffOne line\r\n\n  \nAnother\n".encode() + b"bad \xff byte\nlast".replace(b"last", "zuletzt ß".encode())
    )
    left_out: Counter[str] = Counter()

    rows = read(path, left_out)

    assert texts(rows, "responses").to_list() == [["One line"], ["Another"], ["zuletzt ß"]]
    assert rows["prompt"].list.len().to_list() == [0, 0, 0]
    assert left_out == {"bad-utf8": 1}


def turns(*contents: str) -> list[dict[str, str]]:
    return [{"role": "assistant" if place % 2 else "user", "content": text} for place, text in enumerate(contents)]


@pytest.mark.parametrize(
    ("record", "prompt", "answers"),
    [
        ({"messages": turns("Hi", "Hello", "Why?", "So.")}, ["Hi", "Hello", "Why?"], ["So."]),
        ({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Ho"}]}, ["Hi"], ["Ho"]),
        ({"system": "Be kind.", "conversations": turns("Hi", "Ho")}, ["Be kind.", "Hi"], ["Ho"]),
        ({"instruction": "Add", "input": "1 and 2", "output": "3"}, ["Add\n\n1 and 2"], ["3"]),
        ({"instruction": "Sing", "input": "", "output": "La"}, ["Sing"], ["La"]),
        ({"prompt": "Hi", "chosen": "Good", "rejected": "Bad"}, ["Hi"], ["Good", "Bad"]),
        ({"prompt": "Hi", "chosen": "Same", "rejected": "Same"}, ["Hi"], ["Same", "Same"]),
        ({"chosen": turns("Hi", "A"), "rejected": turns("Hi", "B")}, ["Hi"], ["A", "B"]),
        ({"chosen": "\n\nHuman: Hi\n\nAssistant: A", "rejected": "\n\nHuman: Hi\n\nAssistant: B"}, ["Hi"], ["A", "B"]),
        ({"question": "2+2?", "choices": ["3", "4"], "answer": 1}, ["2+2?", "3\n4"], ["4"]),
        (
            {"question": "2+2?", "choices": {"text": ["3", "4"], "label": ["A", "B"]}, "answerKey": "B"},
            ["2+2?", "3\n4"],
            [],
        ),
        ({"context": "A tale.", "question": "Who?", "answers": {"text": ["He"]}}, ["A tale.", "Who?"], ["He"]),
        ({"question": "Who?", "best_answer": "He", "correct_answers": ["She"]}, ["Who?"], ["He", "She"]),
        ({"turns": ["One?", "Two?"], "reference": ["1", "2"]}, ["One?", "Two?"], ["1", "2"]),
        ({"Behavior": "Do it", "ContextString": "Here"}, ["Here", "Do it"], []),
        ({"text": "A text.", "label": 1}, [], ["A text."]),
        ({"sentence1": "One.", "sentence2": "Two.", "idx": 3}, [], ["One.", "Two."]),
        ({"prompt": {"text": "Q", "replies": [{"text": "A", "replies": [{"text": "B"}]}]}}, ["Q"], ["A", "B"]),
        ({"prompt": "Hi", "responses": [{"messages": turns("x")}, {"text": "y"}]}, ["Hi"], ["x", "y"]),
        ("just a text", [], ["just a text"]),
    ],
)
def test_columns_are_known_by_the_names_that_datasets_give_them(tmp_path, record, prompt, answers):
    path = tmp_path / "a.json"
    path.write_bytes(orjson.dumps([record]))

    assert said(path) == [(prompt, answers)]


def test_records_that_cannot_be_used_are_counted_and_keep_their_numbers(tmp_path):
    lines = [b'{"prompt": "One?"}', b"{broken", b"[1]", b'{"other": 1}', b'{"prompt": " "}', b'{"prompt": "Six?"}']
    (tmp_path / "a.jsonl").write_bytes(b"\n".join(lines))
    left_out: Counter[str] = Counter()

    rows = read(tmp_path / "a.jsonl", left_out)

    assert rows["row_id"].to_list() == ["ref#1", "ref#6"]
    assert left_out == {"not-json": 1, "not-an-object": 1, "no-known-column": 1, "no-text": 1}
    assert all(describe(code).endswith(".") for code in left_out)


@given(st.lists(st.sampled_from([b'{"text": "good"}', b"{bad", b"{}", b""]), max_size=12))
def test_every_record_is_a_row_or_is_counted(tmp_path_factory, lines):
    path = tmp_path_factory.mktemp("r") / "a.jsonl"
    path.write_bytes(b'{"text": "good"}\n' + b"\n".join(lines))
    left_out: Counter[str] = Counter()

    rows = read(path, left_out)

    assert rows.height == 1 + lines.count(b'{"text": "good"}')
    assert rows.height + left_out.total() == 1 + len([line for line in lines if line])


def test_rows_of_ours_keep_their_names_and_where_they_come_from(tmp_path):
    rows = frame(row("One?", "1.", row_id="a"), row("Two?", "2.", row_id="b", split="test"))
    (tmp_path / "data").mkdir()
    for split in ("train", "test"):
        part = rows.filter(pl.col("split") == split)
        part.drop("parent_id").write_parquet(tmp_path / "data" / f"{split}-00000-of-00001.parquet")
    (tmp_path / "views").mkdir()
    written(tmp_path / "views" / "sft.jsonl", RECORDS)

    whole, one = read(tmp_path), read(tmp_path / "data" / "test-00000-of-00001.parquet")

    assert [path.name for path in reference_files(tmp_path)] == [
        "test-00000-of-00001.parquet",
        "train-00000-of-00001.parquet",
    ]
    assert whole.schema == ROW
    assert whole["row_id"].to_list() == ["b", "a"]
    assert whole["split"].to_list() == ["reference", "reference"]
    assert whole["origin"].struct.field("path").to_list() == ["chat.json", "chat.json"]
    assert one.select("prompt", "responses").equals(whole.select("prompt", "responses")[:1])


def test_a_folder_stands_for_its_data_files_in_order(tmp_path):
    written(tmp_path / "b.jsonl", RECORDS[:1])
    written(tmp_path / "a" / "z.json", RECORDS[1:])
    written(tmp_path / ".cache" / "x.jsonl", RECORDS)
    (tmp_path / "README.md").write_text("not data")
    (tmp_path / "dataset_info.json").write_text("{}")

    assert reference_files(tmp_path) == [tmp_path / "a" / "z.json", tmp_path / "b.jsonl"]
    assert read(tmp_path)["row_id"].to_list() == ["ref/a/z.json#1", "ref/b.jsonl#1"]


def test_many_rows_come_a_bounded_number_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("dataforge.reading.references._ROWS_AT_A_TIME", 40)
    monkeypatch.setattr("dataforge.reading.batch.MAX_BATCH_RECORDS", 40)
    frame(*(row(f"{place}?") for place in range(50))).write_parquet(tmp_path / "ours.parquet")
    written(tmp_path / "others.jsonl", [{"text": f"{place}"} for place in range(50)])

    assert [part.height for part in read_reference(tmp_path / "ours.parquet", "r")] == [40, 10]
    assert [part.height for part in read_reference(tmp_path / "others.jsonl", "r")] == [40, 10]
    assert read(tmp_path / "others.jsonl")["row_id"].to_list() == [f"ref#{place}" for place in range(1, 51)]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.jsonl", b'{"foo": 1, "bar": 2}\n', r"1 records none .*no-known-column: there are: foo, bar\)"),
        ("a.csv", b"foo;bar\n1;2\n", "there are: foo, bar"),
        ("a.jsonl", b"", "empty-file"),
        ("a.txt", b"\n \n", "of 0 records none"),
        ("a.parquet", b"PAR1 and no more", "not-parquet"),
        ("a.jsonl.gz", gzip.compress(b'{"text": "abc"}' * 99)[:20], "cut-off-compression"),
        ("a.json", b"\xff\xfe{\x00", "wrong-encoding"),
    ],
)
def test_a_file_of_which_nothing_can_be_used_is_an_error_that_says_why(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)

    with pytest.raises(DataError, match=message) as told:
        read(tmp_path / name)

    assert "prompt, question, messages, answer or text" in told.value.fix


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_a_path_without_data_is_an_error(tmp_path, name):
    (tmp_path / "empty").mkdir()

    with pytest.raises(DataError, match=r"no such file or folder|holds no data"):
        reference_files(tmp_path / name)


@pytest.mark.parametrize(
    ("path", "rows"),
    [
        ("xstest/xstest_prompts.csv", 450),
        ("harmbench/harmbench_behaviors_text_all.csv", 400),
        ("fastchat/mt_bench_question.jsonl", 80),
        ("fastchat/dummy_conversation.json", 500),
        ("hh-rlhf/harmless-base-test.jsonl.gz", 2_312),
        ("llama-factory-demos/dpo_en_demo.json", 300),
        ("alpaca/seed_tasks.jsonl", 175),
    ],
)
def test_real_datasets_are_read_whole(path, rows):
    if not (DATA / path).is_file():
        pytest.skip("no real files beside the repository")
    left_out: Counter[str] = Counter()

    assert read(DATA / path, left_out).height == rows
    assert not left_out
