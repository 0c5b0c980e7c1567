# pyright: basic
"""The compiled loops that find and hash words, over UTF-8.

ASCII is read 64 bytes at a time: bits say where words begin and end, and a word is hashed eight characters at once.
A run that holds other characters is decoded one by one, and so are the first few bytes, which have no eight before.

The cache of machine code watches the file of the outermost loop alone: after a change here, in `minhash_bytes.py` or to
the constants of `text.shingles`, save `minhash_numba.py` anew.
"""

from __future__ import annotations

import numba
import numpy as np

from dataforge.text.minhash_bytes import eight_bytes, lowest_bit, masks_of_block, weigh_eight
from dataforge.text.shingles import ALONE, APOSTROPHE, BASE, MASK, SPACE, WORD

_ZERO, _ONE, _EIGHT, _64 = np.uint64(0), np.uint64(1), np.uint64(8), np.uint64(64)
_BASE = np.uint64(BASE)
_BASE_8 = np.uint64(pow(BASE, 8, MASK + 1))
# The last bit of a block only says whether an apostrophe before it joins.
_STEP = np.uint64(63)
_OF_STEP = np.uint64((1 << 63) - 1)
_FULL = np.uint64(MASK)
# One in each of eight bytes, and what lifts "A" and the character after "Z" to the highest bit.
_ONES, _HIGH = np.uint64(0x0101010101010101), np.uint64(0x8080808080808080)
_FROM_A, _AFTER_Z = np.uint64(0x3F3F3F3F3F3F3F3F), np.uint64(0x2525252525252525)

part = numba.njit(nogil=True, error_model="numpy")
inline = numba.njit(nogil=True, error_model="numpy", forceinline=True)


@inline
def fmix64(value):
    """Spread 64 bits (MurmurHash3)."""
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xFF51AFD7ED558CCD)
    value ^= value >> np.uint64(33)
    value *= np.uint64(0xC4CEB9FE1A85EC53)
    value ^= value >> np.uint64(33)
    return value


@inline
def _decode(data, at):
    """Give the code point that begins at a place, and how many bytes it takes."""
    lead = np.uint32(data[at])
    if lead < 0x80:
        return lead, np.uint64(1)
    tail = np.uint32(0x3F)
    second = np.uint32(data[at + _ONE]) & tail
    if lead < 0xE0:
        return ((lead & np.uint32(0x1F)) << np.uint32(6)) | second, np.uint64(2)
    third = np.uint32(data[at + np.uint64(2)]) & tail
    if lead < 0xF0:
        return ((lead & np.uint32(0x0F)) << np.uint32(12)) | (second << np.uint32(6)) | third, np.uint64(3)
    fourth = np.uint32(data[at + np.uint64(3)]) & tail
    high = ((lead & np.uint32(0x07)) << np.uint32(18)) | (second << np.uint32(12))
    return high | (third << np.uint32(6)) | fourth, np.uint64(4)


@part
def _next_word(data, at, end, kind, lower):
    """Find the next word: its hash, and the place after it; without a word the place is the end and found false."""
    while at < end:
        code, size = _decode(data, at)
        what = kind[code]
        if what == WORD:
            break
        at += size
        if what == ALONE:
            return fmix64(np.uint64(lower[code]) + _ONE), at, True
    else:
        return np.uint64(0), end, False
    total = np.uint64(0)
    while at < end:
        code, size = _decode(data, at)
        what = kind[code]
        if what == APOSTROPHE and at + size < end:
            following, _ = _decode(data, at + size)
            what = kind[following]
            if what != WORD:
                break
        elif what != WORD:
            break
        total = total * _BASE + np.uint64(lower[code]) + _ONE
        at += size
    return fmix64(total), at, True


@part
def hash_folded(data, at, end, kind, lower):
    """Hash a text as a whole: in lower case, runs of white space as one space, none at the ends."""
    total = np.uint64(0)
    is_pending = False
    is_first = True
    while at < end:
        code, size = _decode(data, at)
        at += size
        if kind[code] == SPACE:
            is_pending = not is_first
            continue
        if is_pending:
            total = total * _BASE + np.uint64(33)
            is_pending = False
        is_first = False
        total = total * _BASE + np.uint64(lower[code]) + _ONE
    return fmix64(total)


@inline
def _weigh(eight, counted):
    """Fold eight ASCII characters, and sum them as a hash does; those that do not count are 0 in both."""
    is_upper = (eight + _FROM_A) & ~(eight + _AFTER_Z) & _HIGH
    return weigh_eight((eight | (is_upper >> np.uint64(2))) + (_ONES & counted))


@inline
def _hash_ascii(data, begin, end):
    """Hash a word of ASCII from its end on; the eight bytes before any place of it can be loaded."""
    left = end - begin
    # The bytes before the word count nothing.
    counted = _FULL << ((_64 - (left << np.uint64(3))) & _STEP)
    if left <= _EIGHT:
        return fmix64(_weigh(eight_bytes(data, end - _EIGHT) & counted, counted))
    total, power = _weigh(eight_bytes(data, end - _EIGHT), _FULL), _BASE_8
    end -= _EIGHT
    while end - begin > _EIGHT:
        total += power * _weigh(eight_bytes(data, end - _EIGHT), _FULL)
        power *= _BASE_8
        end -= _EIGHT
    return fmix64(total + power * _weigh(eight_bytes(data, end - _EIGHT) & counted, counted))


@inline
def _masks(data, at, stop, tail):
    """Look at 64 bytes of a text, as `masks_of_block` does; what lies beyond the end of the text has no bits."""
    if at + _64 <= np.uint64(len(data)):
        word, apostrophe, beyond = masks_of_block(data, at)
    else:
        for place in range(64):
            tail[place] = data[at + np.uint64(place)] if at + np.uint64(place) < stop else np.uint8(0)
        word, apostrophe, beyond = masks_of_block(tail, _ZERO)
    if stop - at < _64:
        inside = (_ONE << (stop - at)) - _ONE
        word, apostrophe, beyond = word & inside, apostrophe & inside, beyond & inside
    return word, apostrophe, beyond & _OF_STEP


@part
def _one_by_one(data, at, limit, stop, kind, lower, hashes, used):
    """Hash words that begin before the limit, character by character; give the place after them, and the count."""
    while at < limit:
        value, at, is_there = _next_word(data, at, stop, kind, lower)
        if is_there:
            hashes[used] = value
            used += _ONE
    return at, used


@part
def words_of(data, at, stop, kind, lower, hashes, used, tail):
    """Hash the words of a text to the places of `hashes` from `used` on; give the place after the last."""
    if at < _EIGHT:
        at, used = _one_by_one(data, at, min(_EIGHT, stop), stop, kind, lower, hashes, used)
    begin, carry = at, _ZERO
    while at < stop or carry:
        word, apostrophe, beyond = _masks(data, at, stop, tail)
        word = (word | (apostrophe & ((word << _ONE) | carry) & (word >> _ONE))) & _OF_STEP
        before = (word << _ONE) | carry
        begins, ends = word & ~before, before & ~word & _OF_STEP
        if not carry:
            begin = at + lowest_bit(begins)
            begins &= begins - _ONE
        carry = word >> (_STEP - _ONE)
        limit = _ZERO
        while ends:
            end = ends & (~ends + _ONE)
            if beyond & (end - _ONE):
                limit = at + lowest_bit(ends)
                break
            hashes[used] = _hash_ascii(data, begin, at + lowest_bit(ends))
            used += _ONE
            ends ^= end
            begin = at + lowest_bit(begins)
            begins &= begins - _ONE
        else:
            if beyond:
                limit = at + _STEP
        if limit:
            at, used = _one_by_one(data, begin, min(limit, stop), stop, kind, lower, hashes, used)
            begin, carry = at, _ZERO
        else:
            at += _STEP
    return used
