"""A sample of the distinct texts of a corpus, taken part by part: the texts with the smallest hashes.

Such a sample counts each text once however often it stands in the corpus, is the same in whatever order the parts come,
and is bounded (a "k minimum values" sketch: Beyer et al. 2007).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

import polars as pl

SAMPLE: dict[str, Any] = {"key": pl.UInt64, "below": pl.UInt64, "text": pl.String}

# Of a longer text the beginning is kept: one text must not be the sample.
_MAX_CHARACTERS = 1 << 15
_ALL = (1 << 64) - 1


def sample_texts(texts: pl.Series, size: int) -> pl.DataFrame:
    """Take the sample of a part.

    Args:
        texts: Strings; equal ones count once, empty ones and nulls do not count.
        size: How many texts to take at most.

    Returns:
        Schema `SAMPLE`, by rising key: the texts whose key is at most `below`, which is the same in all lines.
    """
    known = texts.drop_nulls().unique(maintain_order=True)
    known = known.filter(known != "")
    keys = [int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big") for text in known]
    taken = pl.DataFrame({"key": keys, "text": known}, schema={"key": pl.UInt64, "text": pl.String})
    taken = taken.bottom_k(size, by="key").sort("key")
    below = taken["key"].last() if len(known) > size else _ALL
    return taken.select("key", pl.lit(below, pl.UInt64).alias("below"), pl.col("text").str.slice(0, _MAX_CHARACTERS))


def merged(samples: list[pl.DataFrame], size: int) -> pl.DataFrame:
    """Make one sample of those of several parts.

    Args:
        samples: Schema `SAMPLE` each; none at all is no sample.
        size: How many texts to take at most.

    Returns:
        A sample of all parts together.
    """
    together = pl.concat([pl.DataFrame(schema=SAMPLE), *samples])
    # Above the least of the bounds, some part has texts that it did not hand out.
    together = together.filter(pl.col("key") <= pl.col("below").min()).unique("key", maintain_order=True).sort("key")
    if together.height <= size:
        return together.with_columns(pl.col("below").min())
    taken = together.head(size)
    return taken.with_columns(below=pl.lit(taken["key"].last(), pl.UInt64))
