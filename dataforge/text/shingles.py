"""What a shingle is: a run of n folded words, and its 64-bit hash; the one definition that both kernels follow.

Words are those of `text.words`, in lower case. A text of at least 2n words has its word n-grams as shingles. A
shorter one has a single shingle, the whole text in lower case with runs of white space as one space: two different
short texts have nothing in common ("C" and "C++"), and two equal ones everything.

    hash of a run of characters c1 … ck   mix(sum of (ci + 1) · BASE^(k-i))
    hash of a run of words w1 … wk        mix(sum of wi · CHAIN^(k-i) + k)
    mix                                   the finalizer of MurmurHash3, 64 bits

all modulo 2^64, the characters as code points. MinHash is fed the upper 32 bits of a shingle's hash, exact Jaccard all.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from dataforge.text.words import UNSPACED

BASE = 0x9E3779B97F4A7C15
CHAIN = 0xD6E8FEB86659FD93
MASK = (1 << 64) - 1

OTHER, WORD, ALONE, SPACE, APOSTROPHE = range(5)

# Beyond these code points nothing is assigned but private use; the tables need not look there.
_ASSIGNED = (range(0xD800), range(0xE000, 0x32400), range(0xE0000, 0xE1000))


@dataclass(frozen=True, slots=True)
class Characters:
    """What each code point is.

    Args:
        kind: OTHER, WORD, ALONE (a word of its own), SPACE or APOSTROPHE, by code point, uint8.
        lower: Its lower case, if that is one code point, else itself; uint32.
    """

    kind: np.ndarray[Any, np.dtype[np.uint8]]
    lower: np.ndarray[Any, np.dtype[np.uint32]]


@functools.cache
def characters() -> Characters:
    """Look every code point up with the very expressions that count words."""
    codes = np.concatenate([np.arange(part.start, part.stop, dtype=np.uint32) for part in _ASSIGNED])
    each = pl.Series("c", [chr(code) for code in codes.tolist()])
    looked_up = pl.DataFrame({"c": each}).select(
        word=pl.col("c").str.contains(r"^\w$"),
        alone=pl.col("c").str.contains(rf"^[{UNSPACED}]$"),
        space=pl.col("c").str.contains(r"^\s$"),
        lower=pl.col("c").str.to_lowercase(),
    )
    kind = np.zeros(0x110000, dtype=np.uint8)
    lower = np.arange(0x110000, dtype=np.uint32)
    kind[codes[looked_up["space"].to_numpy()]] = SPACE
    kind[codes[looked_up["word"].to_numpy()]] = WORD
    kind[codes[looked_up["alone"].to_numpy()]] = ALONE
    kind[[0x27, 0x2019]] = APOSTROPHE
    lowered = looked_up["lower"]
    changes = ((lowered != each) & (lowered.str.len_chars() == 1)).to_numpy()
    lower[codes[changes]] = [ord(text) for text in lowered.filter(pl.Series(changes)).to_list()]
    return Characters(kind, lower)


def mix(value: int) -> int:
    """Spread 64 bits (fmix64 of MurmurHash3)."""
    value ^= value >> 33
    value = value * 0xFF51AFD7ED558CCD & MASK
    value ^= value >> 33
    value = value * 0xC4CEB9FE1A85EC53 & MASK
    return value ^ value >> 33


def hash_of_characters(text: str) -> int:
    """Hash a run of characters, a folded word or a whole short text, to 64 bits."""
    total = 0
    for character in text:
        total = (total * BASE + ord(character) + 1) & MASK
    return mix(total)


def hash_of_words(words: list[str]) -> int:
    """Hash a run of folded words to 64 bits."""
    total = 0
    for word in words:
        total = (total * CHAIN + hash_of_characters(word)) & MASK
    return mix((total + len(words)) & MASK)


def shingle_hashes(text: str, words: int) -> list[int]:
    """Give the hashes of a text's shingles, in order, with repeats; plainly, for tests and for other tools.

    Args:
        text: Any text.
        words: Words of a shingle, n.

    Returns:
        64-bit hashes; `hash >> 32` is what MinHash is fed.
    """
    found = folded_words(text)
    if len(found) < 2 * words:
        return [hash_of_characters(folded_text(text))]
    return [hash_of_words(found[place : place + words]) for place in range(len(found) - words + 1)]


def folded_words(text: str) -> list[str]:
    """Split a text into its words, in lower case."""
    table = characters()
    kinds = [int(table.kind[ord(character)]) for character in text]
    words: list[str] = []
    running = False
    for place, character in enumerate(text):
        kind = kinds[place]
        if kind == APOSTROPHE and running and place + 1 < len(text) and kinds[place + 1] == WORD:
            kind = WORD
        folded = chr(table.lower[ord(character)])
        if kind == WORD and running:
            words[-1] += folded
        elif kind in {WORD, ALONE}:
            words.append(folded)
        running = kind == WORD
    return words


def folded_text(text: str) -> str:
    """Write a text in lower case, with single spaces."""
    table = characters()
    spaced = "".join(" " if table.kind[ord(each)] == SPACE else chr(table.lower[ord(each)]) for each in text)
    return re.sub(" +", " ", spaced).strip(" ")
