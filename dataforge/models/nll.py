# pyright: standard
"""How unlikely a model finds given tokens: each scored once, in windows, at any batch size the same."""

# B batch, T positions, V vocabulary, K targets

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Document:
    """Tokens, and which of them are asked for.

    Args:
        ids: Token ids, without the start token that is put before each window.
        is_target: True where the token's likelihood is asked for. Same length.
    """

    ids: Sequence[int]
    is_target: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Window:
    """A part of a document that the model is shown at once.

    Args:
        document: The document's place.
        first: Place of the first token shown.
        scored_from: Place of the first token that this window scores.
        end: Place after the last token shown; all from `scored_from` on are scored.
    """

    document: int
    first: int
    scored_from: int
    end: int


def windows(n_tokens: int, length: int, stride: int, *, has_start: bool) -> Iterator[Window]:
    """Cut a document so that each token is scored exactly once.

    Past the first window a token has at least `room - stride` tokens before it, where room is the length without the
    start token. Without a start token the first token has nothing before it, and no window scores it.

    Args:
        n_tokens: Tokens of the document.
        length: Positions of a window, the start token included.
        stride: Tokens that each further window scores.
        has_start: Whether a start token is put before each window.

    Yields:
        The windows in order, as of document 0.

    Raises:
        ValueError: The stride leaves a token without context.
    """
    room = length - 1 if has_start else length
    if not 1 <= stride <= length - 1:
        msg = f"stride ({stride}) must lie between 1 and length - 1 ({length - 1})"
        raise ValueError(msg)
    scored, end = (0 if has_start else 1), min(room, n_tokens)
    while scored < n_tokens:
        # The last window keeps the place it would have had in a longer document: context depends on the token alone.
        yield Window(0, max(0, _full_end(scored, stride, room) - room), scored, end)
        scored, end = end, min(end + stride, n_tokens)


def _full_end(scored: int, stride: int, room: int) -> int:
    return room if scored < room else scored + stride


@torch.no_grad()
def score_targets(
    model: torch.nn.Module,
    documents: Sequence[Document],
    *,
    length: int,
    stride: int,
    start: int | None,
    batch_tokens: int = 8192,
) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    """Give the negative log-likelihood of every target, in nats.

    Args:
        model: Called with `input_ids`, `attention_mask` and `use_cache=False`; answers with `logits`.
        documents: What is scored.
        length: Positions a window has at most, the start token included.
        stride: Tokens that each further window scores.
        start: Id of the token put before each window, or None for none.
        batch_tokens: Positions of one call, padding included; it changes no score by more than rounding.

    Returns:
        For each document the scores of its targets, in order. A first token that has nothing before it has none.
    """
    planned = [
        Window(place, window.first, window.scored_from, window.end)
        for place, document in enumerate(documents)
        for window in windows(len(document.ids), length, stride, has_start=start is not None)
        if any(document.is_target[window.scored_from : window.end])
    ]
    found: dict[int, list[tuple[int, Any]]] = {place: [] for place in range(len(documents))}
    for batch in _batches(planned, batch_tokens, 0 if start is None else 1):
        for window, scores in zip(batch, _score(model, documents, batch, start), strict=True):
            found[window.document].append((window.scored_from, scores))
    empty = np.zeros(0)
    return [
        np.concatenate([empty, *(scores for _, scores in sorted(parts, key=_by_place))]) for parts in found.values()
    ]


def _by_place(part: tuple[int, Any]) -> int:
    return part[0]


def _batches(planned: list[Window], batch_tokens: int, extra: int) -> Iterator[list[Window]]:
    """Put windows of like length together, the longest first, so that little is padding and memory fails early."""
    batch: list[Window] = []
    for window in sorted(planned, key=lambda window: (window.first - window.end, window.document, window.first)):
        widest = batch[0] if batch else window
        if batch and (len(batch) + 1) * (widest.end - widest.first + extra) > batch_tokens:
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _score(
    model: torch.nn.Module, documents: Sequence[Document], batch: list[Window], start: int | None
) -> list[np.ndarray[Any, np.dtype[np.float64]]]:
    lead = [] if start is None else [start]
    rows = [[*lead, *documents[window.document].ids[window.first : window.end]] for window in batch]
    ids_BT = torch.zeros(len(rows), max(map(len, rows)), dtype=torch.long)
    is_real_BT = torch.zeros_like(ids_BT)
    is_target_BT = torch.zeros(ids_BT.shape, dtype=torch.bool)
    for place, (window, row) in enumerate(zip(batch, rows, strict=True)):
        # Padding stands on the right: with causal attention no real token sees it, at any batch size.
        ids_BT[place, : len(row)] = torch.tensor(row)
        is_real_BT[place, : len(row)] = 1
        skipped = len(lead) + window.scored_from - window.first
        asked = documents[window.document].is_target[window.scored_from : window.end]
        is_target_BT[place, skipped : len(row)] = torch.tensor(asked, dtype=torch.bool)
    logits_BTV = model(input_ids=ids_BT, attention_mask=is_real_BT, use_cache=False).logits
    # The logits at a position are for the token after it.
    logits_KV = logits_BTV[:, :-1][is_target_BT[:, 1:]].float()
    nll_K = functional.cross_entropy(logits_KV, ids_BT[:, 1:][is_target_BT[:, 1:]], reduction="none")
    counts = is_target_BT[:, 1:].sum(dim=1).tolist()
    return [part.double().numpy() for part in nll_K.split(counts)]
