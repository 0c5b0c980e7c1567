# pyright: basic
"""The build of benchmarks/build.py as datatrove does it: run by that script, in an environment with datatrove.

Nearest parts: JSON lines in, NFC and trimmed blanks, exact dedup over the whole text, a length filter, Parquet out.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup.exact_dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
)
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.formatters.base import BaseFormatter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import ParquetWriter


class Normalize(BaseFormatter):
    """NFC, one kind of line end, no blanks at line ends: less than forge's `normalize` does."""

    name = "normalize"

    def format(self, text: str) -> str:
        """Rewrite one text."""
        lines = unicodedata.normalize("NFC", text).replace("\r\n", "\n").split("\n")
        return "\n".join(line.rstrip() for line in lines).strip()


def content(document: Document) -> bytes:
    """Give what is compared."""
    return document.text.encode("utf-8", "surrogatepass")


def has_good_length(document: Document) -> bool:
    """Keep what the recipe's length filter keeps."""
    return 20 <= len(document.text) <= 100_000


def main() -> None:
    """Run the three passes of datatrove's exact dedup, one task each."""
    lines, out = sys.argv[1], Path(sys.argv[2])
    config = ExactDedupConfig(content_getter=content)
    passes = [
        [JsonlReader(lines), Normalize(), ExactDedupSignature(str(out / "signatures"), config)],
        [ExactFindDedups(str(out / "signatures"), str(out / "duplicates"), config)],
        [
            JsonlReader(lines),
            Normalize(),
            ExactDedupFilter(str(out / "duplicates"), config),
            LambdaFilter(has_good_length),
            ParquetWriter(str(out / "shards"), compression="zstd"),
        ],
    ]
    for number, steps in enumerate(passes):
        LocalPipelineExecutor(steps, tasks=1, workers=1, logging_dir=str(out / "logs" / str(number))).run()


if __name__ == "__main__":
    main()
