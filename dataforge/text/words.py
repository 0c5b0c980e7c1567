"""What a word is: a run of letters, digits and marks; in scripts that put no spaces, each character."""

from __future__ import annotations

import polars as pl

# Chinese and Japanese, Thai, Lao, Khmer, Burmese: their writers put no space between words.
UNSPACED = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"

# An apostrophe between letters belongs to its word: "don't" is one.
WORD = rf"[{UNSPACED}]|[\w--[{UNSPACED}]]+(?:['’][\w--[{UNSPACED}]]+)*"


def count_words(texts: pl.Series) -> pl.Series:
    """Count the words of each text."""
    return texts.str.count_matches(WORD)
