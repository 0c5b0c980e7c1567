"""Steps that compare what an earlier filter measured: that filter must be there, and measure it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from dataforge.core.registry import nearest
from dataforge.core.schema import ROW
from dataforge.recipe.entries import Draft
from dataforge.recipe.mistakes import Mistakes, did_you_mean, listed


def check_evidence(draft: Draft, earlier: Sequence[Draft], mistakes: Mistakes) -> None:
    """Check the step and the column that a step names (`evidence_from`).

    Args:
        draft: The step.
        earlier: The steps before it.
        mistakes: Takes what is wrong.
    """
    wanted = draft.plugin.evidence_from() if hasattr(draft.plugin, "evidence_from") else None
    if wanted is None or any(step.plugin is None for step in earlier):
        return
    step, column = wanted
    filters = {str(one.name): one.plugin for one in earlier if hasattr(one.plugin, "measure")}
    where = draft.place_of("keep")
    if step not in filters:
        known = f"the filters before it are {listed(list(filters))}" if filters else "put that filter before it"
        mistakes.add(
            f"no earlier filter is called '{step}'", fix=did_you_mean(nearest(step, list(filters)), known), where=where
        )
        return
    columns = filters[step].measure(pl.DataFrame(schema=ROW)).columns
    if column not in columns:
        known = f"it measures {listed(columns)}"
        mistakes.add(f"{step} measures no '{column}'", fix=did_you_mean(nearest(column, columns), known), where=where)
