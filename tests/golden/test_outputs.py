"""A changed output changes its version: each plugin's output on the corpora has the digest that was written down."""

import json
import shutil
from pathlib import Path

import pytest

from dataforge.core.fingerprint import fingerprint
from dataforge.engine.build import build
from dataforge.recipe.load import load_recipe
from dataforge.store.home import Store

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).with_name("outputs.json")

STEPS = """
[[step]]
use = "keyword_filter"
words = ["sourdough"]

[[step]]
use = "mix"
max_rows = 500
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden")
    shutil.copytree(ROOT / "corpora", folder / "corpora")
    (folder / "recipes").mkdir()
    text = (ROOT / "recipes/chat.toml").read_text().partition("[[train]]")[0]
    (folder / "recipes/chat.toml").write_text(text + STEPS)
    return build(Store(folder), load_recipe(folder / "recipes/chat.toml")).run


def described(stage):
    """The version of a stage's plugin, its counts, and digests of the rows and the ledger it gave."""
    return {
        "version": stage["version"],
        "rows_out": stage["rows_out"],
        "rows": fingerprint([list(part.values()) for part in stage["flow"]])[:16],
        "ledger": fingerprint(stage["ledger"])[:16],
    }


@pytest.mark.golden
def test_the_output_of_every_plugin_is_the_one_that_was_written_down(run, request):
    found = {stage["use"]: described(stage) for stage in run["stages"]}
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(json.dumps(found, indent=1) + "\n")

    wanted = json.loads(GOLDEN.read_text())

    unversioned = [
        use for use in wanted if found[use] != wanted[use] and found[use]["version"] == wanted[use]["version"]
    ]
    assert unversioned == [], "raise the version of these plugins, or mend what changed; then `just golden`"
    assert found == wanted
