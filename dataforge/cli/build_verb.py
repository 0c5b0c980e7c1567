"""`forge build`."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataforge.cli import console
from dataforge.cli.lines import closing_lines, stage_line
from dataforge.cli.options import json_option, open_project, recipe_argument, set_option, workers_option
from dataforge.core.errors import DataError

if TYPE_CHECKING:
    from dataforge.engine.flow import StageRecord


@click.command()
@recipe_argument
@set_option
@workers_option
@json_option
def command(recipe: Path, overrides: tuple[str, ...], workers: int | None, *, as_json: bool) -> None:
    """Build the dataset of RECIPE into builds/, and its report into reports/.

    What was built before is reused; a build that was stopped goes on where it was.
    """
    store, checked = open_project(recipe, overrides)
    from dataforge.engine.build import build
    from dataforge.report.build_report import write_build_report

    with contextlib.closing(_Watcher(as_json=as_json)) as watcher:
        if not as_json:
            console.say(f"{checked.name} · seed {checked.seed}")
        built = build(store, checked, workers=workers, watcher=watcher)
    write_build_report(store, built.run)
    if as_json:
        console.say_json(built.run)
    else:
        console.say(closing_lines(built.run))
    if not sum(built.published.rows.values()):
        raise DataError("no row is left", fix=f"see which stage let them go in {built.run['report']}")


class _Watcher(console.StageProgress):
    """Shows progress, and says a line for each stage that is done."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def end(self, record: StageRecord) -> None:
        """A stage is done."""
        self.close()
        if not self._as_json:
            console.say(stage_line(record.to_json()))
