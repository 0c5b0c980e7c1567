"""Step `decontaminate`: training rows that repeat an evaluation set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import polars as pl
from pydantic import Field

from dataforge.core.corpus_filters import FittedFilter
from dataforge.core.plugin import THRESHOLD
from dataforge.core.schema import no_drops
from dataforge.text.overlap import covered_words, spans_of
from dataforge.text.overlap_index import Sizes, index_of
from dataforge.text.overlap_sample import SAMPLE, merged, sample_texts
from dataforge.text.overlap_words import comparable
from dataforge.text.select import Selector, each_message

# Enough to tell 1 text in 1,000 from 1 in 2,000; a part gives a tenth, so that it is stored for little.
_SAMPLE_TEXTS = 20_000
_SAMPLE_TEXTS_OF_PART = 2_000

_TEXT: dict[str, Any] = {
    "row_id": pl.String,
    "is_own": pl.Boolean,
    "of": pl.String,
    "may_be_short": pl.Boolean,
    "may_be_whole": pl.Boolean,
}
_COLLECTED: dict[str, Any] = {**_TEXT, **SAMPLE}

_HIT = pl.Struct(
    {
        "row_ids": pl.List(pl.String),
        "is_own": pl.Boolean,
        "of": pl.String,
        "role": pl.String,
        "share": pl.Float64,
        "covered": pl.UInt32,
        "words": pl.UInt32,
        "of_words": pl.UInt32,
        "shown": pl.String,
    }
)
_EVIDENCE: dict[str, Any] = {"share": pl.Float64, "words": pl.UInt32, "hits": pl.List(_HIT)}


@dataclass(frozen=True, kw_only=True)
class Decontaminate:
    """Drops or reports training rows that repeat texts of the recipe's own evaluation sets, or of files.

    Texts are compared word by word, without case and punctuation. The prompts and answers of the evaluation set count,
    its system messages do not. What stands in many different texts is no evidence: phrases, templates, licences. Such
    n-grams are counted among the evaluation texts and in a sample of the training texts, each different text once.
    Prompts are found however short they are; answers of a few words are everybody's.
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Mapping[str, str]] = {
        "eval-overlap": "a message repeats a text of the recipe's own evaluation set",
        "reference-overlap": "a message repeats a text of a file named in against",
    }
    reference_fields: ClassVar[tuple[str, ...]] = ("against",)

    against: Annotated[
        str | tuple[str, ...], Field(description="files or build folders that training rows may not repeat")
    ] = ()
    splits: Annotated[
        tuple[Literal["validation", "test"], ...], Field(description="the recipe's own splits that they may not repeat")
    ] = ("validation", "test")
    on: Annotated[Selector, Field(description="which messages of the training rows are searched")] = "row"
    words: Annotated[int, Field(description="words of an n-gram that must be the same in a row", ge=1)] = 13
    short_words: Annotated[
        int,
        Field(description="words of an n-gram for shorter prompts; still shorter ones must be the same whole", ge=1),
    ] = 8
    max_document_frequency: Annotated[
        float,
        Field(description="an n-gram in a larger share of the different texts (and more than 10) is none", ge=0, le=1),
    ] = 0.001
    span_words: Annotated[
        int, THRESHOLD, Field(description="so many words in a row are enough, however long the text", ge=1)
    ] = 50
    min_share: Annotated[
        float, THRESHOLD, Field(description="or this share of the words of an evaluation text that tell", gt=0, le=1)
    ] = 0.5
    answer_words: Annotated[
        int, THRESHOLD, Field(description="of an answer so many words at least; shorter ones are everybody's", ge=1)
    ] = 30
    action: Annotated[
        Literal["drop", "report"],
        THRESHOLD,
        Field(description="drop the training row, or keep it and report what was found"),
    ] = "drop"

    def __post_init__(self) -> None:
        if self.short_words > self.words:
            msg = f"short_words ({self.short_words}) is above words ({self.words}): swap them, or make them equal"
            raise ValueError(msg)
        if not self.splits and not self.against:
            msg = "decontaminate has nothing to compare with: name files in against, or splits"
            raise ValueError(msg)

    def collect(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Take the texts of evaluation rows, and a sample of the training texts."""
        evaluation = frame.filter(pl.col("split").is_in([*self.splits, "reference"]))
        training = _messages(frame.filter(pl.col("split") == "train"), self.on)
        sample = sample_texts(comparable(training["text"]), _SAMPLE_TEXTS_OF_PART)
        return pl.concat([pl.DataFrame(schema=_COLLECTED), _reference_texts(evaluation), sample], how="diagonal")

    def fit(self, collected: Iterator[pl.DataFrame]) -> pl.DataFrame:
        """Index the n-grams of the evaluation texts that are evidence."""
        found, sample = [pl.DataFrame(schema=_COLLECTED)], pl.DataFrame(schema=SAMPLE)
        for frame in collected:
            is_reference = pl.col("row_id").is_not_null()
            found.append(frame.filter(is_reference))
            sample = merged([sample, frame.filter(~is_reference).select(*SAMPLE)], _SAMPLE_TEXTS)
        # Own rows first: a text that stands in both is theirs.
        every = pl.concat(found).select(*_TEXT, "text").sort("is_own", descending=True, maintain_order=True)
        texts = every.group_by("text", maintain_order=True).agg(
            pl.col("row_id").unique(maintain_order=True).alias("row_ids"),
            pl.col("is_own", "of").first(),
            pl.col("may_be_short", "may_be_whole").any(),
        )
        sizes = Sizes(self.words, self.short_words)
        index = index_of(texts, sample["text"], sizes, self.max_document_frequency)
        known = texts.select("text", "row_ids", "is_own", "of").with_row_index("line")
        # Lines are counted anew: references that cannot be found are not kept.
        return index.join(known, on="line", how="left", maintain_order="left").with_columns(
            line=pl.int_range(pl.len(), dtype=pl.UInt32)
        )

    def measure(self, frame: pl.DataFrame, fitted: pl.DataFrame) -> pl.DataFrame:
        """Give what each training row repeats: the longest span in words, the largest share, and all texts it is of."""
        messages = _messages(frame.with_row_index("row").filter(pl.col("split") == "train"), self.on)
        spans = spans_of(comparable(messages["text"]), fitted["text"], fitted.drop("text"))
        where = messages.with_row_index("text_number").select(text="text_number", row="row", role="role")
        found = covered_words(spans.join(where, on="text", maintain_order="left"), ["row", "line", "role"])
        known = fitted.select("line", "row_ids", "is_own", "of", "evidence_words", of_words="words")
        hits = found.join(known, on="line", maintain_order="left").with_columns(
            share=pl.min_horizontal(pl.col("covered") / pl.col("evidence_words"), 1.0)
        )
        hits = hits.sort("row", -pl.col("share"), -pl.col("words").cast(pl.Int64), "line", "role")
        by_row = hits.group_by("row", maintain_order=True).agg(
            pl.col("share").max(), pl.col("words").max(), pl.struct([field.name for field in _HIT.fields]).alias("hits")
        )
        every = frame.select(pl.int_range(pl.len(), dtype=pl.UInt32).alias("row"), "split")
        return (
            every.join(by_row, on="row", how="left", maintain_order="left")
            .select(*_EVIDENCE)
            .cast(pl.Schema(_EVIDENCE))
        )

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Drop the rows with a hit because of the best one, or report them."""
        best = self._hits(evidence).unique("index", keep="first", maintain_order=True)
        hit = pl.col("hits").struct
        is_share = hit.field("share") >= self.min_share
        found = best.select(
            "index",
            reason=pl.when(hit.field("is_own")).then(pl.lit("eval-overlap")).otherwise(pl.lit("reference-overlap")),
            value=pl.when(is_share).then(hit.field("share")).otherwise(hit.field("words").cast(pl.Float64)),
            threshold=pl.when(is_share).then(self.min_share).otherwise(float(self.span_words)),
            detail=_told(hit),
            because_of=hit.field("row_ids").list.first(),
        )
        drops = pl.concat([no_drops(), found], how="diagonal")
        return drops if self.action == "drop" else drops.with_columns(stays=pl.lit(value=True))

    def contaminated(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Name every evaluation row that is repeated; `decide` names the best hit of each training row alone.

        Args:
            evidence: What `measure` gave, of all parts or of one.

        Returns:
            A line for each pair, in order: `row_id` of the evaluation row, `index` of the line of evidence, `of` (whose
            message is repeated: user, assistant, tool, text), `role` (in whose message), `share` and `words`.
        """
        hit = pl.col("hits").struct
        fields = [hit.field(name) for name in ("of", "role", "share", "words")]
        pairs = self._hits(evidence).select("index", *fields, row_id=hit.field("row_ids"))
        return pairs.explode("row_id", empty_as_null=False).select("row_id", "index", "of", "role", "share", "words")

    def _hits(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Give the hits that pass the thresholds, one a line; those of a row stand the best first."""
        hits = evidence.with_row_index("index").select("index", "hits").drop_nulls()
        hit = pl.col("hits").struct
        is_enough = (hit.field("share") >= self.min_share) | (hit.field("words") >= self.span_words)
        is_prompt = hit.field("of").is_in(["user", "text"])
        is_long = hit.field("covered") >= self.answer_words
        return hits.explode("hits", empty_as_null=False).filter(is_enough & (is_prompt | is_long))


def _messages(frame: pl.DataFrame, selector: str) -> pl.DataFrame:
    """Give each message that is meant: its text and its role, with the columns `row` and `row_id` where there are."""
    message = pl.element().struct
    lists = frame.select(pl.col("row", "row_id") if "row" in frame.columns else pl.col("row_id")).with_columns(
        text=each_message(frame, selector, message.field("content").fill_null("")),
        role=each_message(frame, selector, message.field("role")),
    )
    return lists.explode("text", "role", empty_as_null=False)


def _reference_texts(rows: pl.DataFrame) -> pl.DataFrame:
    messages = _messages(rows.with_row_index("row"), "row").filter(pl.col("role") != "system")
    is_user = pl.col("role") == "user"
    # Where nobody asks, the text itself is what is evaluated.
    is_question = is_user | ~is_user.any().over("row")
    own = rows.select("row_id", is_own=pl.col("split") != "reference")
    of = pl.when(is_question & ~is_user).then(pl.lit("text")).otherwise("role")
    texts = messages.with_columns(may_be_short=is_question, of=of, text=comparable(messages["text"]))
    texts = texts.with_columns(may_be_whole=is_question & (is_question.sum().over("row") == 1))
    return texts.join(own, on="row_id", maintain_order="left").select(*_TEXT, "text")


def _told(hit: Any) -> pl.Expr:
    return pl.format(
        '{} has {} of {} words of {}, {} in a row: "{}"',
        _named(hit.field("role")),
        hit.field("covered"),
        hit.field("of_words"),
        _named(hit.field("of")),
        hit.field("words"),
        hit.field("shown"),
    )


def _named(role: pl.Expr) -> pl.Expr:
    article = pl.when(role == "assistant").then(pl.lit("an ")).otherwise(pl.lit("a "))
    return pl.concat_str(article, role, pl.when(role == "text").then(pl.lit("")).otherwise(pl.lit(" message")))


STEP: type[FittedFilter] = Decontaminate
