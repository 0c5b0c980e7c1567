"""Every target is scored once, with the context it is promised; known answers through padding, shift and mask."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.models.nll import Document, score_targets, windows

START = 1


class Uniform(torch.nn.Module):
    """Finds all tokens alike."""

    def __init__(self, vocabulary):
        super().__init__()
        self.vocabulary = vocabulary

    def forward(self, input_ids, attention_mask, use_cache):
        return SimpleNamespace(logits=torch.zeros(*input_ids.shape, self.vocabulary))


class ByContext(torch.nn.Module):
    """Gives token 2 the likelihood exp(-(1 + 1/c)) after c tokens, the start token counted; token 0 has the rest."""

    def forward(self, input_ids, attention_mask, use_cache):
        context = attention_mask.cumsum(1).clamp(min=1).double()
        likelihood = torch.exp(-(1 + 1 / context))
        logits = torch.full((*input_ids.shape, 3), -1e9, dtype=torch.float64)
        logits[..., 2] = likelihood.log()
        logits[..., 0] = (1 - likelihood).log()
        return SimpleNamespace(logits=logits)


class ByToken(torch.nn.Module):
    """Gives each token a likelihood of its own."""

    def __init__(self, likelihoods):
        super().__init__()
        self.logits = torch.tensor(likelihoods).log()

    def forward(self, input_ids, attention_mask, use_cache):
        return SimpleNamespace(logits=self.logits.expand(*input_ids.shape, -1))


class Reader(torch.nn.Module):
    """A small causal model whose logits depend on all that came before."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding = torch.nn.Embedding(16, 32)
        self.head = torch.nn.Linear(32, 16)

    def forward(self, input_ids, attention_mask, use_cache):
        return SimpleNamespace(logits=self.head(torch.tanh(self.embedding(input_ids).cumsum(1))))


def all_of(ids):
    return Document(ids, [True] * len(ids))


@pytest.mark.parametrize(("stride", "batch_tokens"), [(1, 1), (3, 64), (15, 4096)])
def test_a_uniform_model_finds_every_token_one_in_v(stride, batch_tokens):
    documents = [all_of([2] * 7), all_of([3] * 40)]

    scores = score_targets(Uniform(50257), documents, length=16, stride=stride, start=START, batch_tokens=batch_tokens)

    assert [len(found) for found in scores] == [7, 40]
    assert math.exp(np.concatenate(scores).mean()) == pytest.approx(50257, rel=1e-5)


def test_the_corpus_is_summed_before_it_is_exponentiated():
    documents = [all_of([0]), all_of([1, 1, 1])]

    scores = score_targets(ByToken([0.5, 0.125, 0.375]), documents, length=8, stride=4, start=2)

    total = sum(found.sum() for found in scores) / sum(map(len, scores))
    assert math.exp(total) == pytest.approx(5.656854, abs=1e-5)


@pytest.mark.parametrize(
    ("tokens", "length", "stride", "total", "perplexity"),
    [
        (10, 4, 2, 14.833333, 4.407613),
        (10, 4, 1, 14.166667, 4.123353),
        (100, 16, 8, 111.082301, 3.036857),
        (1000, 64, 32, 1025.309164, 2.787957),
    ],
)
def test_a_model_that_counts_its_context_gets_the_closed_form(tokens, length, stride, total, perplexity):
    (found,) = score_targets(ByContext(), [all_of([2] * tokens)], length=length, stride=stride, start=START)

    assert len(found) == tokens
    assert found.sum() == pytest.approx(total, abs=2e-4)
    assert math.exp(found.mean()) == pytest.approx(perplexity, abs=1e-5)


@pytest.mark.parametrize(
    ("tokens", "length", "stride", "perplexity"),
    [(10, 4, 2, 4.399459), (10, 4, 1, 4.161709), (100, 16, 8, 3.037700), (1000, 64, 32, 2.787958)],
)
def test_without_a_start_token_the_first_token_is_not_scored(tokens, length, stride, perplexity):
    (found,) = score_targets(ByContext(), [all_of([2] * tokens)], length=length, stride=stride, start=None)

    assert len(found) == tokens - 1
    assert math.exp(found.mean()) == pytest.approx(perplexity, abs=1e-5)


@given(st.integers(0, 60), st.integers(2, 12), st.data(), st.booleans())
def test_each_token_is_scored_once_and_keeps_its_context(tokens, length, data, has_start):
    stride = data.draw(st.integers(1, length - 1))
    room = length - 1 if has_start else length

    planned = list(windows(tokens, length, stride, has_start=has_start))

    scored = [place for window in planned for place in range(window.scored_from, window.end)]
    assert scored == list(range(0 if has_start else 1, tokens))
    assert all(window.end - window.first <= room for window in planned)
    assert all(window.scored_from - window.first >= min(window.scored_from, room - stride) for window in planned)


@pytest.mark.parametrize("stride", [0, 8, 9])
def test_a_stride_that_leaves_no_context_is_refused(stride):
    with pytest.raises(ValueError, match=rf"stride \({stride}\)"):
        list(windows(10, 8, stride, has_start=True))


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(0, 15), min_size=1, max_size=30), min_size=1, max_size=5), st.integers(1, 200))
def test_the_batch_size_moves_no_score(texts, batch_tokens):
    documents = [all_of(ids) for ids in texts]
    model = Reader()

    alone = [score_targets(model, [document], length=64, stride=32, start=START)[0] for document in documents]
    together = score_targets(model, documents, length=64, stride=32, start=START, batch_tokens=batch_tokens)

    for one, other in zip(alone, together, strict=True):
        np.testing.assert_allclose(one, other, atol=1e-4)


def test_only_targets_are_scored_and_windows_without_any_are_not_shown():
    model = Reader()
    shown = []
    model.register_forward_pre_hook(lambda _, args, kwargs: shown.append(kwargs["input_ids"].shape), with_kwargs=True)
    ids = list(range(16)) * 2
    whole = score_targets(Reader(), [all_of(ids)], length=9, stride=8, start=START)[0]

    found = score_targets(
        model, [Document(ids, [place in {3, 5} for place in range(32)])], length=9, stride=8, start=START
    )[0]

    np.testing.assert_allclose(found, whole[[3, 5]], atol=1e-6)
    assert shown == [(1, 9)]


def test_a_document_without_targets_has_no_scores():
    (found,) = score_targets(Uniform(4), [Document([1, 2], [False, False])], length=4, stride=2, start=START)

    assert found.tolist() == []
