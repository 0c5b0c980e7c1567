"""The loss: of labelled tokens alone, by whichever head, however they are batched."""

import pytest
import torch

from dataforge.models.environment import fitting_threads
from dataforge.models.losses import IGNORED, compact_nll, head_is_plain, pad_batch, response_nll
from dataforge.models.tiny import make_model, train_tokenizer

EXAMPLES = [
    {"input_ids": [5, 6, 7, 8, 9], "labels": [IGNORED, IGNORED, 7, 8, 9]},
    {"input_ids": [9, 8, 7], "labels": [IGNORED, 8, 7]},
    {"input_ids": [4, 4, 4, 4, 4, 4, 4], "labels": [IGNORED] * 6 + [4]},
]


@pytest.fixture(scope="module")
def model():
    with fitting_threads(1):
        yield make_model(train_tokenizer(["ab"], vocabulary=300), 1, 32).eval()


def nll(function, model, examples, pad=0):
    batch = pad_batch(examples, pad)
    return function(model, batch["input_ids"], batch["attention_mask"], batch["labels"])


def test_the_loss_of_a_batch_is_the_sum_of_its_rows(model):
    together = nll(compact_nll, model, EXAMPLES)

    assert together.item() == pytest.approx(sum(nll(compact_nll, model, [row]).item() for row in EXAMPLES), abs=1e-4)


def test_both_heads_and_the_model_itself_agree(model):
    batch = pad_batch(EXAMPLES, 0)
    labelled = 6

    itself = model(**batch).loss.item() * labelled

    assert nll(compact_nll, model, EXAMPLES).item() == pytest.approx(itself, abs=1e-4)
    assert nll(response_nll, model, EXAMPLES).item() == pytest.approx(itself, abs=1e-4)


@pytest.mark.parametrize("pad", [0, 4, 9])
def test_padding_is_marked_by_its_place_and_not_by_its_id(model, pad):
    assert nll(compact_nll, model, EXAMPLES, pad).item() == pytest.approx(
        nll(compact_nll, model, EXAMPLES, 2).item(), abs=1e-4
    )


def test_labels_that_are_ignored_give_no_gradient(model):
    row = {"input_ids": [5, 6, 7], "labels": [IGNORED] * 3}

    assert nll(compact_nll, model, [row]).item() == 0.0


def test_a_model_that_caps_its_logits_is_not_given_the_compact_head(model):
    class Capped(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.base_model = model.base_model

        def get_output_embeddings(self):
            return model.get_output_embeddings()

        def forward(self, **batch):
            found = model(**batch)
            found.logits = 0.1 * torch.tanh(found.logits / 0.1)
            return found

    assert head_is_plain(model)
    assert not head_is_plain(Capped())
