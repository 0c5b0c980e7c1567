"""Pair filters in a build: what goes, what is noted, and the gate at the end."""

import polars as pl
import pytest

from dataforge.core.errors import DataError, RecipeError
from dataforge.engine.plan import plan
from dataforge.engine.project import project
from dataforge.recipe.load import load_recipe
from dataforge.store.home import Store
from tests.make import a_conversation, a_recipe, built, json_lines, stage

LONG = " ".join(f"word{number}" for number in range(60))


def near_texts(folder, count=40):
    chats = [a_conversation(f"{LONG} the question of number {n // 2}", f"{LONG} answer {n}") for n in range(count)]
    json_lines(folder / "data" / "chats.jsonl", chats)


def a_step(**keys):
    lines = "".join(f"{name} = {value}\n" for name, value in keys.items())
    return f'[[step]]\nuse = "minhash_dedup"\n{lines}'


def ledger(result, name):
    return pl.read_parquet(result.published.folder / "ledger" / f"{name}.parquet")


def test_each_drop_names_a_published_row_and_their_jaccard(tmp_path):
    near_texts(tmp_path)

    result = built(a_recipe(tmp_path, steps=a_step(threshold=0.6)))

    gone = ledger(result, "dropped")
    rows = ledger(result, "rows")
    assert gone.height + rows.height == 40
    assert gone.height > 30
    assert set(gone["because_of"]) <= set(rows["row_id"])
    assert (gone["value"] >= 0.6).all()
    assert (gone["threshold"] == 0.6).all()


def test_the_run_record_says_what_was_proposed_and_how_big_the_clusters_are(tmp_path):
    near_texts(tmp_path)

    result = built(a_recipe(tmp_path, steps=a_step(threshold=0.6)))

    facts = stage(result.run, "minhash_dedup")["facts"]
    dropped = stage(result.run, "minhash_dedup")["dropped"]["near-duplicate"]
    assert sum(facts["scores"]) == facts["pairs"]["proposed"] > 0
    assert sum((int(size) - 1) * count for size, count in facts["clusters"].items()) == dropped


def test_another_threshold_measures_nothing_again(tmp_path):
    near_texts(tmp_path)
    recipe = a_recipe(tmp_path, steps=a_step(threshold=0.6))
    built(recipe)
    objects = set((tmp_path / ".forge" / "objects").rglob("*"))

    again = built(recipe, "step.minhash_dedup.threshold=0.9")

    assert sum(stage(again.run, "minhash_dedup")["dropped"].values()) < 30
    heavy = [path for path in set((tmp_path / ".forge" / "objects").rglob("*")) - objects if path.is_file()]
    assert max(path.stat().st_size for path in heavy) < 40 * 128 * 4  # no new signatures


def test_what_is_only_reported_stays_and_is_noted(tmp_path):
    near_texts(tmp_path)

    result = built(a_recipe(tmp_path, steps=a_step(threshold=0.6, action='"report"', where='{ split = "train" }')))

    noted = ledger(result, "findings")
    assert result.published.rows["train"] + result.published.rows["test"] + result.published.rows["validation"] == 40
    assert noted.height > 10
    assert stage(result.run, "minhash_dedup")["found"] == {"near-duplicate": noted.height}


def test_a_build_whose_near_duplicates_lie_on_two_splits_fails_and_names_them(tmp_path):
    near_texts(tmp_path)

    with pytest.raises(DataError, match=r"near-duplicate pairs lie on two sides of a split: \w+ \(\w+\) and \w+"):
        built(a_recipe(tmp_path, steps=a_step(threshold=0.6, action='"report"')))

    assert not (tmp_path / "builds" / "small").exists()


def test_the_row_with_the_best_evidence_stays(tmp_path):
    near_texts(tmp_path)
    length = '[[step]]\nuse = "length_filter"\non = "response"\nunit = "characters"\nmin = 1\n'

    result = built(a_recipe(tmp_path, steps=length + a_step(threshold=0.6, keep='"best:length_filter.length"')))

    assert ledger(result, "dropped").height > 30


@pytest.mark.parametrize(
    ("keep", "problem", "fix"),
    [
        ("best:lenght_filter.length", "no earlier filter is called 'lenght_filter'", "did you mean 'length_filter'"),
        ("best:length_filter.size", "length_filter measures no 'size'", "it measures length"),
    ],
)
def test_evidence_that_is_not_measured_is_a_mistake_in_the_recipe(tmp_path, keep, problem, fix):
    near_texts(tmp_path)
    length = '[[step]]\nuse = "length_filter"\non = "response"\nunit = "characters"\nmin = 1\n'

    with pytest.raises(RecipeError) as caught:
        built(a_recipe(tmp_path, steps=length + a_step(keep=f'"{keep}"')))

    assert problem in str(caught.value)
    assert fix in str(caught.value)


def test_a_source_without_rows_is_no_error(tmp_path):
    json_lines(tmp_path / "data" / "chats.jsonl", [a_conversation("", "")])

    result = built(a_recipe(tmp_path, steps=a_step()))

    assert result.published.rows == {}


def test_the_plan_and_the_run_say_what_recall_is_predicted(tmp_path):
    near_texts(tmp_path)
    recipe = a_recipe(tmp_path, steps=a_step())

    planned = plan(Store(tmp_path), load_recipe(recipe))[-1]
    facts = stage(built(recipe).run, "minhash_dedup")["facts"]

    assert planned.promise == facts["promise"]
    assert "21 bands of 6: 99.8% of the pairs at Jaccard 0.8 are found" in planned.promise


def test_a_projection_counts_the_near_duplicates_of_its_sample(tmp_path):
    near_texts(tmp_path)
    recipe = a_recipe(tmp_path, steps=a_step(threshold=0.6))

    projection = project(load_recipe(recipe), workers=1)

    assert projection.rows == sum(built(recipe).published.rows.values())


def test_what_nearly_repeats_an_earlier_dataset_goes_because_of_its_row(tmp_path):
    near_texts(tmp_path / "old", count=10)
    old = built(a_recipe(tmp_path / "old", steps=""))
    near_texts(tmp_path / "new")

    result = built(a_recipe(tmp_path / "new", steps=a_step(threshold=0.6, against='["../old/builds/small"]')))

    gone = ledger(result, "dropped")
    earlier = set(pl.concat([pl.read_parquet(file) for file in old.published.folder.glob("data/*.parquet")])["row_id"])
    assert sum(result.published.rows.values()) == 0
    assert set(gone["because_of"]) <= earlier
    references = stage(result.run, "minhash_dedup")["facts"]["references"]
    assert sum(counts["rows"] for counts in references.values()) == 10


def test_a_reference_that_is_not_there_is_a_mistake_in_the_recipe(tmp_path):
    near_texts(tmp_path)

    with pytest.raises(RecipeError, match="against"):
        built(a_recipe(tmp_path, steps=a_step(against='["nowhere.jsonl"]')))


def test_training_rows_that_hold_a_text_of_an_eval_file_go(tmp_path):
    said = " ".join(f"rare{number}" for number in range(60))
    json_lines(
        tmp_path / "data" / "chats.jsonl", [a_conversation(f"Say {said} now", "Yes."), a_conversation("Hi", "Ho")]
    )
    json_lines(tmp_path / "eval.jsonl", [{"prompt": said, "completion": "Fine."}])
    step = '[[step]]\nuse = "decontaminate"\nagainst = ["eval.jsonl"]\nsplits = []\n'

    result = built(a_recipe(tmp_path, steps=step, more=""), "split.validation=0.0", "split.test=0.0")

    gone = ledger(result, "dropped")
    assert gone.select("reason", "because_of").rows() == [("reference-overlap", "eval.jsonl#1")]
