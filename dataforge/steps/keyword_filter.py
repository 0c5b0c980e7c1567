"""Step `keyword_filter`: drops, or keeps, what says one of the listed words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import polars as pl
from pydantic import Field

from dataforge.core.errors import RecipeError
from dataforge.core.plugin import THRESHOLD, Filter
from dataforge.core.schema import no_drops
from dataforge.text.keywords import check_pattern, first_match, read_words, regex_patterns, word_patterns
from dataforge.text.select import Selector, texts


@dataclass(frozen=True, kw_only=True)
class KeywordFilter:
    """Drops the rows that say one of the listed words, or keeps only those.

    Words are whole words, and capitals do not matter, unless the recipe says otherwise. Each message is searched by
    itself: a phrase that begins in one and ends in the next is not found.
    """

    version: ClassVar[int] = 1
    reasons: ClassVar[Mapping[str, str]] = {
        "keyword": "a selected message says a listed word",
        "no-keyword": "no selected message says a listed word",
    }
    path_fields: ClassVar[tuple[str, ...]] = ("word_list",)

    on: Annotated[Selector, Field(description="which messages are searched")] = "conversation"
    words: Annotated[tuple[str, ...], Field(description="words, phrases or patterns")] = ()
    word_list: Annotated[
        str | tuple[str, ...], Field(description="text files with one word a line; lines that begin with # say nothing")
    ] = ()
    regex: Annotated[bool, Field(description="the words are regular expressions (Rust syntax)")] = False
    whole_words: Annotated[
        bool, Field(description="false finds `cat` in `education` too; patterns say it themselves")
    ] = True
    ignore_case: Annotated[bool, Field(description="capitals and small letters are the same")] = True
    action: Annotated[
        Literal["drop", "keep"], THRESHOLD, Field(description="drop the rows with a match, or keep only those")
    ] = "drop"

    def __post_init__(self) -> None:
        if not self.words and not self.word_list:
            msg = "keyword_filter names no words: give words, word_list or both"
            raise ValueError(msg)
        if not all(word.strip() for word in self.words):
            msg = "one of the words is blank, and would be found everywhere: leave it out"
            raise ValueError(msg)
        for pattern in self.words if self.regex else ():
            check_pattern(pattern)

    def measure(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the first listed word that each row says, as it stands in the text."""
        words = dict.fromkeys([*self.words, *self._listed_words()])
        if self.regex:
            patterns = regex_patterns(list(words), ignore_case=self.ignore_case)
        else:
            patterns = word_patterns(list(words), whole_words=self.whole_words, ignore_case=self.ignore_case)
        return first_match(texts(frame, self.on), patterns).to_frame("matched")

    def decide(self, evidence: pl.DataFrame) -> pl.DataFrame:
        """Drop the rows with a match, or those without one."""
        numbered = evidence.with_row_index("index")
        if self.action == "drop":
            found = numbered.drop_nulls("matched").select("index", reason=pl.lit("keyword"), detail=pl.col("matched"))
        else:
            found = numbered.filter(pl.col("matched").is_null()).select("index", reason=pl.lit("no-keyword"))
        return pl.concat([no_drops(), found], how="diagonal")

    def _listed_words(self) -> list[str]:
        files = (self.word_list,) if isinstance(self.word_list, str) else self.word_list
        words: list[str] = []
        for word, where in (line for file in files for line in read_words(Path(file))):
            try:
                check_pattern(word if self.regex else "")
            except ValueError as error:
                raise RecipeError(str(error), where=where, fix="mend the pattern, or put # before it") from error
            words.append(word)
        return words


STEP: type[Filter] = KeywordFilter
