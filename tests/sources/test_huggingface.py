import importlib.util
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dataforge.core.errors import DataError, MachineError
from dataforge.core.params import build
from dataforge.core.plugin import RawFile
from dataforge.sources.huggingface import SOURCE, HuggingFace

ROWS = [{"q": f"q{n}", "a": f"a{n}", "deep": [{"x": n}]} for n in range(5)] + [{"q": "", "a": "x", "deep": []}]

needs_datasets = pytest.mark.skipif(importlib.util.find_spec("datasets") is None, reason="`datasets` is not installed")


def read(folder, **fields):
    source = HuggingFace(dataset="./d", prompt="q", response="a", **fields)
    batches = list(source.read(RawFile(folder, "./d", "hub")))
    assert len(batches) == 1
    return batches[0]


def parquet_folder(folder):
    (folder / "data").mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(ROWS), folder / "data" / "train-00000-of-00001.parquet")
    return folder


@pytest.fixture
def quiet(monkeypatch, tmp_path):
    """Keep the library off the network and out of the user's cache."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")


@pytest.mark.slow
@needs_datasets
def test_folders_of_every_form_give_the_same_rows(tmp_path, quiet):
    import datasets

    one = datasets.Dataset.from_list(ROWS)
    one.save_to_disk(str(tmp_path / "one"))
    datasets.DatasetDict({"train": one, "test": one.select([0])}).save_to_disk(str(tmp_path / "several"))
    parquet_folder(tmp_path / "parquet")

    saved, several, parquet = (read(tmp_path / name) for name in ("one", "several", "parquet"))

    assert saved.drafts.equals(several.drafts)
    assert saved.drafts.equals(parquet.drafts)
    assert saved.records.equals(parquet.records)
    assert saved.drafts.height == 5
    assert saved.records["line"].to_list() == [1, 2, 3, 4, 5, 6]
    assert saved.records["code"].to_list()[-1] == "empty-prompt"
    assert read(tmp_path / "several", split="test").drafts.height == 1


@pytest.mark.slow
@needs_datasets
def test_a_split_that_is_not_there_is_told_with_those_that_are(tmp_path, quiet):
    import datasets

    one = datasets.Dataset.from_list(ROWS)
    datasets.DatasetDict({"train": one, "test": one}).save_to_disk(str(tmp_path / "several"))

    with pytest.raises(DataError, match="no split 'dev'") as caught:
        read(tmp_path / "several", split="dev")
    assert caught.value.fix == "it has these: train, test"
    with pytest.raises(DataError, match="cannot be read"):
        read(parquet_folder(tmp_path / "parquet"), split="dev")


def test_without_the_package_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)

    with pytest.raises(MachineError) as caught:
        read(tmp_path)
    assert caught.value.fix == "pip install 'dataforge[hub]'"


def test_a_dataset_of_the_hub_needs_a_revision():
    source, problems = build(SOURCE, {"dataset": "someone/something", "prompt": "q"})
    assert source is None
    assert "has no revision" in problems[0].message

    source, problems = build(SOURCE, {"dataset": "someone/something", "revision": "c0ffee", "prompt": "q"})
    assert problems == []


def test_the_digest_of_a_folder_follows_its_files_and_not_its_place(tmp_path):
    for name in ("x", "y"):
        parquet_folder(tmp_path / name / "d")
    source = HuggingFace(dataset="./d", prompt="q")
    first = source.digest(tmp_path / "x")

    assert source.digest(tmp_path / "y") == first
    (tmp_path / "y" / "d" / "data" / "more.txt").write_text("x", encoding="utf-8")
    assert source.digest(tmp_path / "y") != first
    assert HuggingFace(dataset="./d", prompt="q", split="test").digest(tmp_path / "x") != first
    with pytest.raises(DataError, match="no folder"):
        source.digest(tmp_path)


def test_the_digest_of_a_dataset_of_the_hub_follows_its_revision(tmp_path):
    one, other = (HuggingFace(dataset="a/b", prompt="q", revision=name).digest(tmp_path) for name in ("r1", "r2"))

    assert one != other
