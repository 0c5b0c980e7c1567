"""Perplexity of responses: known answers, reasons for what is not scored, and a signature."""

import numpy as np
import polars as pl
import pytest
import torch

from dataforge.core.plugin import Samples
from dataforge.metrics.perplexity import Perplexity
from dataforge.models.load import save
from dataforge.models.tiny import make_model, train_tokenizer

TEXTS = ["What is one plus one? It is two, of course.", "naïve café 你好"]


def said(role, content):
    return {"role": role, "content": content}


def rows(*pairs):
    return pl.DataFrame(
        {
            "prompt": [[said("user", asked)] for asked, _ in pairs],
            "completion": [[said("assistant", answer)] if answer is not None else [] for _, answer in pairs],
        }
    )


def sums(scored):
    lines = scored.lines.filter(pl.col("unscored").is_null())
    return {name: np.array([float(lines[name].sum())]) for name in ("nll", "tokens", "bytes", "words")}


def numbers(metric, scored):
    return {name: values[0] for name, values in metric.summarize(sums(scored)).items()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A tiny model on disk."""
    tokenizer = train_tokenizer(TEXTS * 3, vocabulary=400)
    save(make_model(tokenizer, 1, 128), tokenizer, tmp_path_factory.mktemp("model") / "tiny")
    return next(tmp_path_factory.getbasetemp().glob("model*/tiny"))


@pytest.fixture(scope="module")
def uniform(tmp_path_factory):
    """A model whose weights are zero: all its tokens are alike."""
    tokenizer = train_tokenizer(TEXTS * 3, vocabulary=400)
    model = make_model(tokenizer, 1, 32)
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
    path = tmp_path_factory.mktemp("uniform")
    save(model, tokenizer, path)
    return path, len(tokenizer)


def test_bits_a_byte_of_a_uniform_model_are_the_closed_form():
    found = Perplexity().summarize(
        {
            "nll": np.array([7 * np.log(50257)]),
            "tokens": np.array([7.0]),
            "bytes": np.array([19.0]),
            "words": np.array([3.0]),
        }
    )

    assert found["bits_per_byte"][0] == pytest.approx(5.753645, abs=1e-6)
    assert found["per_byte"][0] == pytest.approx(53.953520, abs=1e-5)
    assert found["per_token"][0] == pytest.approx(50257)


@pytest.mark.parametrize(("stride", "batch_tokens"), [(None, 8192), (1, 40)])
def test_a_model_of_zeros_has_the_perplexity_of_its_vocabulary(uniform, stride, batch_tokens):
    path, vocabulary = uniform
    metric = Perplexity(stride=stride, batch_tokens=batch_tokens)

    scored = metric.score(
        Samples(rows(("Say hello, at length", "naïve café 你好 " * 12), ("And?", TEXTS[0])), str(path))
    )

    assert numbers(metric, scored)["per_token"] == pytest.approx(vocabulary, rel=1e-5)


def test_bytes_and_words_are_those_of_the_response_alone(folder):
    scored = Perplexity().score(Samples(rows(("A prompt of many words", "naïve café 你好")), str(folder)))

    assert scored.lines.select("bytes", "words").row(0) == (19, 3)


def test_the_end_of_turn_is_scored_only_where_it_is_asked_for(folder):
    asked = Samples(rows(("Hi", "It is two.")), str(folder))

    without, with_end = (Perplexity(end_of_turn=end).score(asked) for end in (False, True))

    assert with_end.lines["tokens"][0] == without.lines["tokens"][0] + 1
    assert with_end.lines["bytes"][0] == without.lines["bytes"][0]
    assert "|eot:no|" in without.signature
    assert "|eot:yes|" in with_end.signature


def test_what_cannot_be_scored_says_why(folder):
    scored = Perplexity().score(Samples(rows(("a", "two"), ("a", ""), ("a", None), ("a", "x<|im_end|>")), str(folder)))

    assert scored.lines["unscored"].to_list() == [None, "empty_response", "no_response", "control_token_in_text"]
    assert scored.lines["nll"].null_count() == 3


def test_a_row_is_scored_by_itself_whatever_stands_beside_it(folder):
    pairs = [("a", "It is two"), ("What is one?", "naïve " * 30), ("b", "of course")]

    together = Perplexity().score(Samples(rows(*pairs), str(folder))).lines["nll"]
    alone = [Perplexity().score(Samples(rows(pair), str(folder))).lines["nll"][0] for pair in pairs]

    np.testing.assert_allclose(together, alone, rtol=1e-4)


def test_the_signature_says_all_that_the_numbers_depend_on(folder):
    signature = Perplexity(max_context=64, stride=16).score(Samples(rows(("a", "two")), str(folder))).signature

    assert signature.startswith(
        "ppl|unit:byte|stride:16|len:64|bos:each|targets:response|eot:no|agg:corpus|dtype:fp32|tok:"
    )
    assert signature.endswith("|v:1")


def test_nothing_scored_gives_no_number_and_no_warning():
    nothing = dict.fromkeys(("nll", "tokens", "bytes", "words"), np.zeros(1))

    assert all(np.isnan(values[0]) for values in Perplexity().summarize(nothing).values())


def test_a_stride_beyond_the_context_is_refused():
    with pytest.raises(ValueError, match=r"stride \(64\).*max_context \(64\)"):
        Perplexity(max_context=64, stride=64)
