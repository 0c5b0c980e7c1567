"""A filter that is fitted to all rows, in a build: a plugin of the user's own."""

import polars as pl

from tests.make import a_conversation, a_recipe, built, json_lines, stage

PLUGIN = '''
"""Step: keeps the rows whose prompt is of the commonest length."""
from dataclasses import dataclass
from typing import Annotated, ClassVar
import polars as pl
from pydantic import Field
from dataforge.core.corpus_filters import FittedFilter
from dataforge.core.plugin import THRESHOLD

@dataclass(frozen=True, kw_only=True)
class Common:
    """Keeps rows of the commonest length."""
    version: ClassVar[int] = 1
    reasons: ClassVar[dict[str, str]] = {"uncommon": "of an uncommon length"}
    most: Annotated[int, THRESHOLD, Field(description="how far off a length may be")] = 0

    def _length(self, frame):
        said = pl.col("prompt").list.last().struct.field("content").str.len_chars()
        return frame.select(length=said)

    def collect(self, frame):
        return self._length(frame)["length"].value_counts()

    def fit(self, collected):
        counts = pl.concat(collected).group_by("length").agg(pl.col("count").sum())
        return counts.sort("count", "length").tail(1)

    def measure(self, frame, fitted):
        off = pl.col("length").cast(pl.Int64) - fitted["length"][0]
        return self._length(frame).select(off=off.abs())

    def decide(self, evidence):
        far = evidence.with_row_index("index").filter(pl.col("off") > self.most)
        return far.select("index", reason=pl.lit("uncommon"), value=pl.col("off").cast(pl.Float64))

STEP: type[FittedFilter] = Common
'''


def a_project(folder):
    for number, lengths in enumerate([[3, 5, 5], [3, 3, 9]]):
        chats = [a_conversation(f"{number}{place}".ljust(length, "x"), "Yes.") for place, length in enumerate(lengths)]
        json_lines(folder / "data" / f"{number}.jsonl", chats)
    (folder / "common.py").write_text(PLUGIN)
    return a_recipe(folder, steps='[[step]]\nuse = "./common.py"\n')


def test_it_is_fitted_to_all_files_and_drops_from_each(tmp_path):
    result = built(a_project(tmp_path))

    dropped = pl.read_parquet(result.published.folder / "ledger" / "dropped.parquet")
    assert sorted(dropped["value"]) == [2.0, 2.0, 6.0]
    assert sum(result.published.rows.values()) == 3


def test_another_threshold_fits_and_measures_nothing_again(tmp_path):
    recipe = a_project(tmp_path)
    built(recipe)
    recipe.write_text(recipe.read_text() + "most = 2\n")

    again = built(recipe)

    assert stage(again.run, "common")["dropped"] == {"uncommon": 1}
