"""The record of an evaluation, as its report reads it: what is missing is shown as missing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataforge.report.fields import lines, table
from dataforge.report.figures import digits_of, number, plural, share
from dataforge.report.visible import clipped

# Below this many samples an interval is wide, and one odd sample moves it.
_FEW = 30


@dataclass(frozen=True, slots=True)
class Score:
    """One metric of one model.

    Args:
        low: Lower end of the interval; None where the metric gave none.
        high: Upper end.
        n: Samples that were scored.
        unscored: Samples that were not, by reason.
        signature: How the number was made; numbers of one metric are comparable if these are equal.
    """

    model: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    unscored: dict[str, int]
    signature: str

    @classmethod
    def of(cls, result: Mapping[str, Any]) -> Score:
        """Read one result."""
        return cls(
            model=str(result.get("model", "")),
            metric=str(result.get("metric", "")),
            value=_finite(result.get("value")),
            low=_finite(result.get("low")),
            high=_finite(result.get("high")),
            n=int(result.get("n") or 0),
            unscored=table(result, "unscored"),
            signature=str(result.get("signature") or ""),
        )

    @property
    def n_unscored(self) -> int:
        """Samples without a score."""
        return sum(self.unscored.values())

    def written(self, value: float | None) -> str:
        """Write the value or an end of its interval, as exactly as the interval allows."""
        if value is None:
            return "–"
        decimals = digits_of(self.low, self.high)
        return number(value) if decimals is None else f"{value:,.{decimals}f}"


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric over all models.

    Args:
        name: The metric.
        scores: Its scores, in the order of the models.
    """

    name: str
    scores: list[Score]

    @property
    def span(self) -> tuple[float, float]:
        """The scale that holds every interval, with a little room."""
        ends = [end for score in self.scores for end in (score.low, score.value, score.high) if end is not None]
        if not ends:
            return 0.0, 1.0
        room = 0.06 * ((max(ends) - min(ends)) or 1.0)
        return min(ends) - room, max(ends) + room

    @property
    def is_comparable(self) -> bool:
        """Say whether all numbers were made in the same way."""
        return len({score.signature for score in self.scores}) <= 1

    @property
    def apart(self) -> tuple[Score, Score] | None:
        """The highest and the lowest score, if their intervals do not meet."""
        known = [score for score in self.scores if score.low is not None and score.high is not None]
        if len(known) < 2 or not self.is_comparable:
            return None
        highest = max(known, key=lambda score: score.low or 0.0)
        lowest = min(known, key=lambda score: score.high or 0.0)
        return (highest, lowest) if (highest.low or 0.0) > (lowest.high or 0.0) else None


@dataclass(frozen=True, slots=True)
class Remark:
    """One thing a reader should know of an evaluation; the fields are those of a build report's notices."""

    is_grave: bool
    text: str
    target: str


def metrics_of(record: Mapping[str, Any]) -> list[Metric]:
    """Group the results by metric, each in the order in which the record has them."""
    found: dict[str, list[Score]] = {}
    for result in lines(record, "results"):
        score = Score.of(result)
        found.setdefault(score.metric, []).append(score)
    return [Metric(name, scores) for name, scores in found.items()]


def remarks(metrics: list[Metric], models: list[str]) -> list[Remark]:
    """List what stands out, the grave things first."""
    found: list[Remark] = []
    for metric in metrics:
        name = clipped(metric.name, 80)
        if not metric.is_comparable:
            text = f"The numbers of {name} were made in different ways: do not compare them."
            found.append(Remark(is_grave=True, text=text, target="signatures"))
        measured = {score.model for score in metric.scores}
        found += [
            Remark(is_grave=True, text=f"{clipped(model, 80)} was not measured by {name}.", target="scorecard")
            for model in models
            if model not in measured
        ]
        for score in metric.scores:
            found += _of_score(score, name)
    return sorted(found, key=lambda remark: not remark.is_grave)


def _of_score(score: Score, metric: str) -> list[Remark]:
    model = clipped(score.model, 80)
    found: list[Remark] = []
    if score.value is None:
        found.append(Remark(is_grave=True, text=f"{metric} gave no number for {model}.", target="scorecard"))
    elif score.n < _FEW:
        text = f"{metric} of {model} rests on {plural(score.n, 'sample')} only."
        found.append(Remark(is_grave=False, text=text, target="scorecard"))
    if score.value is not None and (score.low is None or score.high is None):
        found.append(Remark(is_grave=False, text=f"{metric} of {model} has no interval.", target="scorecard"))
    if score.n_unscored:
        total = score.n + score.n_unscored
        part = share(score.n_unscored, total)
        text = f"{score.n_unscored:,} of {total:,} samples ({part}) have no {metric} for {model}."
        found.append(Remark(is_grave=score.n_unscored > 0.05 * total, text=text, target="unscored"))
    return found
