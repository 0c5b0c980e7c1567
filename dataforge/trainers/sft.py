# pyright: standard
"""Trainer `sft`: supervised fine-tuning on the responses, by TRL.

Where it departs from `trl.SFTTrainer`:

1. Rows are tokenized here, not there, so that each ends as kept, truncated or dropped with a reason; TRL drops rows
   whose response does not fit without a word.
2. The loss is computed at the learnt positions alone; TRL scores every position where there is no GPU.
3. The validation loss is a sum over all rows divided by their tokens, not a mean of batch means.

Values it logs: `loss`, nats a token, mean since the last value: it should fall, fast at first. `grad_norm`, before
clipping: a value that keeps growing announces a loss that will not come back; lower the learning rate.
`learning_rate`, as the schedule has it. `validation`, in the summary, before and after: a training loss that falls
while this rises means too many epochs for so few rows.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from dataforge.core.plugin import Trainer, TrainInputs, TrainLog

# A model from nothing wants large steps, a pre-trained one small ones (20e-6 is TRL's value too).
_RATE_TINY, _RATE_PRETRAINED = 3e-3, 2e-5
# The curve in the run record has about this many points.
_POINTS = 200
_SCRATCH = "trainer"


@dataclass(frozen=True, kw_only=True)
class Sft:
    """Supervised fine-tuning: the model learns to write the responses, and to stop after them."""

    version: ClassVar[int] = 1
    view: ClassVar[str] = "sft"

    epochs: Annotated[int, Field(ge=1, description="times that each row is shown")] = 3
    learning_rate: Annotated[
        float | None, Field(gt=0, description="highest learning rate; by default 3e-3 for tiny and 2e-5 for others")
    ] = None
    warmup: Annotated[float, Field(ge=0, lt=1, description="share of the steps in which the rate rises")] = 0.1
    batch_size: Annotated[int, Field(ge=1, description="rows a step")] = 8
    micro_batch_size: Annotated[
        int | None, Field(ge=1, description="rows shown at once, to save memory; must divide batch_size")
    ] = None
    max_length: Annotated[int, Field(ge=8, description="tokens of a row, prompt and response together")] = 512
    over_length: Annotated[
        Literal["truncate", "drop"], Field(description="what becomes of longer rows: lose their end, or go")
    ] = "truncate"
    weight_decay: Annotated[float, Field(ge=0, description="as in AdamW")] = 0.01
    max_grad_norm: Annotated[float, Field(gt=0, description="gradients are clipped to this norm")] = 1.0

    def __post_init__(self) -> None:
        if self.micro_batch_size is not None and self.batch_size % self.micro_batch_size:
            msg = f"micro_batch_size ({self.micro_batch_size}) does not divide batch_size ({self.batch_size})"
            raise ValueError(msg)

    def train(self, inputs: TrainInputs, log: TrainLog) -> Mapping[str, Any]:
        """Train the model on the completions, and write it with its tokenizer, its template and its row ledger."""
        from dataforge.models import tiny
        from dataforge.models.environment import fitting_threads, numerics
        from dataforge.models.fitting import mean_nll
        from dataforge.models.load import load, save

        rows = _read(inputs.train)
        if inputs.model == tiny.NAME:
            tokenizer = tiny.train_tokenizer(_texts(rows))
            model = tiny.make_model(tokenizer, inputs.seed, self.max_length)
            # The control: the same model before it has learnt anything.
            save(model, tokenizer, inputs.out / "base")
        else:
            model, tokenizer = load(inputs.model)
        shown = self.prepare(tokenizer, rows)
        held_out = self.prepare(tokenizer, _read(inputs.validation))
        shown.fates.write_parquet(inputs.out / "rows.parquet")
        parameters = sum(weights.numel() for weights in model.parameters())
        with fitting_threads(parameters):
            validation = {"before": mean_nll(model, held_out.examples)}
            steps, loss = self._fit(model, tokenizer, shown.examples, inputs, log)
            validation["after"] = mean_nll(model, held_out.examples)
            precision = numerics()
        save(model, tokenizer, inputs.out)
        return {
            "rows": shown.counts(),
            "tokens": shown.tokens(),
            "steps": steps,
            "loss": loss,
            "validation": {**validation, "rows": held_out.counts(), "tokens": held_out.tokens()},
            "parameters": parameters,
            "numerics": precision,
        }

    def prepare(self, tokenizer: Any, rows: pl.DataFrame) -> Prepared:
        """Tokenize rows, and decide the fate of each before anything is learnt.

        Args:
            tokenizer: Of the model, with a chat template.
            rows: Columns `prompt` and `completion`.

        Returns:
            The tokens of the rows that are shown to the model, and the fates of all.
        """
        from dataforge.models.chat import encode
        from dataforge.models.losses import IGNORED

        prepared = Prepared()
        for prompt, completion in rows.select("prompt", "completion").iter_rows():
            encoded = encode(tokenizer, prompt, completion)
            if isinstance(encoded, str):
                prepared.note("dropped", encoded, 0, 0)
                continue
            fate, reason = self._fate(encoded.is_learnt)
            ids, learnt = encoded.ids[: self.max_length], encoded.is_learnt[: self.max_length]
            prepared.note(fate, reason, len(encoded.ids), sum(learnt) if fate != "dropped" else 0)
            if fate != "dropped":
                labels = [token if is_learnt else IGNORED for token, is_learnt in zip(ids, learnt, strict=True)]
                prepared.examples.append({"input_ids": ids, "labels": labels})
        return prepared

    def _fate(self, learnt: Sequence[bool]) -> tuple[str, str | None]:
        if len(learnt) <= self.max_length:
            # Nothing before the first token predicts it, so a target there alone cannot be learnt.
            return ("kept", None) if any(learnt[1:]) else ("dropped", "empty_response")
        if not any(learnt[1 : self.max_length]):
            return "dropped", "prompt_too_long"
        return ("truncated", "too_long") if self.over_length == "truncate" else ("dropped", "too_long")

    def _fit(
        self, model: Any, tokenizer: Any, examples: list[dict[str, list[int]]], inputs: TrainInputs, log: TrainLog
    ) -> tuple[int, dict[str, float | None]]:
        from datasets import Dataset
        from transformers import PrinterCallback, ProgressCallback

        from dataforge.models.fitting import CompactTrainer, Listener
        from dataforge.models.losses import pad_batch

        if not examples:
            return 0, {"first": None, "last": None}
        steps = self.epochs * -(-len(examples) // self.batch_size)
        listener = Listener(log)
        trainer = CompactTrainer(
            model=model,
            args=self._arguments(inputs, steps),
            train_dataset=Dataset.from_list(examples),
            processing_class=tokenizer,
            data_collator=lambda batch: pad_batch(batch, tokenizer.pad_token_id or 0),
            callbacks=[listener],
        )
        for printing in (PrinterCallback, ProgressCallback):  # they write to standard output
            trainer.remove_callback(printing)
        trainer.train()
        shutil.rmtree(inputs.out / _SCRATCH, ignore_errors=True)  # TRL makes it, and leaves it empty
        return trainer.state.global_step, {"first": listener.losses[0], "last": listener.losses[-1]}

    def _arguments(self, inputs: TrainInputs, steps: int) -> Any:
        from trl.trainer.sft_config import SFTConfig

        from dataforge.models import tiny

        rate = self.learning_rate or (_RATE_TINY if inputs.model == tiny.NAME else _RATE_PRETRAINED)
        micro = self.micro_batch_size or self.batch_size
        return SFTConfig(
            output_dir=str(inputs.out / _SCRATCH),
            num_train_epochs=self.epochs,
            learning_rate=rate,
            lr_scheduler_type="cosine",
            warmup_steps=round(self.warmup * steps),
            per_device_train_batch_size=micro,
            gradient_accumulation_steps=self.batch_size // micro,
            weight_decay=self.weight_decay,
            max_grad_norm=self.max_grad_norm,
            max_length=None,
            dataset_kwargs={"skip_prepare_dataset": True},
            completion_only_loss=False,  # the labels say what is learnt
            remove_unused_columns=False,
            train_sampling_strategy="group_by_length",
            seed=inputs.seed,
            data_seed=inputs.seed,
            use_cpu=True,
            bf16=False,
            activation_checkpointing=False,
            dataloader_num_workers=0,
            dataloader_pin_memory=False,
            eval_strategy="no",
            save_strategy="no",
            logging_steps=max(1, steps // _POINTS),
            logging_nan_inf_filter=False,
            report_to="none",
            push_to_hub=False,
            disable_tqdm=True,
        )


@dataclass(slots=True)
class Prepared:
    """Rows as a model reads them, and what became of each."""

    examples: list[dict[str, list[int]]] = field(default_factory=list)
    _fates: list[tuple[str, str | None, int, int]] = field(default_factory=list)

    def note(self, fate: str, reason: str | None, tokens: int, learnt: int) -> None:
        """Write down the next row's fate."""
        self._fates.append((fate, reason, tokens, learnt))

    @property
    def fates(self) -> pl.DataFrame:
        """One line a row: its place, its fate, why, its tokens, and how many of them are learnt."""
        schema: dict[str, Any] = {"fate": pl.String, "reason": pl.String, "tokens": pl.Int64, "learnt": pl.Int64}
        return pl.DataFrame(self._fates, schema=schema, orient="row").with_row_index("row")

    def counts(self) -> dict[str, Any]:
        """Count rows by fate; the books close: shown is kept, truncated and dropped."""
        fates = Counter(fate for fate, *_ in self._fates)
        dropped = Counter(str(reason) for fate, reason, *_ in self._fates if fate == "dropped")
        return {
            "shown": len(self._fates),
            "kept": fates["kept"],
            "truncated": fates["truncated"],
            "dropped": dict(sorted(dropped.items())),
        }

    def tokens(self) -> dict[str, int]:
        """Count tokens: of all rows, of those that are shown to the model in an epoch, and of these the learnt ones."""
        return {
            "all": sum(tokens for _, _, tokens, _ in self._fates),
            "shown": sum(len(example["input_ids"]) for example in self.examples),
            "learnt": sum(learnt for _, _, _, learnt in self._fates),
        }


def _read(files: Sequence[Path]) -> pl.DataFrame:
    wanted = [pl.read_parquet(file, columns=["prompt", "completion"]) for file in files]
    return pl.concat(wanted) if wanted else pl.DataFrame(schema={"prompt": pl.List, "completion": pl.List})


def _texts(rows: pl.DataFrame) -> Iterable[str]:
    for prompt, completion in rows.select("prompt", "completion").iter_rows():
        yield from (message["content"] for message in [*prompt, *completion] if message["content"])


TRAINER: type[Trainer] = Sft
