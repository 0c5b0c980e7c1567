"""`forge build`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dataforge.cli import console
from dataforge.cli.lines import closing_lines, stage_line
from dataforge.cli.options import json_option, open_project, recipe_argument, set_option, workers_option


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

    with console.progress() as shown:
        watcher = _Watcher(shown, as_json=as_json)
        if not as_json:
            console.say(f"{checked.name} · seed {checked.seed}")
        built = build(store, checked, workers=workers, watcher=watcher)
    report = write_build_report(store, built.run)
    if as_json:
        console.say_json({**built.run, "report": str(report)})
    else:
        console.say(closing_lines(built.run))


class _Watcher:
    """Shows progress on standard error, and a line for each stage that is done."""

    def __init__(self, shown: console.StageProgress, *, as_json: bool) -> None:
        self._shown = shown
        self._as_json = as_json

    def begin(self, stage: str, kind: str) -> None:
        del kind
        self._shown.begin(stage)

    def tasks(self, total: int) -> None:
        self._shown.more(total)

    def tick(self) -> None:
        self._shown.tick()

    def end(self, record: Any) -> None:
        self._shown.end()
        if not self._as_json:
            console.say(stage_line(record.to_json()))
