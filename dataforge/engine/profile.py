"""The numbers of a build report: counted on all rows as they are published, or on a seeded sample that says so."""

from __future__ import annotations

import math
from collections import Counter
from hashlib import sha256
from typing import Any

import numpy as np
import polars as pl

from dataforge.core.errors import ForgeError
from dataforge.core.schema import kind_of_row
from dataforge.engine.birth import prefixed

SAMPLE_ROWS = 300
_SAMPLE_CHARACTERS = 50_000
TOKENIZER = "cl100k_base"

# Lengths are counted in doublings: 1, 2, 4, … characters.
LENGTH_BINS = 24
MAX_TURNS = 24

_ID_SIZE = (32).to_bytes(8, "little")


class Profile:
    """Counts what is published, one frame at a time.

    Args:
        total: Rows that will come, for the size of the sample.
        seed: The recipe's seed.
    """

    def __init__(self, total: int, seed: int) -> None:
        self._rate = min(1.0, SAMPLE_ROWS / max(total, 1))
        self._seed = seed
        # `unit_interval("profile", seed, row_id) < rate`, in whole numbers, and with all but the id put together once.
        self._before = prefixed("profile", str(seed)) + _ID_SIZE
        self._below = f"{min(math.ceil(self._rate * 16**13), 16**13 - 1):013x}" if self._rate < 1 else "g"
        self._sources: Counter[tuple[str, str, str]] = Counter()
        self._licenses: Counter[str] = Counter()
        self._turns: Counter[int] = Counter()
        self._prompt_lengths = np.zeros(LENGTH_BINS, dtype=np.int64)
        self._response_lengths = np.zeros(LENGTH_BINS, dtype=np.int64)
        self._characters = 0
        self._sample: list[str] = []

    def add(self, frame: pl.DataFrame) -> None:
        """Count some rows."""
        kinds = frame.select(pl.col("origin").struct.field("corpus"), "split", kind_of_row())
        for *kind, rows in kinds.group_by("corpus", "split", "kind").len().iter_rows():
            self._sources[tuple(kind)] += rows
        _count(self._licenses, frame["license"])
        _count(self._turns, frame["prompt"].list.len().clip(upper_bound=MAX_TURNS))
        prompts = _characters(pl.col("prompt"))
        responses = _characters(pl.col("responses").list.get(0, null_on_oob=True).struct.field("messages"))
        lengths = frame.select(prompt=prompts, response=responses)
        self._prompt_lengths += _doublings(lengths["prompt"])
        self._response_lengths += _doublings(lengths["response"].drop_nulls())
        self._characters += int(lengths["prompt"].sum()) + int(lengths["response"].sum() or 0)
        chosen = [
            sha256(self._before + row_id.encode()).hexdigest()[:13] < self._below
            for row_id in frame["row_id"].to_list()
        ]
        for prompt, responses_ in (
            frame.filter(pl.Series(chosen, dtype=pl.Boolean)).select("prompt", "responses").iter_rows()
        ):
            best: list[dict[str, str | None]] = responses_[0]["messages"] if responses_ else []
            texts = [message["content"] or "" for message in (*prompt, *best)]
            self._sample.append("\n\n".join(texts)[:_SAMPLE_CHARACTERS])

    def to_json(self) -> dict[str, Any]:
        """Give all counts; what could not be counted says why."""
        return {
            "sources": [
                {"source": source, "split": split, "kind": kind, "rows": rows}
                for (source, split, kind), rows in sorted(self._sources.items())
            ],
            "licenses": dict(sorted(self._licenses.items())),
            "prompt_messages": {str(turns): rows for turns, rows in sorted(self._turns.items())},
            "prompt_characters": self._prompt_lengths.tolist(),
            "response_characters": self._response_lengths.tolist(),
            "max_messages": MAX_TURNS,
            "characters": self._characters,
            "sample": {"rows": len(self._sample), "rate": self._rate, "seed": self._seed, **self._sampled()},
        }

    def _sampled(self) -> dict[str, Any]:
        from dataforge.text.language import languages
        from dataforge.text.tokens import token_counter

        found: dict[str, Any] = {"languages": dict(sorted(Counter(languages(self._sample)).items()))}
        try:
            count = token_counter(TOKENIZER)
        except ForgeError as error:
            return {**found, "tokens": None, "tokens_missing": error.message}
        counts = [count(text) for text in self._sample]
        characters = sum(map(len, self._sample))
        # Rows cut for the sample would bias a mean, so tokens of all rows come from characters a token.
        per_character = sum(counts) / characters if characters else 0.0
        return {
            **found,
            "tokens": {
                "tokenizer": TOKENIZER,
                "estimate": round(per_character * self._characters),
                "characters_per_token": round(1 / per_character, 3) if per_character else None,
                "lengths": _doublings(pl.Series(counts, dtype=pl.UInt32)).tolist(),
            },
        }


def _count(counter: Counter[Any], values: pl.Series) -> None:
    for value, rows in values.value_counts().iter_rows():
        counter[value] += rows


def _characters(messages: pl.Expr) -> pl.Expr:
    return messages.list.eval(pl.element().struct.field("content").str.len_chars()).list.sum()


def _doublings(lengths: pl.Series) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Count lengths by the power of two at or below them; the first bin also takes 0."""
    numbers = np.maximum(lengths.to_numpy().astype(np.float64), 1.0)
    bins = np.minimum(np.log2(numbers).astype(np.int64), LENGTH_BINS - 1)
    return np.bincount(bins, minlength=LENGTH_BINS).astype(np.int64)
