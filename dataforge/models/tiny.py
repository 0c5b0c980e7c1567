# pyright: standard
"""`"tiny"`: a Llama of about a million parameters and a tokenizer of its own, made from the training rows.

It learns in a minute on one core. It is for trying a recipe end to end, for tests, and as a control: what a real model
gains over it is what pre-training is worth.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dataforge.models.chat import TEMPLATE

NAME = "tiny"

BOS, EOS, PAD, START = "<|bos|>", "<|im_end|>", "<|pad|>", "<|im_start|>"

# Small, because so are the corpora it is trained on: with 4096 most tokens are seen too seldom to be learnt.
VOCABULARY = 2048
HIDDEN = 128
LAYERS = 4
HEADS = 4
# 8/3 of the hidden size, as in Llama, rounded up to a multiple of 32.
INTERMEDIATE = 352


def train_tokenizer(texts: Iterable[str], vocabulary: int = VOCABULARY) -> Any:
    """Train a byte-level BPE tokenizer: the same texts give the same tokenizer.

    Args:
        texts: What it is to be good at.
        vocabulary: The most tokens it may have, the special ones and the 256 bytes among them.

    Returns:
        A fast tokenizer of transformers with distinct bos, eos and pad tokens and a chat template.
    """
    from tokenizers import Regex, Tokenizer, decoders, pre_tokenizers
    from tokenizers.models import BPE
    from tokenizers.trainers import BpeTrainer
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(BPE())
    # A line break is a token by itself: else one could join the break after a role with one that begins a content,
    # and the prompt's tokens would not be those of inference.
    lines = pre_tokenizers.Split(Regex(r"\n"), "isolated")
    words = pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=True)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([lines, words])
    tokenizer.decoder = decoders.ByteLevel()
    trainer = BpeTrainer(
        vocab_size=vocabulary,
        min_frequency=2,
        special_tokens=[BOS, EOS, PAD, START],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        extra_special_tokens=[START],
        chat_template=TEMPLATE,
        clean_up_tokenization_spaces=False,
    )


def make_model(tokenizer: Any, seed: int, context: int) -> Any:
    """Make the model, with weights that depend on the seed alone.

    Args:
        tokenizer: As `train_tokenizer` gives it.
        seed: Decides the weights.
        context: The most positions it will be shown.

    Returns:
        A causal language model of transformers.
    """
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=HIDDEN,
        intermediate_size=INTERMEDIATE,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return LlamaForCausalLM(config)
