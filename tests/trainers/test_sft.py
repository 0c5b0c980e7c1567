"""The SFT trainer: every row has a fate, the labels are the responses with their end, and training is repeatable."""

import polars as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.plugin import TrainInputs
from dataforge.models.environment import quiet
from dataforge.models.load import load, weights_digest
from dataforge.models.losses import IGNORED, pad_batch
from dataforge.models.tiny import train_tokenizer
from dataforge.trainers.sft import Sft


def said(role, content):
    return {"role": role, "content": content}


def frame(*pairs):
    return pl.DataFrame(
        {
            "prompt": [[said("user", asked)] for asked, _ in pairs],
            "completion": [[said("assistant", answer)] for _, answer in pairs],
        }
    )


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["What is one plus one? It is two."], vocabulary=300)


def ids(tokenizer, asked, answer):
    return len(Sft(max_length=4096).prepare(tokenizer, frame((asked, answer))).examples[0]["input_ids"])


def test_the_labels_of_a_batch_decode_to_the_responses_and_their_end(tokenizer):
    prepared = Sft().prepare(
        tokenizer, frame(("What is one?", "It is one."), ("And two? Say it in many words.", "Two"))
    )

    batch = pad_batch(prepared.examples, tokenizer.pad_token_id)

    learnt = [tokenizer.decode([token for token in row.tolist() if token != IGNORED]) for row in batch["labels"]]
    assert learnt == [f"It is one.{tokenizer.eos_token}", f"Two{tokenizer.eos_token}"]
    assert torch.equal(batch["labels"] != IGNORED, (batch["labels"] != IGNORED) & (batch["attention_mask"] == 1))


def test_each_row_ends_as_kept_truncated_or_dropped_with_a_reason(tokenizer):
    fits = ids(tokenizer, "a", "b")
    rows = frame(("a", "b"), ("a", "b" * 200), ("a" * 200, "b"), ("a", "<|im_end|>"))

    prepared = Sft(max_length=fits + 4).prepare(tokenizer, rows)

    assert prepared.fates["fate"].to_list() == ["kept", "truncated", "dropped", "dropped"]
    assert prepared.fates["reason"].to_list() == [None, "too_long", "prompt_too_long", "control_token_in_text"]
    assert prepared.counts() == {
        "shown": 4,
        "kept": 1,
        "truncated": 1,
        "dropped": {"control_token_in_text": 1, "prompt_too_long": 1},
    }
    assert [len(example["input_ids"]) for example in prepared.examples] == [fits, fits + 4]


def test_rows_that_are_too_long_go_where_that_is_asked_for(tokenizer):
    prepared = Sft(max_length=32, over_length="drop").prepare(tokenizer, frame(("a", "b" * 200), ("a", "b")))

    assert prepared.counts()["dropped"] == {"too_long": 1}
    assert prepared.counts()["kept"] == 1


@given(st.lists(st.tuples(st.text("ab ", max_size=30), st.text("ab ", max_size=30)), max_size=6), st.integers(8, 60))
def test_the_books_of_rows_and_tokens_close(tokenizer, pairs, max_length):
    trainer = Sft(max_length=max_length)

    prepared = trainer.prepare(tokenizer, frame(*pairs) if pairs else frame(("a", "b")).clear())

    counts, tokens = prepared.counts(), prepared.tokens()
    assert counts["shown"] == len(pairs) == counts["kept"] + counts["truncated"] + sum(counts["dropped"].values())
    assert counts["kept"] + counts["truncated"] == len(prepared.examples)
    assert all(len(example["input_ids"]) <= max_length for example in prepared.examples)
    assert all(any(label != IGNORED for label in example["labels"][1:]) for example in prepared.examples)
    assert tokens["learnt"] == sum(label != IGNORED for example in prepared.examples for label in example["labels"])


def test_a_micro_batch_that_does_not_divide_the_batch_is_refused():
    with pytest.raises(ValueError, match=r"micro_batch_size \(3\) does not divide batch_size \(8\)"):
        Sft(batch_size=8, micro_batch_size=3)


def trained(folder, **keys):
    """Train on sums of small numbers."""
    pairs = [(f"What is {a} plus {b}?", f"It is {a + b}, of course.") for a in range(6) for b in range(6)]
    folder.mkdir()
    frame(*pairs).write_parquet(folder / "train.parquet")
    frame(("What is 7 plus 1?", "It is 8, of course.")).write_parquet(folder / "validation.parquet")
    out = folder / "out"
    out.mkdir()
    curve = []
    inputs = TrainInputs((folder / "train.parquet",), (folder / "validation.parquet",), out, "tiny", 11)
    with quiet():  # as the engine does
        trainer = Sft(**{"epochs": 4, "max_length": 64, **keys})
        summary = trainer.train(inputs, lambda step, of, values: curve.append((step, of, values["loss"])))
    return summary, curve, out


@pytest.mark.slow
def test_the_same_seed_gives_the_same_losses_and_the_same_bytes(tmp_path):
    one, one_curve, one_out = trained(tmp_path / "one")
    two, two_curve, two_out = trained(tmp_path / "two")

    assert one_curve == two_curve
    assert one == two
    assert weights_digest(one_out) == weights_digest(two_out)


@pytest.mark.slow
def test_training_changes_every_weight_and_lowers_both_losses(tmp_path, capsys):
    summary, curve, out = trained(tmp_path / "run")

    before, after = load(str(out / "base"))[0].state_dict(), load(str(out))[0].state_dict()
    assert not any(torch.equal(before[name], after[name]) for name in before)
    assert summary["loss"]["last"] < 0.8 * summary["loss"]["first"]
    assert summary["validation"]["after"] < 0.8 * summary["validation"]["before"]
    assert [step for step, _, _ in curve] == list(range(1, summary["steps"] + 1))
    assert capsys.readouterr().out == ""
    assert sorted(path.name for path in out.iterdir() if path.is_dir()) == ["base"]


@pytest.mark.slow
def test_micro_batches_give_the_gradient_of_the_whole_batch(tmp_path):
    _, whole, _ = trained(tmp_path / "whole", epochs=1, batch_size=12)
    _, parts, _ = trained(tmp_path / "parts", epochs=1, batch_size=12, micro_batch_size=3)

    assert [loss for *_, loss in parts] == pytest.approx([loss for *_, loss in whole], abs=2e-4)


@pytest.mark.slow
def test_the_loss_of_the_first_step_is_that_of_the_untrained_model(tmp_path):
    summary, curve, _ = trained(tmp_path / "run", epochs=1, batch_size=36)

    vocabulary_loss = curve[0][2]
    assert vocabulary_loss == pytest.approx(summary["validation"]["before"], rel=0.05)
