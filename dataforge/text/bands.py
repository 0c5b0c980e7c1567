"""Bands of a MinHash signature: how many there must be to find the pairs that are meant, and what they will find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

# A key that this many rows share names a cluster; within a bigger one each row is compared with its first few alone.
_ALL_PAIRS_UP_TO = 32
_LEADERS = 16


@dataclass(frozen=True, slots=True)
class Banding:
    """A signature cut into bands; two rows are compared if all minima of one band are equal.

    Args:
        bands: How many.
        rows: Minima in each.
    """

    bands: int
    rows: int

    def predicted_recall(self, jaccard: float) -> float:
        """Give the chance that a pair of this Jaccard is found: 1 - (1 - s^r)^b (Leskovec et al., 3.4.2)."""
        return 1.0 - (1.0 - jaccard**self.rows) ** self.bands


def choose_banding(threshold: float, recall: float, permutations: int) -> Banding:
    """Choose the bands that compare the fewest pairs and still find enough of those at the threshold.

    Args:
        threshold: Jaccard of the pairs that must be found, above 0, at most 1.
        recall: The share of them that must be found, below 1.
        permutations: Minima of a signature; bands use as many of them as they can.

    Returns:
        The longest bands that reach the recall.

    Raises:
        ValueError: Not even bands of one minimum reach it; the message says how many permutations would.
    """
    for rows in range(permutations, 0, -1):
        banding = Banding(permutations // rows, rows)
        if banding.predicted_recall(threshold) >= recall:
            return banding
    needed = int(np.ceil(np.log1p(-recall) / np.log1p(-threshold)))
    found = Banding(permutations, 1).predicted_recall(threshold)
    msg = (
        f"{permutations} permutations find {found:.1%} of the pairs at Jaccard {threshold}, not {recall:.1%}:"
        f" take permutations = {needed}, a higher threshold or a lower recall"
    )
    raise ValueError(msg)


def pairs_of_bands(bands: list[pl.DataFrame], same: pl.Series) -> tuple[pl.DataFrame, int]:
    """Pair the rows that agree in a band.

    Args:
        bands: For each band its columns of minima, a line a row of the corpus.
        same: Of each row a number that only rows with the same words share; of these the first stands for all.

    Returns:
        Pairs `left` < `right` of row numbers, sorted, each once; and how many were left out in crowded keys.
    """
    first = same.is_first_distinct()
    rows = first.arg_true().cast(pl.UInt32)
    found: list[np.ndarray] = []
    left_out = 0
    for band in bands:
        keys = _keys(band).filter(first)
        crowded = keys.is_duplicated()
        pairs, skipped = _pairs_of_keys(keys.filter(crowded).to_numpy(), rows.filter(crowded).to_numpy())
        found.append(pairs)
        left_out += skipped
    packed = np.unique(np.concatenate(found)) if found else np.empty(0, dtype=np.uint64)
    return pl.DataFrame(
        {"left": (packed >> np.uint64(32)).astype(np.uint32), "right": (packed & _LOW).astype(np.uint32)}
    ), left_out


_LOW = np.uint64(0xFFFFFFFF)
_MIX = np.uint64(0x9E3779B97F4A7C15)


def _keys(band: pl.DataFrame) -> pl.Series:
    """Make one number of a band's minima; that two bands rarely share one by chance costs a comparison, no more."""
    key = np.zeros(band.height, dtype=np.uint64)
    for column in band.iter_columns():
        key ^= column.to_numpy()
        key *= _MIX
        key ^= key >> np.uint64(29)
    return pl.Series("key", key)


def _pairs_of_keys(keys: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, int]:
    """Pair the rows that share a key; pairs are packed into one number, the lower row in its upper half."""
    order = np.argsort(keys, kind="stable")
    keys, rows = keys[order], rows[order].astype(np.uint64)
    begins = np.flatnonzero(np.diff(keys, prepend=keys[:1] ^ np.uint64(1))) if len(keys) else np.empty(0, np.int64)
    sizes = np.diff(begins, append=len(keys))
    place = np.arange(len(keys)) - np.repeat(begins, sizes)
    size = np.repeat(sizes, sizes)
    # Each row is paired with those before it in its key: with all of them, or with the first few of a crowd.
    partners = np.where(size <= _ALL_PAIRS_UP_TO, place, np.minimum(place, _LEADERS))
    right = np.repeat(rows, partners)
    nth = np.arange(len(right)) - np.repeat(np.cumsum(partners) - partners, partners)
    left = rows[np.repeat(np.arange(len(keys)) - place, partners) + nth]
    return (left << np.uint64(32)) | right, int((place - partners).sum())
