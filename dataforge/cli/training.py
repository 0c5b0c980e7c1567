"""Training and evaluation in the terminal: progress on standard error, a line for each model and each number."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dataforge.cli import console
from dataforge.cli.lines import stage_line

if TYPE_CHECKING:
    from dataforge.engine.flow import StageRecord
    from dataforge.engine.train import Trained

_EVERY_S = 10.0
# Of a metric's numbers the first ones are shown; the others are in the report and under --json.
_SHOWN = 2


class BuildProgress(console.StageProgress):
    """Shows a build that precedes something else: a line only for stages that had something to do."""

    def __init__(self, *, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def end(self, record: StageRecord) -> None:
        """A stage is done."""
        self.close()
        if not (self._as_json or record.reused):
            console.say(stage_line(record.to_json()))


class TrainProgress:
    """Says how training and measuring go."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json
        self._spoke = time.monotonic()

    def step(self, name: str, step: int, of: int, values: Mapping[str, float]) -> None:
        """A trainer has come this far."""
        if time.monotonic() - self._spoke > _EVERY_S:
            self._spoke = time.monotonic()
            numbers = "   ".join(f"{key} {value:.4g}" for key, value in values.items())
            console.complain(f"  {name}: step {step} of {of}   {numbers}")

    def trained(self, trained: Trained) -> None:
        """A trainer is done."""
        if not self._as_json:
            console.say(train_line(trained))

    def measured(self, results: Sequence[Mapping[str, Any]], *, reused: bool) -> None:
        """A metric is done with a model."""
        if not self._as_json:
            for result in results[:_SHOWN]:
                console.say(result_line(result, reused=reused))


def train_line(trained: Trained) -> str:
    """Write what a trainer did in one line."""
    run = trained.run
    rows = run["rows"]
    dropped = sum(rows["dropped"].values())
    fates = f"{rows['kept']:,} rows kept, {rows['truncated']:,} truncated, {dropped:,} dropped"
    losses = f"loss {_pair(run['loss']['first'], run['loss']['last'])}"
    validation = run["validation"]
    held_out = f"validation {_pair(validation['before'], validation['after'])}"
    took = "reused" if trained.reused else f"{run['seconds']:.1f} s"
    return f"  {trained.name:<18} {fates}   {run['steps']:,} steps   {losses}   {held_out}   {took:>7}"


def result_line(result: Mapping[str, Any], *, reused: bool) -> str:
    """Write a number of a model in one line: its interval, its n, and what was left out."""
    unscored = sum(result["unscored"].values())
    left_out = f", {unscored:,} unscored" if unscored else ""
    took = "   reused" if reused else ""
    versus = result.get("versus")
    against = f"   {_interval(versus)} from {versus['baseline']}" if versus else ""
    value = _number(result["value"])
    return (
        f"  {result['model']:<18} {result['metric']:<26} {value:>10} {_interval(result)}"
        f"   n {result['n']:,}{left_out}{against}{took}"
    )


def _pair(first: float | None, last: float | None) -> str:
    return f"{_number(first)} → {_number(last)}"


def _interval(ends: Mapping[str, Any]) -> str:
    return f"[{_number(ends['low'])}, {_number(ends['high'])}]"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
