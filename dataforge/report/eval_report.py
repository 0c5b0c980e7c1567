"""The evaluation report: which model is better, by how much, on how many samples, and how sure that is."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dataforge.report.eval_record import Metric, Remark, Score, metrics_of, remarks
from dataforge.report.fields import lines, table, values
from dataforge.report.figures import digits_of, moment, number, plural
from dataforge.report.page import render_page
from dataforge.report.visible import clipped
from dataforge.store.disk import write_whole
from dataforge.store.home import Store

_HEADLINE = "perplexity.bits_per_byte"
_BY_TEXT = {
    "perplexity.bits_per_byte": "bits per byte",
    "perplexity.per_byte": "perplexity per byte",
    "perplexity.per_word": "perplexity per word",
}
_BY_TOKEN = {"perplexity.per_token": "perplexity per token"}
_UNITS = _BY_TEXT | _BY_TOKEN
_MOST_DECIMALS = 12


@dataclass(frozen=True, slots=True)
class Difference:
    """How a model's number differs from the baseline's over the same samples.

    Args:
        score: The model's score.
        baseline: The baseline's.
        low: Lower end of the 95 % interval of the difference, from resampling both models' samples together.
        high: Upper end.
        better: Which numbers are better, "low" or "high"; empty if nobody said.
    """

    score: Score
    baseline: Score
    low: float
    high: float
    better: str

    @property
    def value(self) -> float:
        """The model's number less the baseline's."""
        return (self.score.value or 0.0) - (self.baseline.value or 0.0)

    @property
    def is_seen(self) -> bool:
        """Say whether the interval leaves zero out, on the side on which the difference lies."""
        return (self.low > 0 and self.value > 0) or (self.high < 0 and self.value < 0)

    @property
    def direction(self) -> str:
        """The model's number against the baseline's: lower, higher, or no difference seen."""
        if not self.is_seen:
            return "no difference seen"
        return "lower" if self.value < 0 else "higher"

    @property
    def word(self) -> str:
        """What the difference means: better or worse, or its direction where nobody said which is better."""
        if not self.is_seen or self.better not in {"low", "high"}:
            return self.direction
        return "better" if (self.value < 0) == (self.better == "low") else "worse"

    @property
    def glyph(self) -> str:
        """The direction as a sign."""
        return {"lower": "▼", "higher": "▲"}.get(self.direction, "=")

    @property
    def written(self) -> tuple[str, str]:
        """The difference and its interval, with signs, as exactly as the interval allows."""
        decimals = self._decimals(digits_of(self.low, self.high))
        return _signed(self.value, decimals), f"[{_signed(self.low, decimals)}, {_signed(self.high, decimals)}]"

    @property
    def sentence(self) -> str:
        """The difference in words, with the two numbers; one digit less than in a table."""
        name, other = clipped(self.score.model, 80), clipped(self.baseline.model, 80)
        digits = [digits_of(score.low, score.high) or 0 for score in (self.score, self.baseline)]
        own = digits_of(self.low, self.high)
        decimals = self._decimals(None if own is None else max(*digits, own - 1))
        numbers = f"{_plain(self.score.value, decimals)} against {_plain(self.baseline.value, decimals)}"
        numbers += f" {_UNITS.get(self.score.metric) or clipped(self.score.metric, 80)}"
        if not self.is_seen:
            ends = f"95\N{NO-BREAK SPACE}% interval {_signed(self.low, decimals)} to {_signed(self.high, decimals)}"
            difference = f"difference {_signed(self.value, decimals)} ({ends}, n = {self.score.n:,})"
            return f"No difference seen between {name} and {other}: {numbers}, {difference}"
        near, far = sorted((abs(self.low), abs(self.high)))
        ends = f"95\N{NO-BREAK SPACE}% interval {_plain(near, decimals)} to {_plain(far, decimals)}"
        difference = f"{_plain(abs(self.value), decimals)} {self.direction} ({ends}, n = {self.score.n:,})"
        verdict = f"is {self.word} than" if self.word in {"better", "worse"} else "differs from"
        return f"{name} {verdict} {other}: {numbers}, {difference}"

    def _decimals(self, decimals: int | None) -> int | None:
        """Add decimals until an interval that leaves zero out is written without it."""
        if decimals is None or not self.is_seen:
            return decimals
        nearest = min(abs(self.low), abs(self.high))
        return next((more for more in range(decimals, _MOST_DECIMALS) if round(nearest, more)), _MOST_DECIMALS)


def _plain(value: float | None, decimals: int | None) -> str:
    """Write a number with these decimals, or with four digits if there are none to go by."""
    written = number(value) if decimals is None else f"{value:z,.{decimals}f}"
    return written.replace("-", "\N{MINUS SIGN}")


def _signed(value: float, decimals: int | None) -> str:
    written = _plain(value, decimals)
    return f"+{written}" if value > 0 and any(digit in written for digit in "123456789") else written


@dataclass(frozen=True, slots=True)
class Cell:
    """What the scorecard says of one model by one metric.

    Args:
        score: The number.
        difference: Its difference from the baseline; None if there is none to show.
        why_not: Why there is none, where a reader would expect one.
        is_baseline: The others are compared with this model.
    """

    score: Score
    difference: Difference | None = None
    why_not: str = ""
    is_baseline: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the scorecard.

    Args:
        metric: The scores, as they were recorded.
        note: What to know when reading them; may be empty.
        cells: The scores with their differences, in the order of the models.
    """

    metric: Metric
    note: str
    cells: list[Cell]


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
    rows = scorecard(record)
    models = lines(record, "models")
    names = [str(model.get("name", "")) for model in models]
    name = str(record.get("recipe", ""))
    split = clipped(str(record.get("split", "–")), 80)
    headline, answers = _verdict(rows, split)
    overrides = [part for override in values(record, "overrides") for part in ("--set", str(override))]
    return render_page(
        f"{clipped(name, 80)}: evaluation report",
        "eval",
        record=record,
        name=name,
        headline=headline or f"{plural(len(names), 'model')} on the {split} split",
        answers=answers,
        metrics=rows,
        models=models,
        names=names,
        notices=_notices([row.metric for row in rows], names),
        started=moment(str(record.get("started") or "–")),
        command_line=shlex.join(["forge", "eval", str(record.get("recipe_file") or name), *overrides]),
    )


def scorecard(record: Mapping[str, Any]) -> list[Row]:
    """Read each metric's scores, and what sets them apart from the baseline's."""
    results = {(str(one.get("metric", "")), str(one.get("model", ""))): one for one in lines(record, "results")}
    named = [record.get("baseline"), *(table(one, "versus").get("baseline") for one in results.values())]
    baseline = next((str(one) for one in named if one is not None), None)
    rows: list[Row] = []
    for metric in metrics_of(record):
        found = [_better(metric.name, results[metric.name, score.model]) for score in metric.scores]
        better = next((one for one in found if one), "")
        other = next((score for score in metric.scores if score.model == baseline), None)
        cells = [
            Cell(score, is_baseline=score is other)
            if baseline is None or score.model == baseline
            else _compared(score, other, table(results[metric.name, score.model], "versus"), better)
            for score in metric.scores
        ]
        notes = [f"{better}er is better"] if better else []
        notes += ["comparable only within one tokenizer"] if metric.name in _BY_TOKEN else []
        rows.append(Row(metric, "; ".join(notes), cells))
    return rows


def _better(metric: str, result: Mapping[str, Any]) -> str:
    """Say which numbers of a metric are better, low or high, if it is known."""
    said = result.get("better")
    return said if said in {"low", "high"} else "low" if metric in _UNITS else ""


def _compared(score: Score, other: Score | None, versus: Mapping[str, Any], better: str) -> Cell:
    """Set a score against the baseline's, if the two are of one kind and were resampled together."""
    if other is None:
        return Cell(score, why_not="the baseline was not measured")
    if _made(score) != _made(other):
        is_tokenizer = _without_tokenizer(score.signature) == _without_tokenizer(other.signature)
        differs = "another tokenizer" if is_tokenizer and score.metric in _BY_TOKEN else "made in another way"
        return Cell(score, why_not=f"not comparable: {differs}")
    ends = Score.of(versus)
    if str(versus.get("baseline")) != other.model or None in {score.value, other.value, ends.low, ends.high}:
        return Cell(score, why_not="not compared pair by pair")
    return Cell(score, Difference(score, other, ends.low or 0.0, ends.high or 0.0, better))


def _made(score: Score) -> str:
    """Give the part of the signature that must be equal: what counts bytes or words compares across tokenizers."""
    return _without_tokenizer(score.signature) if score.metric in _BY_TEXT else score.signature


def _without_tokenizer(signature: str) -> str:
    return "|".join(part for part in signature.split("|") if not part.startswith("tok:"))


def _verdict(rows: Sequence[Row], split: str) -> tuple[str, list[str]]:
    """Say what the headline metric shows: the headline, if there is one, and the sentences below it."""
    row = next((row for row in rows if row.metric.name == _HEADLINE), next(iter(rows), None))
    if row is None:
        return "", ["Nothing was measured."]
    found = [cell.difference for cell in row.cells if cell.difference]
    if not found:
        return "", [_unpaired(row.metric)]
    missing = [f"{clipped(cell.score.model, 80)} is left out: {cell.why_not}." for cell in row.cells if cell.why_not]
    how = f"Compared pair by pair, over the same samples of the {split} split."
    if len(found) == 1:
        return found[0].sentence, [how, *missing]
    words = [one.word for one in found]
    counts = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
    headline = f"{plural(len(found), 'model')} against {clipped(found[0].baseline.model, 80)}: {counts}"
    return headline, [*(f"{one.sentence}." for one in found), how, *missing]


def _unpaired(metric: Metric) -> str:
    """Say what can be said of scores that were not compared pair by pair."""
    scores = [f"{clipped(score.model, 80)} {score.written(score.value)}" for score in metric.scores]
    listed = f"{_UNITS.get(metric.name) or clipped(metric.name, 80)}: {', '.join(scores)}."
    alike = replace(metric, scores=[replace(score, signature=_made(score)) for score in metric.scores])
    if len(metric.scores) < 2:
        return listed
    if not alike.is_comparable:
        return f"{listed} These numbers cannot be compared."
    if alike.apart is not None:
        highest, lowest = alike.apart
        return f"{listed} The intervals of {clipped(highest.model, 80)} and {clipped(lowest.model, 80)} stand apart."
    if any(score.low is None or score.high is None for score in metric.scores):
        return f"{listed} Nothing was compared pair by pair."
    return f"{listed} The intervals overlap, and nothing was compared pair by pair: a difference is left open."


def _notices(metrics: Sequence[Metric], models: list[str]) -> list[Remark]:
    """List what stands out; that tokenizers differ is no fault, and matters only to what counts tokens."""
    counted = _BY_TEXT | _BY_TOKEN
    alike = [
        replace(metric, scores=[replace(one, signature=_without_tokenizer(one.signature)) for one in metric.scores])
        if metric.name in counted
        else metric
        for metric in metrics
    ]
    text = "{} counts tokens, and the tokenizers differ: its numbers are not comparable between them."
    return remarks(alike, models) + [
        Remark(is_grave=False, text=text.format(metric.name), target="signatures")
        for metric, plain in zip(metrics, alike, strict=True)
        if metric.name in _BY_TOKEN and plain.is_comparable and not metric.is_comparable
    ]
