"""A build that was done, from its run record: its rows at any stage, its ledger, its records."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from dataforge.core.errors import RecipeError
from dataforge.core.registry import nearest
from dataforge.core.schema import ROW
from dataforge.engine.apply import LEDGER
from dataforge.engine.flow import load_part
from dataforge.store.home import Store
from dataforge.store.runs import get_runs
from dataforge.store.shards import get_frame

_FILTERS = ("filter", "corpus_filter")


@dataclass(frozen=True, slots=True)
class Past:
    """One run of `forge build`.

    Args:
        store: The project's store.
        run: Its run record.
        number: Which run of its recipe it was, from 1.
    """

    store: Store
    run: dict[str, Any]
    number: int

    @property
    def name(self) -> str:
        """The run as a person names it."""
        return f"{self.run['recipe']}@{self.number}"

    @property
    def stages(self) -> list[dict[str, Any]]:
        """The stages' records."""
        return self.run["stages"]

    def stage(self, name: str) -> dict[str, Any]:
        """Find a stage by its name.

        Args:
            name: As the recipe, or the report, calls it.

        Returns:
            The stage's part of the run record.

        Raises:
            RecipeError: The build has no such stage; the nearest one is named.
        """
        names = [stage["name"] for stage in self.stages]
        if name not in names:
            near = nearest(name, names)
            fix = f"did you mean '{near}'?" if near else f"its stages are {', '.join(names)}"
            raise RecipeError(f"{self.name} has no stage '{name}'", fix=fix)
        return self.stages[names.index(name)]

    def rows(self, stages: Sequence[dict[str, Any]], columns: Sequence[str] | None = None) -> Iterator[pl.DataFrame]:
        """Read the rows that some stages gave, a part at a time."""
        for stage in stages:
            for part in stage["flow"]:
                yield load_part(self.store, part["rows"], part["keep"], columns)

    def sources(self) -> list[dict[str, Any]]:
        """The stages that read files."""
        return [stage for stage in self.stages if stage["kind"] == "source"]

    def final(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Read the rows as they were published."""
        steps = [stage for stage in self.stages if stage["kind"] != "source"]
        frames = list(self.rows(steps[-1:] or self.sources(), columns))
        return pl.concat(frames) if frames else pl.DataFrame(schema=ROW if columns is None else dict.fromkeys(columns))

    def dropped(self) -> pl.DataFrame:
        """Read every drop, with its stage."""
        return self._ledger(_FILTERS, {"stage": pl.String, **LEDGER})

    def changed(self) -> pl.DataFrame:
        """Read which rows were rewritten, with the stage."""
        return self._ledger(("map",), {"stage": pl.String, "row_id": pl.String})

    def _ledger(self, kinds: Sequence[str], schema: dict[str, Any]) -> pl.DataFrame:
        frames = [
            get_frame(self.store, digest).select(pl.lit(stage["name"]).alias("stage"), pl.all())
            for stage in self.stages
            if stage["kind"] in kinds
            for digest in stage["ledger"]
        ]
        return pl.concat(frames) if frames else pl.DataFrame(schema=schema)

    def records(self) -> Iterator[pl.DataFrame]:
        """Read what became of the raw records, a part at a time."""
        for stage in self.sources():
            for digest in stage["ledger"]:
                yield get_frame(self.store, digest)


def find_run(store: Store, called: str) -> Past:
    """Find a run by what a person types: a recipe's name or file, a build's folder, each with `@2` for the second run.

    Args:
        store: The project's store.
        called: The name; runs count from 1, and without a number the last one is taken.

    Returns:
        The run that was found.

    Raises:
        RecipeError: Nothing of that name was built here, or it had fewer runs.
    """
    called, _, wanted = called.partition("@")
    name = Path(called).stem if called.endswith(".toml") else Path(called).name
    runs = get_runs(store, name)
    if not runs:
        names = built_names(store)
        near = nearest(name, names)
        raise RecipeError(
            f"no build is called '{name}'",
            fix=f"did you mean '{near}'?" if near else "forge build RECIPE makes one",
        )
    number = int(wanted) if wanted.isdecimal() else len(runs)
    if not 1 <= number <= len(runs):
        raise RecipeError(f"'{name}' has {len(runs)} runs, not {number}", fix=f"take {name}@1 to {name}@{len(runs)}")
    return Past(store, runs[number - 1], number)


def built_names(store: Store) -> list[str]:
    """List the recipes that were built in this project."""
    folder = store.root / "runs"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
