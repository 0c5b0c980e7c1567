"""`forge lint`: reads a file under the policy `repair`, stores nothing, and says what is wrong with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dataforge.core.codes import Code
from dataforge.core.errors import DataError, Where
from dataforge.core.plugin import Batch, RawFile
from dataforge.lint.codes import DATA_CODE, SEVERITIES, Finding
from dataforge.lint.open_source import guess_source, open_source
from dataforge.lint.rows import Counts, row_keys
from dataforge.lint.sniff import Guess
from dataforge.lint.tally import Tally


@dataclass(slots=True)
class FileReport:
    """What was found in one file.

    Args:
        path: The file, as it was named.
        guess: The source that read it.
        bytes: The size of all records, unpacked.
        records: Raw records.
        usable: Records that a build would use.
        rejected: Records that a build would reject for a fault.
        left_out: Sound records that the source has no use for.
        repaired: Usable records that had to be repaired.
        shares_lines: True where several records stand in one line, so that a line is no place.
        counts: What was counted over the rows.
        findings: What is wrong, the worst first.
    """

    path: str
    guess: Guess
    bytes: int = 0
    records: int = 0
    usable: int = 0
    rejected: int = 0
    left_out: int = 0
    repaired: int = 0
    shares_lines: bool = False
    counts: Counts = field(default_factory=Counts)
    findings: list[Finding] = field(default_factory=list[Finding])

    @property
    def has_errors(self) -> bool:
        """Say whether anything is wrong that is more than a warning."""
        return any(finding.severity == "error" for finding in self.findings)


class Linter:
    """Reads one file after the other; remembers keys of all rows, so that copies are found across files.

    Args:
        examples: How many places to keep for each finding.
        watch: Is told, after each batch of a file, how many bytes of it were read.
    """

    def __init__(self, examples: int = 3, watch: Callable[[int], None] | None = None) -> None:
        self._examples = examples
        self._watch = watch
        self._seen: list[pl.DataFrame] = []
        self._paths: list[str] = []
        self._records = 0

    def lint(self, path: Path, asked: str | None = None) -> FileReport:
        """Say what is wrong with a file.

        Args:
            path: The file.
            asked: The source to read it with; None to find out.

        Returns:
            Counts and findings of this file, compared with the files before it.

        Raises:
            RecipeError: There is no such file or source.
            DataError: The file is of no shape that a source reads.
        """
        guess = guess_source(path, asked)
        source = open_source(guess)
        report = FileReport(str(path), guess)
        tally = Tally(str(path), self._examples)
        keys: list[pl.DataFrame] = []
        for batch in source.read(RawFile(path, str(path), guess.use)):
            _count(batch, report, source.codes)
            tally.add_records(batch)
            if batch.drafts.height:
                report.counts.add(batch.drafts)
                tally.add_rows(batch)
                keys.append(self._keys_of(batch))
            self._records += batch.records.height
            if self._watch is not None:
                self._watch(report.bytes)
        if not report.records:
            raise DataError("no record was found", where=Where(path), fix="name a file with records")
        self._paths.append(str(path))
        self._compare(keys, tally)
        report.findings = _sorted([*tally.findings(source.codes), *_of_file(report.counts)])
        return report

    def _keys_of(self, batch: Batch) -> pl.DataFrame:
        record = batch.drafts["record"]
        places = batch.records.select("line", "byte")[record]
        where = pl.DataFrame({"record": record.cast(pl.UInt64) + self._records}).hstack(places)
        return row_keys(batch.drafts).hstack(where).with_columns(file=pl.lit(len(self._paths), pl.UInt32))

    def _compare(self, keys: list[pl.DataFrame], tally: Tally) -> None:
        """Find the rows of the last file that repeat, or contradict, earlier ones."""
        self._seen += keys
        if not keys:
            return
        rows = pl.concat(self._seen).with_row_index("place")
        has_pair = pl.col("chosen_key").is_not_null() & pl.col("rejected_key").is_not_null()
        sides = ("chosen_key", "rejected_key")
        pairs = rows.filter(has_pair).select(
            "place",
            same_pair=pl.col("place").first().over(pl.min_horizontal(sides), pl.max_horizontal(sides), "prompt_key"),
            way=pl.col("chosen_key") < pl.col("rejected_key"),
        )
        first_way = pairs.select(same_pair="place", first_way="way")
        compared = rows.with_columns(same_row=_first_of("row_key"), same_prompt=_first_of("prompt_key")).filter(
            pl.col("file") == len(self._paths) - 1
        )
        compared = compared.join(pairs, on="place", how="left", maintain_order="left")
        compared = compared.join(first_way, on="same_pair", how="left", maintain_order="left")
        is_copy = (pl.col("same_row") != pl.col("place")).fill_null(value=False)
        is_flipped = (pl.col("way") != pl.col("first_way")).fill_null(value=False)
        checks = (
            ("duplicate-record", is_copy, "same_row"),
            ("flipped-pair", is_flipped, "same_pair"),
            ("shared-prompt", ~is_copy & ~is_flipped & (pl.col("same_prompt") != pl.col("place")), "same_prompt"),
        )
        for code, holds, earlier in checks:
            found = compared.filter(holds)
            # Rows of one record, as of a tree of messages, may well share a prompt.
            found = found.filter(rows["record"].gather(found[earlier]) != found["record"])
            found = found.unique("record", maintain_order=True)
            tally.add_places(code, found, [self._named(rows, place) for place in found[earlier].head(self._examples)])

    def _named(self, rows: pl.DataFrame, place: int) -> str:
        row = rows.row(place, named=True)
        path = self._paths[int(row["file"])]
        return f"{path}:{row['line']}" if row["line"] else path


def _first_of(key: str) -> pl.Expr:
    return pl.when(pl.col(key).is_not_null()).then(pl.col("place").first().over(key))


def _count(batch: Batch, report: FileReport, codes: Sequence[Code]) -> None:
    faults = [code.name for code in codes if code.is_fault]
    rejected = batch.records.filter(pl.col("fate") == "rejected")
    at_fault = int(rejected["code"].is_in(faults).sum())
    report.bytes += int(batch.records["n_bytes"].sum())
    report.records += batch.records.height
    report.shares_lines |= batch.records["line"].drop_nulls().is_duplicated().any()
    report.usable += batch.records.height - rejected.height
    report.rejected += at_fault
    report.left_out += rejected.height - at_fault
    report.repaired += int((batch.records["repairs"].list.len() > 0).sum())


def _of_file(counts: Counts) -> Iterator[Finding]:
    for name, detail in counts.findings():
        code = DATA_CODE[name]
        yield Finding(name, code.severity, 0, f"{code.what} Here {detail}.", code.build)


def _sorted(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda finding: (SEVERITIES.index(finding.severity), -finding.records, finding.code))
