"""Step `normalize`: one form for characters, spaces and lines, and fenced code left alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import polars as pl
from pydantic import Field

from dataforge.core.plugin import Mapper
from dataforge.text.contents import rewrite_contents
from dataforge.text.normalize import Form, normalizer


@dataclass(frozen=True, kw_only=True)
class Normalize:
    """Writes the contents of all messages in one form: Unicode, spaces, line breaks, no invisible characters."""

    version: ClassVar[int] = 1

    form: Annotated[Form, Field(description="Unicode form: NFC, or NFKC, which also rewrites ligatures and widths")] = (
        "NFC"
    )
    mojibake: Annotated[bool, Field(description="mend text decoded with the wrong encoding (needs ftfy)")] = False

    def rewrite(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Give the rows back with their messages normalized."""
        return rewrite_contents(frame, normalizer(self.form, mojibake=self.mojibake))


STEP: type[Mapper] = Normalize
