"""Who wrote what: the attribution that goes with a build."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import polars as pl

from dataforge.store.published import TableFile
from dataforge.store.shards import to_arrow

# More works than this stand in ledger/attribution.parquet alone.
MAX_WORKS_IN_TEXT = 5_000


class Attribution:
    """Collects who wrote what, one frame at a time.

    Args:
        path: The Parquet file that takes every line.
    """

    def __init__(self, path: Path) -> None:
        self.file = TableFile(path)
        self._works: dict[tuple[str | None, str | None, str | None], None] = {}
        self._is_cut = False

    def add(self, frame: pl.DataFrame) -> None:
        """Note the prompt's author and each response's, where the source names them."""
        origin = pl.col("origin").struct
        asked = frame.select(
            "row_id", author=origin.field("author"), url=origin.field("url"), license=pl.col("license")
        )
        response = pl.col("responses").struct
        answered = (
            frame.select("row_id", "responses")
            .explode("responses")
            .select(
                "row_id",
                author=response.field("author"),
                url=response.field("url"),
                license=response.field("license"),
            )
        )
        named = pl.concat([asked, answered]).filter(pl.col("author").is_not_null() | pl.col("url").is_not_null())
        self.file.write(to_arrow(named))
        for work in named.select("url", "author", "license").iter_rows():
            if len(self._works) < MAX_WORKS_IN_TEXT:
                self._works[work] = None
            else:
                self._is_cut |= work not in self._works

    def close(self, licenses: dict[str, int]) -> str:
        """End the file, and write ATTRIBUTION.md: licences, then one line for each work that is used.

        Args:
            licenses: Rows by licence.

        Returns:
            The text.
        """
        self.file.close()
        lines = ["# Attribution", "", "Rows of this dataset stand under these licences:", ""]
        lines += [f"- {name}: {count:,} rows" for name, count in Counter(licenses).most_common()]
        if self._works:
            rest = ", all others in `ledger/attribution.parquet`" if self._is_cut else ""
            lines += ["", f"They use these works, whose authors or addresses are known{rest}:", ""]
            lines += [f"- {_one_line(', '.join(part for part in work if part))}" for work in self._works]
        return "\n".join([*lines, ""])


def _one_line(text: str) -> str:
    return " ".join(text.split())
