"""The rows on their way: parts, and what a stage says of itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from dataforge.engine.task import PluginRef, Task
from dataforge.recipe.model import Recipe
from dataforge.store.home import Store
from dataforge.store.shards import get_frame

Result = dict[str, Any]

# Runs tasks, or looks their results up; gives the results in task order, and how many of them were there already.
Do = Callable[[Sequence[Task]], list[Result]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a stage works with.

    Args:
        store: The project's store.
        do: Runs tasks, or only looks their results up.
        recipe: The recipe that is built.
        evidence: What earlier filters measured, by step: for each part `part`, `where` and `evidence`.
    """

    store: Store
    do: Do
    recipe: Recipe
    evidence: dict[str, list[dict[str, Any]]] = field(default_factory=dict[str, list[dict[str, Any]]])


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of one source, in order: a stored frame, and which of its rows are still there.

    Args:
        rows: Digest of the stored frame.
        stored: Rows in the frame.
        keep: Digest of a stored frame with one boolean column `keep`, or None when all rows are there.
        kept: Rows that are still there.
        corpus: The source's name.
        size: Bytes of the records the rows came from.
    """

    rows: str
    stored: int
    keep: str | None
    kept: int
    corpus: str
    size: int

    def to_json(self) -> dict[str, Any]:
        """Write what identifies the rows."""
        return {"rows": self.rows, "keep": self.keep}


def load_part(store: Store, rows: str, keep: str | None, columns: Sequence[str] | None = None) -> pl.DataFrame:
    """Read the rows of a part that are still there."""
    frame = get_frame(store, rows, columns)
    if keep is None:
        return frame
    return frame.filter(get_frame(store, keep)["keep"])


@dataclass(slots=True)
class StageRecord:
    """What a stage did, in the form in which it is stored, shown and compared."""

    name: str
    kind: str
    use: str
    version: int
    params: dict[str, Any]
    fingerprint: str = ""
    rows_in: int = 0
    rows_out: int = 0
    added: int = 0
    changed: int = 0
    passed: int = 0
    dropped: Counter[str] = field(default_factory=Counter[str])
    found: Counter[str] = field(default_factory=Counter[str])
    rejected: Counter[str] = field(default_factory=Counter[str])
    repaired: Counter[str] = field(default_factory=Counter[str])
    records: int = 0
    used: int = 0
    merged: int = 0
    files: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    ledger: list[str] = field(default_factory=list[str])
    findings: list[str] = field(default_factory=list[str])
    across: list[str] = field(default_factory=list[str])
    facts: dict[str, Any] = field(default_factory=dict[str, Any])
    uses: list[str] = field(default_factory=list[str])
    meanings: dict[str, str] = field(default_factory=dict[str, str])
    not_faults: list[str] = field(default_factory=list[str])
    flow: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    where: dict[str, Any] | None = None
    reused: bool = False
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Write the record; counts by reason are sorted."""
        fields = {name: getattr(self, name) for name in StageRecord.__slots__}
        for name in ("dropped", "found", "rejected", "repaired"):
            fields[name] = dict(sorted(fields[name].items()))
        fields["seconds"] = round(self.seconds, 3)
        return fields


def with_result(part: Part, result: Result) -> Part:
    """Give the part after a filter's result."""
    return replace(part, keep=result["keep"], kept=result["kept"])


Ran = tuple[list[Part], list[Task], list[Result]]


def step_task(work: str, part: Part, ref: PluginRef, where: dict[str, Any] | None, **more: Any) -> Task:
    """Make the task that runs a step on one part."""
    key = {"plugin": ref.key(), "part": part.to_json(), "where": where, **more}
    return Task(work, key, {"plugin": ref.to_json()}, part.size)
