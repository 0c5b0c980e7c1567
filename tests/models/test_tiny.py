"""The tiny model: the same rows and seed give the same one, and what is saved is what was made."""

import pytest
import torch
from transformers import AutoTokenizer

from dataforge.core.errors import RecipeError
from dataforge.models.load import load, save, tokenizer_digest, weights_digest
from dataforge.models.tiny import make_model, train_tokenizer

TEXTS = ["The cat sat on the mat.\n\nThe dog did not.", "def f(x):\n    return x + 1\n", "Ein Käse, bitte: 中文 😀"]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(TEXTS * 3, vocabulary=320)


def test_the_same_texts_give_the_same_tokenizer_in_any_order(tokenizer):
    assert tokenizer_digest(tokenizer) == tokenizer_digest(train_tokenizer(TEXTS[::-1] * 3, vocabulary=320))


def test_every_text_comes_back_from_its_tokens(tokenizer):
    text = "Ünseen: \x00\u200b 漢字\n\n  👩‍🔬\tend "

    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_special_tokens_are_distinct_and_known(tokenizer):
    ids = {tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id}

    assert len(ids) == 3
    assert tokenizer("<|im_start|>user")["input_ids"][0] == tokenizer.convert_tokens_to_ids("<|im_start|>")


def test_the_seed_decides_the_weights_and_nothing_else_does(tokenizer):
    torch.rand(3)
    one, same, other = (make_model(tokenizer, seed, 64).state_dict() for seed in (1, 1, 2))

    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["model.embed_tokens.weight"], other["model.embed_tokens.weight"])


def test_making_a_model_draws_from_no_other_generator(tokenizer):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)

    make_model(tokenizer, 1, 64)

    assert torch.equal(torch.rand(1), expected)


def test_what_is_loaded_is_what_was_saved(tokenizer, tmp_path):
    model = make_model(tokenizer, 1, 64).eval()
    save(model, tokenizer, tmp_path)

    loaded, read = load(str(tmp_path))

    ids = torch.tensor([tokenizer(TEXTS[0])["input_ids"]])
    assert torch.equal(model(ids).logits, loaded(ids).logits)
    assert tokenizer_digest(read) == tokenizer_digest(tokenizer)
    assert AutoTokenizer.from_pretrained(tmp_path).chat_template == tokenizer.chat_template
    assert [read.bos_token, read.eos_token, read.pad_token] == [
        tokenizer.bos_token,
        tokenizer.eos_token,
        tokenizer.pad_token,
    ]


def test_the_digest_names_the_weights(tokenizer, tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        save(make_model(tokenizer, seed, 64), tokenizer, tmp_path / name)

    a, b, c = (weights_digest(tmp_path / name) for name in "abc")
    assert a == b != c


def test_a_folder_without_a_model_is_named(tmp_path):
    with pytest.raises(RecipeError, match="holds no model"):
        load(str(tmp_path))
