"""A build accounts for every record, reuses what is there, and gives the same bytes again."""

import json

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError, InvariantError, MachineError
from dataforge.store.home import Store
from dataforge.store.runs import get_runs
from tests.make import STEPS, a_conversation, a_recipe, built, json_lines, stage

CHATS = [a_conversation(f"What is {n} plus {n}?", f"That makes {2 * n}.", f"c{n}") for n in range(40)]
SPOILT = [b"{not json", a_conversation("only asked", ""), {"id": "x"}, "a string"]
COPIES = [a_conversation("What is 3 plus 3?", "That makes 6.", "copy"), a_conversation("Hi?", "No.", "short")]


@pytest.fixture
def recipe(tmp_path):
    json_lines(tmp_path / "data" / "a.jsonl", [*CHATS[:25], *SPOILT])
    json_lines(tmp_path / "data" / "b.jsonl", [*CHATS[25:], *COPIES])
    return a_recipe(tmp_path)


def published_rows(recipe, columns=("row_id", "split", "prompt", "responses")):
    return pl.read_parquet(recipe.parent / "builds/small/data/*.parquet", columns=list(columns))


def tasks_done(recipe):
    return sorted(path.name for path in (recipe.parent / ".forge/results").rglob("*.json"))


def test_every_record_is_a_row_or_a_line_of_the_ledger(recipe):
    run = built(recipe).run

    read = stage(run, "chats")
    assert read["records"] == 46
    assert read["used"] == 42
    assert sum(read["rejected"].values()) == 4
    assert stage(run, "exact_dedup")["dropped"] == {"exact-duplicate": 1}
    assert stage(run, "length_filter")["dropped"] == {"too-short": 1}
    assert sum(run["datasets"][0]["rows"].values()) == published_rows(recipe).height == 40


def test_the_published_ledger_tells_the_fate_of_each_record(recipe):
    built(recipe)

    ledger = recipe.parent / "builds/small/ledger"
    records = pl.read_parquet(ledger / "records.parquet")
    dropped = pl.read_parquet(ledger / "dropped.parquet")
    rows = pl.read_parquet(ledger / "rows.parquet")
    named = set(records["rows"].explode().drop_nulls())
    assert records.height == 46
    assert named == set(rows["row_id"]) | set(dropped["row_id"])
    assert set(rows["row_id"]) & set(dropped["row_id"]) == set()
    rejects = records.filter(pl.col("fate") == "rejected")
    assert rejects["code"].null_count() == 0
    assert sorted(rejects["line"]) == [26, 27, 28, 29]


def test_a_second_build_does_nothing(recipe):
    first = built(recipe)
    done = tasks_done(recipe)
    before = (recipe.parent / "builds/small/manifest.json").stat().st_mtime_ns

    second = built(recipe)

    assert second.run["digest"] == first.run["digest"]
    assert all(found["reused"] for found in second.run["stages"])
    assert tasks_done(recipe) == done
    assert (recipe.parent / "builds/small/manifest.json").stat().st_mtime_ns == before
    assert len(get_runs(Store(recipe.parent), "small")) == 1


def test_a_changed_last_step_is_all_that_is_done_again(recipe):
    built(recipe)

    run = built(recipe, "step.length_filter.min=2").run

    assert [found["reused"] for found in run["stages"]] == [True, True, True, False]
    assert stage(run, "length_filter")["dropped"] == {}


def test_a_moved_threshold_measures_nothing_again(recipe):
    first = built(recipe)
    objects = {path.name for path in (recipe.parent / ".forge/objects").rglob("*") if path.is_file()}

    second = built(recipe, "step.length_filter.min=30")

    new = {
        path for path in (recipe.parent / ".forge/objects").rglob("*") if path.is_file() and path.name not in objects
    }
    kinds = {tuple(pl.read_ipc_stream(path).columns) for path in new}
    # Only keep-masks and ledgers are new: no evidence, no rows.
    assert all(columns == ("keep",) or "reason" in columns for columns in kinds)
    assert stage(second.run, "length_filter")["rows_out"] < stage(first.run, "length_filter")["rows_out"]


def test_an_added_file_is_all_that_is_read(recipe):
    built(recipe)
    read_before = tasks_done(recipe)
    json_lines(recipe.parent / "data" / "c.jsonl", [a_conversation("A new one?", "Indeed it is.")])

    run = built(recipe).run

    made = set(tasks_done(recipe)) - set(read_before)
    results = [
        json.loads(path.read_bytes())["value"]
        for path in (recipe.parent / ".forge/results").rglob("*.json")
        if path.name in made
    ]
    assert sum("parts" in result for result in results) == 1
    assert stage(run, "chats")["records"] == 47


def test_ids_survive_appending_splitting_and_another_order_of_files(tmp_path):
    ids = []
    layouts = {
        "one": {"a": CHATS},
        "appended": {"a": [*CHATS, a_conversation("One more?", "Yes, one more.")]},
        "split": {"z": CHATS[:13], "m": CHATS[13:]},
        "turned": {"a": CHATS[::-1]},
    }
    for name, files in layouts.items():
        for file, records in files.items():
            json_lines(tmp_path / name / "data" / f"{file}.jsonl", records)
        recipe = a_recipe(tmp_path / name)
        built(recipe)
        ids.append(dict(published_rows(recipe, ("row_id", "split")).iter_rows()))

    assert ids[0].items() <= ids[1].items()
    assert ids[0] == ids[2] == ids[3]


def test_equal_bytes_in_two_files_are_two_records_with_ids_of_their_own(tmp_path):
    json_lines(tmp_path / "data" / "a.jsonl", [CHATS[0], CHATS[0]])
    json_lines(tmp_path / "data" / "b.jsonl", [CHATS[1], CHATS[0]])
    recipe = a_recipe(tmp_path, steps="")

    run = built(recipe).run

    rows = published_rows(recipe)
    assert rows["row_id"].n_unique() == rows.height == 4
    assert rows["split"].n_unique() <= 2
    assert stage(run, "chats")["records"] == 4


def test_a_group_is_never_on_two_sides(tmp_path):
    pieces = [
        a_conversation(f"Part {k} of talk {n}?", f"Answer {k}.", f"talk{n}_{k}") for n in range(60) for k in (0, 8)
    ]
    json_lines(tmp_path / "data" / "a.jsonl", pieces)
    recipe = a_recipe(tmp_path, steps="")

    built(recipe)

    rows = published_rows(recipe, ("group_id", "split")).unique()
    assert rows.height == rows["group_id"].n_unique() == 60
    assert rows["split"].n_unique() == 3


def test_another_training_seed_leaves_the_splits_alone(recipe):
    built(recipe)
    before = published_rows(recipe, ("row_id", "split"))

    built(recipe, "seed=99")

    assert published_rows(recipe, ("row_id", "split")).equals(before)


LIAR = """
from dataclasses import dataclass
from typing import ClassVar
import polars as pl
from dataforge.core.plugin import {kind}

@dataclass(frozen=True, kw_only=True)
class Liar:
    '''A step that does not keep its word.'''
    version: ClassVar[int] = 1
    reasons: ClassVar[dict[str, str]] = {{"declared": "As declared."}}
{body}

STEP: type[{kind}] = Liar
"""

MEASURE = "    def measure(self, frame):\n        return frame.select('row_id')\n"
LIES = {
    "drops a row twice": (
        "Filter",
        MEASURE
        + "    def decide(self, evidence):\n        return pl.DataFrame({'index': [1, 1], 'reason': ['declared'] * 2})\n",
    ),
    "does not declare": (
        "Filter",
        MEASURE + "    def decide(self, evidence):\n        return pl.DataFrame({'index': [0], 'reason': ['whim']})\n",
    ),
    "drops row 5000 of": (
        "Filter",
        MEASURE
        + "    def decide(self, evidence):\n        return pl.DataFrame({'index': [5000], 'reason': ['declared']})\n",
    ),
    "changed ids": ("Mapper", "    def rewrite(self, frame):\n        return frame.reverse()\n"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_step_that_breaks_its_promise_is_found_out(recipe, lie):
    kind, body = LIES[lie]
    (recipe.parent / "liar.py").write_text(LIAR.format(kind=kind, body=body))
    a_recipe(recipe.parent, steps='[[step]]\nuse = "./liar.py"\n')

    with pytest.raises(InvariantError, match=lie):
        built(recipe)


def test_a_changed_local_step_runs_again(recipe):
    mine = recipe.parent / "mine.py"
    body = (
        MEASURE
        + "    def decide(self, evidence):\n        return pl.DataFrame({{'index': [{0}], 'reason': ['declared']}})\n"
    )
    a_recipe(recipe.parent, steps='[[step]]\nuse = "./mine.py"\nname = "mine"\n')
    dropped = []
    for place in (0, 1):
        mine.write_text(LIAR.format(kind="Filter", body=body.format(place)))
        built(recipe)
        dropped.append(pl.read_parquet(recipe.parent / "builds/small/ledger/dropped.parquet")["row_id"].to_list())

    assert dropped[0] != dropped[1]


def test_where_shows_a_step_only_the_rows_it_names(recipe):
    a_recipe(
        recipe.parent,
        steps='[[step]]\nuse = "length_filter"\non = "conversation"\nunit = "characters"\nmin = 100000\nwhere = { split = "train" }\n',
    )

    run = built(recipe).run

    rows = run["datasets"][0]["rows"]
    assert rows.get("train", 0) == 0
    assert rows["test"] > 0
    assert set(stage(run, "length_filter")["dropped"]) == {"too-short"}


def test_a_policy_of_fail_ends_the_build_at_the_first_fault_and_keeps_the_old_one(recipe):
    before = built(recipe).run["digest"]
    text = recipe.read_text().replace('name = "chats"\n', 'name = "chats"\non_error = "fail"\n')
    recipe.write_text(text)

    with pytest.raises(DataError, match="JSON") as caught:
        built(recipe)

    assert (caught.value.where.line, caught.value.exit_code) == (26, 3)
    assert json.loads((recipe.parent / "builds/small/manifest.json").read_text())["digest"] == before


def test_a_folder_that_no_build_has_made_is_not_replaced(recipe):
    mine = recipe.parent / "builds/small/notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")

    with pytest.raises(MachineError, match="made by no build"):
        built(recipe)

    assert mine.read_text() == "mine"


turns = st.lists(
    st.fixed_dictionaries(
        {
            "from": st.sampled_from(["human", "gpt", "system", "user", "chatgpt", "narrator", "tool"]),
            "value": st.one_of(st.text(max_size=40), st.none(), st.integers(), st.just("<div>hi</div>")),
        }
    ),
    max_size=5,
)
records = st.one_of(
    st.fixed_dictionaries({"id": st.text(max_size=6), "conversations": turns}),
    st.fixed_dictionaries({"conversations": turns}),
    st.binary(max_size=30).filter(lambda line: b"\n" not in line and b"\r" not in line),
    st.integers(),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, min_size=1, max_size=12))
def test_the_books_close_over_any_input(tmp_path_factory, chosen):
    folder = tmp_path_factory.mktemp("fuzz")
    lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in chosen]
    json_lines(folder / "data" / "a.jsonl", lines)
    recipe = a_recipe(folder, steps=STEPS)

    run = built(recipe).run

    read = stage(run, "chats")
    published = sum(run["datasets"][0]["rows"].values())
    dropped = sum(sum(found["dropped"].values()) for found in run["stages"])
    assert read["records"] == read["used"] + sum(read["rejected"].values())
    assert read["rows_out"] == published + dropped
    assert read["records"] >= sum(1 for line in lines if line.strip())
