"""The evaluation report: how the models compare, on how much, and how sure the numbers are."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataforge.report.eval_record import Metric, metrics_of, remarks
from dataforge.report.fields import lines
from dataforge.report.figures import moment, plural
from dataforge.report.page import render_page
from dataforge.report.visible import clipped
from dataforge.store.disk import write_whole
from dataforge.store.home import Store


def write_eval_report(store: Store, run: dict[str, Any]) -> Path:
    """Write the report of an evaluation.

    Args:
        store: The project's store.
        run: A run record, schema `dataforge.eval/1`.

    Returns:
        Where the report lies, relative to the project.

    Raises:
        MachineError: The disk is full, or the folder may not be written to.
    """
    path = Path(run.get("report") or f"reports/{run['recipe']}/eval.html")
    write_whole(store.project / path, eval_page(run))
    return path


def eval_page(record: Mapping[str, Any]) -> bytes:
    """Render an evaluation's record as a page."""
    metrics = metrics_of(record)
    models = lines(record, "models")
    names = [str(model.get("name", "")) for model in models]
    name = str(record.get("recipe", ""))
    return render_page(
        f"{clipped(name, 80)}: evaluation report",
        "eval",
        record=record,
        name=name,
        headline=f"{plural(len(names), 'model')} on the {clipped(str(record.get('split', '–')), 80)} split",
        answers=[_answer(metric) for metric in metrics] or ["Nothing was measured."],
        metrics=metrics,
        models=models,
        names=names,
        notices=remarks(metrics, names),
        started=moment(str(record.get("started") or "–")),
        command_line=shlex.join(["forge", "eval", str(record.get("recipe_file") or name)]),
    )


def _answer(metric: Metric) -> str:
    """Say in a sentence what a metric shows; which direction is better is for the reader to know."""
    name = clipped(metric.name, 80)
    scores = [f"{clipped(score.model, 80)} {score.written(score.value)}" for score in metric.scores]
    listed = f"{name}: {', '.join(scores)}."
    if len(metric.scores) < 2:
        return listed
    if not metric.is_comparable:
        return f"{listed} These numbers cannot be compared."
    if metric.apart is None:
        return f"{listed} No two intervals stand apart, so no difference is shown."
    highest, lowest = metric.apart
    return f"{listed} The intervals of {clipped(highest.model, 80)} and {clipped(lowest.model, 80)} stand apart."
