"""The rows that a trainer is given: a published view as it is, or a choice from the shards."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from dataforge.engine.clauses import takes_part
from dataforge.engine.publish import Published
from dataforge.engine.views import VIEWS
from dataforge.recipe.model import TrainEntry, clause_values
from dataforge.store.disk import machine_errors


def takes_view(published: Published, entry: TrainEntry) -> bool:
    """Say whether the published view is there and is just what is wanted: it has no columns to choose rows by."""
    return bool(published.views.get(entry.plugin.view)) and set(clause_values(entry.data) or {}) <= {"kind"}


def training_rows(published: Published, entry: TrainEntry, split: str, out: Path) -> tuple[Path, ...]:
    """Give the files of a split's rows: the published view, or a choice from it that is written now."""
    view: str = entry.plugin.view
    if takes_view(published, entry):
        return tuple(sorted((published.folder / "views" / view).glob(f"{split}-*.parquet")))
    chosen: list[Path] = []
    for shard in sorted((published.folder / "data").glob(f"{split}-*.parquet")):
        frame = pl.read_parquet(shard)
        rows = VIEWS[view](frame.filter(takes_part(frame, clause_values(entry.data))))
        if rows.height:
            path = out / "rows" / shard.name
            with machine_errors(path, "write"):
                path.parent.mkdir(exist_ok=True)
                rows.write_parquet(path)
            chosen.append(path)
    return tuple(chosen)
