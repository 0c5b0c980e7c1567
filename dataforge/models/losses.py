# pyright: standard
"""Batches of supervised fine-tuning and their loss, computed where there is something to learn and nowhere else."""

# B batch, T positions, V vocabulary, H hidden, K learnt positions

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch.nn import functional

IGNORED = -100

# A row as a loop takes it: `input_ids` and `labels`, of the same length.
Example = Mapping[str, list[int]]

# fp32 sums in another order; measured differences on small and large vocabularies stay below 2e-6.
_TOLERANCE = 1e-4


def pad_batch(examples: Sequence[Example], pad: int) -> dict[str, torch.Tensor]:
    """Put rows of different length into one batch, padded on the right.

    Padding is marked by its place, never by its id: the id may also be that of a token that is to be learnt.
    """
    longest = max(len(example["input_ids"]) for example in examples)

    def padded(rows: list[list[int]], filler: int) -> torch.Tensor:
        return torch.tensor([row + [filler] * (longest - len(row)) for row in rows])

    return {
        "input_ids": padded([example["input_ids"] for example in examples], pad),
        "attention_mask": padded([[1] * len(example["input_ids"]) for example in examples], 0),
        "labels": padded([example["labels"] for example in examples], IGNORED),
    }


def response_nll(model: Any, ids_BT: torch.Tensor, is_real_BT: torch.Tensor, labels_BT: torch.Tensor) -> torch.Tensor:
    """Sum the negative log-likelihood of the labelled tokens, with the whole head.

    Args:
        model: A causal language model of transformers.
        ids_BT: Token ids, padded on the right.
        is_real_BT: 1 where there is a token, 0 where there is padding.
        labels_BT: The id where it is to be learnt, -100 elsewhere; not shifted.

    Returns:
        The sum in nats, a scalar with a gradient.
    """
    logits_BTV = model(input_ids=ids_BT, attention_mask=is_real_BT, use_cache=False).logits
    is_learnt = labels_BT[:, 1:] != IGNORED
    return functional.cross_entropy(logits_BTV[:, :-1][is_learnt].float(), labels_BT[:, 1:][is_learnt], reduction="sum")


def compact_nll(model: Any, ids_BT: torch.Tensor, is_real_BT: torch.Tensor, labels_BT: torch.Tensor) -> torch.Tensor:
    """The same sum, with the head on the labelled positions alone: equal where the head is one linear layer."""
    hidden_BTH = model.base_model(input_ids=ids_BT, attention_mask=is_real_BT, use_cache=False).last_hidden_state
    is_learnt = labels_BT[:, 1:] != IGNORED
    logits_KV = model.get_output_embeddings()(hidden_BTH[:, :-1][is_learnt])
    return functional.cross_entropy(logits_KV.float(), labels_BT[:, 1:][is_learnt], reduction="sum")


@torch.no_grad()
def head_is_plain(model: Any) -> bool:
    """Try whether `compact_nll` gives what the model's own head gives: some cap or scale their logits."""
    if model.get_output_embeddings() is None:
        return False
    ids_BT = torch.arange(16).reshape(2, 8) % model.get_output_embeddings().weight.shape[0]
    batch = (ids_BT, torch.ones_like(ids_BT), ids_BT)
    was_training = model.training
    model.eval()
    same = torch.isclose(compact_nll(model, *batch), response_nll(model, *batch), rtol=_TOLERANCE)
    model.train(was_training)
    return bool(same)
