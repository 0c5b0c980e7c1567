# pyright: standard
"""Metric `perplexity`: how unlikely a model finds the responses, by byte and by token."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
import polars as pl
from pydantic import Field

from dataforge.core.plugin import Metric, Samples, Scored

Sums = np.ndarray[Any, np.dtype[np.float64]]

_NUMBERS: dict[str, Any] = {"nll": pl.Float64, "tokens": pl.Int64, "bytes": pl.Int64, "words": pl.Int64}


@dataclass(frozen=True, kw_only=True)
class Perplexity:
    """Perplexity of the responses: bits a byte first, which compares models with different tokenizers.

    Scored are the tokens that begin inside an assistant's content; role headers and prompts are context. Sums of nats,
    tokens, bytes and words are taken over the whole split and exponentiated once, so long responses count for more.
    """

    version: ClassVar[int] = 1

    max_context: Annotated[int, Field(ge=2, description="positions of a window, if the model can take as many")] = 1024
    stride: Annotated[
        int | None, Field(ge=1, description="tokens scored by each further window; by default half of a window")
    ] = None
    end_of_turn: Annotated[bool, Field(description="also score the token that ends a response")] = False
    batch_tokens: Annotated[int, Field(ge=1, description="positions of one call of the model, padding included")] = 8192

    def __post_init__(self) -> None:
        if self.stride is not None and self.stride >= self.max_context:
            msg = f"stride ({self.stride}) must be below max_context ({self.max_context})"
            raise ValueError(msg)

    def score(self, samples: Samples) -> Scored:
        """Score each row's response."""
        from dataforge.models.chat import encode
        from dataforge.models.environment import fitting_threads
        from dataforge.models.load import context_of, load, tokenizer_digest
        from dataforge.models.nll import Document, score_targets

        model, tokenizer = load(samples.model)
        encoded = [encode(tokenizer, *row) for row in samples.rows.select("prompt", "completion").iter_rows()]
        reasons = [
            one if isinstance(one, str) else None if any(one.is_content) else "empty_response" for one in encoded
        ]
        # A template writes the start token or it does not; the model is scored as it will be used.
        start = _start_token(tokenizer, (one.ids for one in encoded if not isinstance(one, str)))
        skipped = 0 if start is None else 1
        documents = [
            Document(one.ids[skipped:], (one.is_learnt if self.end_of_turn else one.is_content)[skipped:])
            for one, reason in zip(encoded, reasons, strict=True)
            if not isinstance(one, str) and reason is None
        ]
        length = context_of(model, self.max_context)
        stride = min(self.stride or length // 2, length - 1)
        with fitting_threads(sum(weights.numel() for weights in model.parameters())):
            scores = iter(
                score_targets(
                    model, documents, length=length, stride=stride, start=start, batch_tokens=self.batch_tokens
                )
            )
        lines = [
            {"unscored": reason} if reason is not None or isinstance(one, str) else _line(next(scores), one.scored)
            for one, reason in zip(encoded, reasons, strict=True)
        ]
        signature = {
            "unit": "byte",
            "stride": stride,
            "len": length,
            "bos": "none" if start is None else "each",
            "targets": "response",
            "eot": "yes" if self.end_of_turn else "no",
            "agg": "corpus",
            "dtype": "fp32",
            "tok": tokenizer_digest(tokenizer)[:8],
            "v": self.version,
        }
        text = "|".join(["ppl", *(f"{name}:{value}" for name, value in signature.items())])
        return Scored(pl.DataFrame(lines, schema={"unscored": pl.String, **_NUMBERS}), text)

    def summarize(self, sums: Mapping[str, Sums]) -> Mapping[str, Sums]:
        """Compute bits a byte, and perplexity by token, byte and word."""
        return {
            "bits_per_byte": _ratio(sums["nll"], sums["bytes"]) / math.log(2),
            "per_token": np.exp(_ratio(sums["nll"], sums["tokens"])),
            "per_byte": np.exp(_ratio(sums["nll"], sums["bytes"])),
            "per_word": np.exp(_ratio(sums["nll"], sums["words"])),
        }


def _ratio(numerator: Sums, denominator: Sums) -> Sums:
    """Divide; where there is nothing to divide by, there is no number."""
    missing = np.full_like(numerator, np.nan)
    return np.divide(numerator, denominator, out=missing, where=denominator > 0)


def _line(scores: Sums, scored: list[str]) -> dict[str, Any]:
    return {
        "nll": float(scores.sum()),
        "tokens": len(scores),
        "bytes": sum(len(text.encode()) for text in scored),
        "words": sum(len(text.split()) for text in scored),
    }


def _start_token(tokenizer: Any, documents: Iterable[list[int]]) -> int | None:
    firsts = {ids[0] for ids in documents if ids}
    return tokenizer.bos_token_id if firsts and firsts == {tokenizer.bos_token_id} else None


METRIC: type[Metric] = Perplexity
