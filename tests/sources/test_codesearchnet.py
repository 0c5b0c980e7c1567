import gzip
import json
from pathlib import Path

import pytest

from dataforge.sources.codesearchnet import CodeSearchNet
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, rejects_of, repairs_of

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "data"

ORIGINAL = {
    "repo": "ann/tides",
    "path": "tide.py",
    "func_name": "height",
    "original_string": "def height(t): ...",
    "language": "python",
    "code": "def height(t):\n    return t",
    "code_tokens": ["def"],
    "docstring": "Give the height of a tide.",
    "docstring_tokens": ["Give"],
    "sha": "c0ffee",
    "url": "https://github.com/ann/tides/blob/c0ffee/tide.py#L1-L2",
    "partition": "train",
}
ON_THE_HUB = {
    "repository_name": "ann/tides",
    "func_path_in_repository": "tide.py",
    "func_name": "height",
    "whole_func_string": "def height(t): ...",
    "language": "python",
    "func_code_string": ORIGINAL["code"],
    "func_documentation_string": ORIGINAL["docstring"],
    "func_code_url": ORIGINAL["url"],
    "split_name": "train",
}


def read(tmp_path, *records, **fields):
    def make(on_error):
        return CodeSearchNet(on_error=on_error, **fields)

    return keeps_all_laws(make, "\n".join(map(json.dumps, records)).encode(), tmp_path)


@pytest.mark.parametrize("record", [ORIGINAL, ON_THE_HUB])
def test_words_ask_for_code_in_the_original_and_the_hubs_form(tmp_path, record):
    (row,) = drafts_of(read(tmp_path, record)).iter_rows(named=True)

    assert row["prompt"][0]["content"] == "Write a python function.\n\nGive the height of a tide."
    assert row["responses"][0]["messages"][0]["content"] == ORIGINAL["code"]
    assert (row["url"], row["author"], row["group"], row["license"]) == (ORIGINAL["url"], "ann", "ann/tides", "other")


def test_a_gzipped_file_is_read(tmp_path):
    (tmp_path / "python_train_0.jsonl.gz").write_bytes(gzip.compress(json.dumps(ORIGINAL).encode()))

    assert drafts_of(read_all(CodeSearchNet(request="{docstring}"), tmp_path / "python_train_0.jsonl.gz")).height == 1


def test_a_search_that_is_not_answered_gives_its_prompt_alone(tmp_path):
    search = {"idx": "cosqa-0", "doc": "python tide height", "code": ORIGINAL["code"], "label": 1}

    batches = read(tmp_path, search, {**search, "label": 0})

    assert drafts_of(batches)["responses"].list.len().to_list() == [1, 0]
    assert drafts_of(batches)["license"].to_list() == ["c-uda-1.0"] * 2
    assert repairs_of(batches) == ["unwanted-response"]


def test_a_function_without_code_or_words_is_refused(tmp_path):
    batches = read(tmp_path, {**ORIGINAL, "code": ""}, {"code": "x"}, [])

    assert rejects_of(batches) == ["empty-response", "missing-column", "not-an-object"]


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not there")
def test_the_real_searches_are_read_whole():
    batches = read_all(CodeSearchNet(), REAL / "codexglue" / "cosqa-dev.json")

    assert drafts_of(batches)["responses"].list.len().value_counts(sort=True)["count"].to_list() == [313, 291]
    assert rejects_of(batches) == []
