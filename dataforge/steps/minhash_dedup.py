"""Step `minhash_dedup`: of rows that say nearly the same, one stays; each that goes was compared with it exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
import polars as pl
from pydantic import Field

from dataforge.core.corpus_filters import PairFilter, Proposed
from dataforge.core.plugin import THRESHOLD
from dataforge.core.schema import kind_of_row, no_drops
from dataforge.text.bands import Banding, choose_banding, pairs_of_bands
from dataforge.text.jaccard import jaccards
from dataforge.text.keys import digests
from dataforge.text.minhash import sketch
from dataforge.text.select import Selector, joined
from dataforge.text.survivors import (
    KEEP_DESCRIPTION,
    Keep,
    check_named,
    check_order,
    choose_survivors,
    evidence_wanted,
)


@dataclass(frozen=True, kw_only=True)
class MinhashDedup:
    """Drops rows that nearly repeat one that stays, by word n-grams: MinHash proposes pairs, exact Jaccard decides.

    Texts of fewer than twice `shingle_words` words are alike only if they are the same but for case and spaces. Test
    rows stay before validation rows, and these before training rows. Preference rows whose responses are those of
    another one with the labels swapped are not dropped but noted as findings, unless they lie on another split.
    """

    version: ClassVar[int] = 1
    reference_fields: ClassVar[tuple[str, ...]] = ("against",)
    decides_on: ClassVar[tuple[str, ...]] = ("split", "corpus", "best", "same", "characters", "pair", "flip")
    reasons: ClassVar[Mapping[str, str]] = {
        "near-duplicate": "nearly the same words as another row's",
        "flipped-pair": "the same prompt and responses as another row's, with the labels swapped",
    }

    on: Annotated[Selector, Field(description="which messages are compared")] = "row"
    shingle_words: Annotated[int, Field(description="words of a shingle (n)", ge=1, le=64)] = 5
    permutations: Annotated[int, Field(description="minima of a signature", ge=16, le=1024)] = 128
    threshold: Annotated[
        float, THRESHOLD, Field(description="rows of at least this Jaccard are near-duplicates", gt=0, le=1)
    ] = 0.8
    recall: Annotated[
        float,
        THRESHOLD,
        Field(description="share of the pairs at the threshold that must be found; bands follow from it", gt=0, lt=1),
    ] = 0.99
    keep: Annotated[Keep, THRESHOLD, Field(description=KEEP_DESCRIPTION)] = "first"
    source_order: Annotated[
        tuple[str, ...], THRESHOLD, Field(description="sources, best first; those not named come after them")
    ] = ()
    against: Annotated[
        tuple[str, ...],
        THRESHOLD,
        Field(description="earlier datasets (build folders or files): what nearly repeats a row of theirs goes too"),
    ] = ()
    action: Annotated[
        Literal["drop", "report"], THRESHOLD, Field(description="drop near-duplicates, or only note them as findings")
    ] = "drop"

    def __post_init__(self) -> None:
        check_order(self.keep, self.source_order)
        choose_banding(self.threshold, self.recall, self.permutations)

    def check_sources(self, sources: tuple[str, ...]) -> None:
        """Refuse a recipe whose sources are not the ones named here."""
        check_named(self.source_order, sources)

    def evidence_from(self) -> tuple[str, str] | None:
        """Name the step and the column of its evidence that `keep` compares."""
        return evidence_wanted(self.keep)

    @property
    def banding(self) -> Banding:
        """The bands that reach the recall at the threshold."""
        return choose_banding(self.threshold, self.recall, self.permutations)

    def promise(self) -> str:
        """Say in a sentence what will be found."""
        bands = self.banding
        lower = round(self.threshold - 0.1, 2)
        return (
            f"{bands.bands} bands of {bands.rows}: {bands.predicted_recall(self.threshold):.1%} of the pairs at Jaccard"
            f" {self.threshold:g} are found, {bands.predicted_recall(max(lower, 0)):.1%} at {max(lower, 0):g}"
        )

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give each row's signature, its length, and what tells a preference pair and its flip."""
        texts = joined(frame, self.on)
        found = sketch(texts, words=self.shingle_words, permutations=self.permutations)
        columns: dict[str, Any] = dict(zip(self._names(), found.minima, strict=True))
        pair, flip = _labels(frame)
        return pl.DataFrame(
            {
                "same": _apart(found.same, pair, flip),
                "characters": texts.str.len_chars().cast(pl.UInt32),
                "shingles": found.shingles,
                "pair": pair,
                "flip": flip,
                **columns,
            }
        )

    def _names(self) -> list[str]:
        return [f"m{place}" for place in range(self.permutations)]

    def shares(self) -> Sequence[tuple[str, ...]]:
        """Propose band by band."""
        names, rows = self._names(), self.banding.rows
        return [("same", *names[band * rows : (band + 1) * rows]) for band in range(self.banding.bands)]

    def propose(self, evidence: pl.DataFrame, share: int) -> Proposed:
        """Propose the rows whose minima agree in a band."""
        pairs, unexamined = pairs_of_bands([evidence.select(self.shares()[share][1:])], evidence["same"])
        return Proposed(pairs, unexamined)

    def verify(self, pairs: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
        """Give the exact Jaccard of each pair, and whether it is one preference pair with its labels swapped."""
        left, right = pairs["left"].to_numpy(), pairs["right"].to_numpy()
        scores = jaccards(joined(rows, self.on), left, right, words=self.shingle_words)
        flipped = np.zeros(len(left), dtype=np.bool_)
        both = _both_preference(rows, left, right)
        if both.any():
            flipped[both] = self._flipped(rows, left[both], right[both])
        return pl.DataFrame({"score": scores, "flipped": flipped})

    def _flipped(self, rows: pl.DataFrame, left: np.ndarray, right: np.ndarray) -> np.ndarray:
        texts = pl.concat([joined(rows, "chosen"), joined(rows, "rejected")])
        chosen, rejected = np.int64(0), np.int64(rows.height)

        def compare(one: np.int64, other: np.int64) -> np.ndarray:
            return jaccards(texts, left + one, right + other, words=self.shingle_words)

        crossed = np.minimum(compare(chosen, rejected), compare(rejected, chosen))
        straight = np.minimum(compare(chosen, chosen), compare(rejected, rejected))
        return (crossed >= self.threshold) & (crossed > straight)

    def decide(self, evidence: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
        """Drop what nearly repeats a row that stays; note pairs whose labels are swapped."""
        alike = pairs.filter(pl.col("score") >= self.threshold)
        split = evidence["split"]
        apart = split.gather(alike["left"]) != split.gather(alike["right"])
        near = alike.filter(~alike["flipped"] | apart)
        gone = choose_survivors(evidence, near, keep=self.keep, source_order=self.source_order)
        drops = gone.select(
            "index",
            "because_of",
            reason=pl.lit("near-duplicate"),
            value="score",
            threshold=pl.lit(self.threshold),
            stays=pl.lit(self.action == "report"),
        )
        swapped = _swapped(evidence, alike.filter(alike["flipped"] & ~apart)).filter(
            ~pl.col("index").is_in(drops["index"].implode())
        )
        return pl.concat([no_drops().drop("because_of"), drops, swapped], how="diagonal_relaxed").sort("index")


def _labels(frame: pl.DataFrame) -> tuple[pl.Series, pl.Series]:
    """Give each preference row a number of its prompt and responses in any order, and which way round they are."""
    is_pair = frame.select(kind_of_row() == "preference").to_series()
    pair = pl.repeat(None, frame.height, dtype=pl.UInt64, eager=True).alias("pair")
    flip = pl.repeat(None, frame.height, dtype=pl.Boolean, eager=True).alias("flip")
    if not is_pair.any():
        return pair, flip
    rows = frame.filter(is_pair)
    keys = {
        name: digests(rows, name, ignore_case=True, ignore_whitespace=True).fill_null(b"\0" * 16)
        for name in ("prompt", "chosen", "rejected")
    }
    number = {name: np.frombuffer(b"".join(key), dtype=np.uint64)[::2] for name, key in keys.items()}
    both = number["chosen"] + number["rejected"] + number["prompt"] * np.uint64(0x9E3779B97F4A7C15)
    places = is_pair.arg_true()
    return (
        pair.scatter(places, pl.Series(both)),
        flip.scatter(places, pl.Series(number["chosen"] > number["rejected"])),
    )


def _apart(same: np.ndarray, pair: pl.Series, flip: pl.Series) -> np.ndarray:
    """Let preference rows be the same only if their pairs are, labels included."""
    own = (pair + flip.cast(pl.UInt64)).fill_null(0).to_numpy()
    return same ^ (own * np.uint64(0xD6E8FEB86659FD93))


def _both_preference(rows: pl.DataFrame, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    is_pair = rows.select(kind_of_row() == "preference").to_series().to_numpy()
    return is_pair[left] & is_pair[right]


def _swapped(evidence: pl.DataFrame, alike: pl.DataFrame) -> pl.DataFrame:
    """Note each pair once, at its later row."""
    rows = evidence.select("pair", "flip", "split").with_row_index("index").drop_nulls("pair")
    first = rows.group_by("pair", "flip").agg(pl.col("index").min())
    other = first.with_columns(flip=~pl.col("flip"))
    exact = rows.join(other, on=["pair", "flip"], suffix="_other").select("index", because_of="index_other")
    near = alike.select(index="right", because_of="left")
    both = pl.concat([exact.filter(pl.col("because_of") < pl.col("index")), near]).sort("index", "because_of")
    return both.unique("index", keep="first", maintain_order=True).select(
        "index", "because_of", reason=pl.lit("flipped-pair"), stays=pl.lit(value=True)
    )


STEP: type[PairFilter] = MinhashDedup
