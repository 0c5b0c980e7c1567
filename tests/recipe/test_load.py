"""A sound recipe becomes what it says."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from dataforge.recipe.load import load_recipe
from dataforge.recipe.model import Output, Split, WhereClause
from tests.recipe.folder import HERE, a_folder, load, mistakes_of


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_folder(tmp_path)


def test_the_full_recipe_becomes_what_it_says():
    recipe = load_recipe(HERE / "full.toml")

    assert (recipe.name, recipe.seed, recipe.schema, recipe.label) == ("full", 17, 1, "recipe/full.toml")
    assert recipe.split == Split(seed=1, validation=0.05, test=0.05)
    assert recipe.output == Output(views=("sft", "prompt"), max_shard_mb=64)
    assert [source.name for source in recipe.sources] == ["chats", "prompts"]
    assert [file.label for file in recipe.sources[0].inputs] == ["data/chats.json", "data/more.json"]
    assert [step.name for step in recipe.steps] == ["first", "clean", "a_step"]
    assert recipe.steps[1].where == WhereClause(
        source=("chats", "prompts"), kind="sft", split="train", license="cc0-1.0"
    )
    assert recipe.steps[1].plugin.rules[1].high == 0.5
    assert [(train.name, train.policy, train.reward) for train in recipe.train] == [
        ("sft", None, None),
        ("reward", "sft", None),
        ("ppo", "sft", "reward"),
    ]
    assert recipe.train[0].plugin.learning_rate == 3e-4
    assert recipe.evals[0].models == ("ppo", "sft", "base")
    assert recipe.evals[0].plugins["a_metric"].variant == "1"
    assert [(gate.metric, gate.max, gate.min) for gate in recipe.gates] == [
        ("a_metric.f1", 0.1, None),
        ("a_metric.f1", None, 0.05),
    ]
    assert recipe.text == (HERE / "full.toml").read_text(encoding="utf-8")


def test_what_is_left_out_has_its_default(folder):
    recipe = load(folder, "")

    assert (recipe.seed, recipe.schema, recipe.split, recipe.output) == (0, 1, Split(), Output())
    assert recipe.sources[0].plugin.max_depth == 64
    assert recipe.sources[0].name == "a_source"
    assert (recipe.steps, recipe.train, recipe.evals, recipe.gates) == ((), (), (), ())


def test_entries_know_their_place_and_their_folder(folder):
    recipe = load(folder, 'include = "base.toml"\n[[step]]\nuse = "./plugins/a_step.py"\n')

    included, own = recipe.steps
    assert str(included.place) == f"{folder}/base.toml:2:3"
    assert str(own.place) == f"{folder}/recipe.toml:3:3"
    assert own.base == folder.resolve()


def test_steps_of_one_use_are_numbered_around_the_names_that_are_taken(folder):
    step = '[[step]]\nuse = "./plugins/a_step.py"\n'

    recipe = load(folder, step + step + f'{step}name = "a_step_3"\n' + step)

    assert [found.name for found in recipe.steps] == ["a_step", "a_step_2", "a_step_3", "a_step_4"]


def test_a_recipe_cannot_be_changed():
    recipe = load_recipe(HERE / "full.toml")

    with pytest.raises(dataclasses.FrozenInstanceError):
        recipe.seed = 3  # pyright: ignore[reportAttributeAccessIssue]


@pytest.mark.parametrize(
    ("change", "is_same"),
    [
        (("seed = 17", "seed = 18"), False),
        (("max_chars = 4000\n", ""), True),  # its default
        (("max_chars = 4000", "max_chars = 4001"), False),
        (("test = 0.05", "test = 0.06"), False),
        (("# Every table", "# Each table"), True),
        (("learning_rate = 3e-4", "learning_rate = 0.0003"), True),
        (('license = "cc0-1.0"\non_fault', 'license = "mit"\non_fault'), False),
        (('files = "data/*.json"', 'files = ["data/more.json", "data/chats.json"]'), True),
        (('files = "data/*.json"', 'files = "data/more.json"'), False),
        (('variant = "1"', 'variant = "2"'), False),
        (("max = 0.10", "max = 0.20"), False),
        (('kind = "sft"\n\n', 'kind = "prompt"\n\n'), False),
        (('policy = "sft"\nreward', 'policy = "tiny"\nreward'), False),
    ],
)
def test_the_digest_follows_the_values_and_nothing_else(folder, change, is_same):
    text = (HERE / "full.toml").read_text(encoding="utf-8")
    assert text.count(change[0]) == 1
    changed = text.replace(*change)

    assert (load(folder, text).digest == load(folder, changed).digest) is is_same


def test_the_digest_is_the_same_in_another_folder(folder):
    assert (
        load(folder, (HERE / "full.toml").read_text(encoding="utf-8")).digest == load_recipe(HERE / "full.toml").digest
    )


def test_the_digest_follows_an_included_file(folder):
    text = 'include = "base.toml"\n'
    before = load(folder, text).digest

    (folder / "base.toml").write_text('[[step]]\nuse = "./plugins/a_step.py"\nname = "first"\n', encoding="utf-8")

    assert load(folder, text).digest != before


def test_the_including_file_has_the_last_word_on_values_and_the_last_place_in_lists(folder):
    (folder / "base.toml").write_text(
        'name = "base"\nseed = 1\n[split]\ntest = 0.1\nvalidation = 0.2\n[[step]]\nuse = "./plugins/a_step.py"\non = "under"\n',
        encoding="utf-8",
    )
    (folder / "more.toml").write_text(
        'seed = 2\n[[step]]\nuse = "./plugins/a_step.py"\non = "between"\n', encoding="utf-8"
    )

    recipe = load(
        folder,
        'name = "over"\ninclude = ["base.toml", "more.toml"]\n[split]\ntest = 0.3\n[[step]]\nuse = "./plugins/a_step.py"\non = "over"\n',
    )

    assert (recipe.name, recipe.seed) == ("over", 2)
    assert recipe.split == Split(test=0.3, validation=0.2)
    assert [step.plugin.on for step in recipe.steps] == ["under", "between", "over"]


def test_paths_of_an_included_file_start_from_its_own_folder(folder):
    (folder / "below").mkdir()
    (folder / "below" / "part.toml").write_text(
        '[[source]]\nuse = "../plugins/a_source.py"\nfiles = "chats.json"\n', encoding="utf-8"
    )
    (folder / "below" / "chats.json").write_text("[]", encoding="utf-8")

    recipe = load(folder, 'include = "below/part.toml"\n# [[source]]')

    assert [file.label for file in recipe.sources[0].inputs] == ["chats.json"]
    assert recipe.sources[0].inputs[0].path == (folder / "below" / "chats.json").resolve()


@pytest.mark.parametrize("model", ["tiny", "owner/model", "data", "./data"])
def test_a_model_may_be_tiny_a_folder_or_a_hub_id(folder, model):
    recipe = load(folder, f'[[train]]\nuse = "./plugins/a_trainer.py"\nmodel = "{model}"\n')

    assert recipe.train[0].model == model


def test_a_clause_on_some_sources_asks_only_those_for_the_kind(folder):
    text = """
[[source]]
use = "./plugins/a_source.py"
files = "data/*.json"

[[source]]
use = "./plugins/b_source.py"
dataset = "x"

[[step]]
use = "./plugins/a_step.py"
where = { source = "%s", kind = "prompt" }
"""

    assert mistakes_of(folder, text % "b_source") == []
    assert mistakes_of(folder, text % "a_source") == [
        "recipe.toml:13:32: error: step 'a_step' wants prompt rows, and no source gives any: a_source gives sft"
        " | add a source of prompt rows, or remove this [[step]]"
    ]


def test_a_source_that_does_not_say_what_it_gives_may_give_anything(folder):
    plugin = (folder / "plugins" / "a_source.py").read_text(encoding="utf-8")
    silent = plugin.replace('    gives: ClassVar[frozenset[str]] = frozenset({"sft"})\n', "")
    (folder / "plugins" / "a_source.py").write_text(silent, encoding="utf-8")

    assert mistakes_of(folder, '[[step]]\nuse = "./plugins/pair_step.py"\n') == []


def test_a_misspelled_table_among_sound_ones_keeps_its_place(folder):
    train = 'use = "./plugins/a_trainer.py"\n'

    found = mistakes_of(folder, f'[[trian]]\n{train}name = "sft"\n[[train]]\n{train}policy = "sft"\n')

    assert found == ["recipe.toml:2:3: error: a recipe has no table 'trian' | did you mean 'train'?"]


def test_loading_reads_no_environment(monkeypatch):
    before = load_recipe(HERE / "full.toml")
    for name in ("SEED", "NAME", "SPLIT__TEST", "DATAFORGE_SEED"):
        monkeypatch.setenv(name, "99")

    assert load_recipe(HERE / "full.toml") == before
