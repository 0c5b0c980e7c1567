# pyright: standard
"""TRL's loop with our loss, and an ear on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from transformers import TrainerCallback
from trl.trainer.sft_trainer import SFTTrainer

from dataforge.models.losses import IGNORED, Example, compact_nll, head_is_plain, response_nll
from dataforge.models.nll import Document, score_targets


class CompactTrainer(SFTTrainer):
    """TRL's trainer with the loss taken at the learnt positions alone.

    TRL builds the logits of every position where there is no GPU, and takes entropy and accuracy of them.
    """

    def __init__(self, **settings: Any) -> None:
        self._nll = compact_nll if head_is_plain(settings["model"]) else response_nll
        super().__init__(**settings)

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, Any],
        return_outputs: bool = False,  # noqa: FBT001, FBT002 - the signature is TRL's
        num_items_in_batch: torch.Tensor | int | None = None,
    ) -> torch.Tensor:
        """Average over the learnt tokens of the whole batch, all its micro-batches together."""
        del return_outputs
        nll = self._nll(model, inputs["input_ids"], inputs["attention_mask"], inputs["labels"])
        if num_items_in_batch is None:
            num_items_in_batch = int((inputs["labels"][:, 1:] != IGNORED).sum())
        return nll / num_items_in_batch


class Listener(TrainerCallback):
    """Hands what the loop logs to the trainer's log."""

    def __init__(self, log: Callable[[int, int, Mapping[str, float]], None]) -> None:
        self._log = log
        self.losses: list[float] = []

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        """Pass one line on."""
        del args, control
        if logs and "loss" in logs:
            self.losses.append(float(logs["loss"]))
            values = {name: float(logs[name]) for name in ("loss", "grad_norm", "learning_rate") if name in logs}
            self._log(state.global_step, state.max_steps, values)


def mean_nll(model: Any, examples: Sequence[Example]) -> float | None:
    """Average the negative log-likelihood over all learnt tokens; None where there are none."""
    documents = [Document(one["input_ids"], [label != IGNORED for label in one["labels"]]) for one in examples]
    if not documents:
        return None
    longest = max(2, *(len(document.ids) for document in documents))
    was_training = model.training
    model.eval()
    scores = score_targets(model, documents, length=longest, stride=longest - 1, start=None)
    model.train(was_training)
    return float(sum(score.sum() for score in scores) / sum(map(len, scores)))
