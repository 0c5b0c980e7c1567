"""`forge lint`."""

from __future__ import annotations

import contextlib
import dataclasses
import shlex
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dataforge.cli import console
from dataforge.cli.options import json_option
from dataforge.core.errors import ForgeError

if TYPE_CHECKING:
    from dataforge.lint.codes import Finding, Place
    from dataforge.lint.linter import FileReport

_WIDTH = 100
_NAMED = 4
_EXCERPT_CHARACTERS = 80
_DETAIL_CHARACTERS = 160
_INDENT = " " * 10


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE...")
@click.option("--as", "source", metavar="SOURCE", help="Read the files with this source instead of finding out.")
@click.option(
    "--examples",
    type=click.IntRange(0, 1000),
    default=3,
    show_default=True,
    help="Places to show for each finding.",
)
@json_option
def command(files: tuple[Path, ...], source: str | None, examples: int, *, as_json: bool) -> int:
    """Say what is wrong with FILEs of chat or preference data; nothing is written.

    Each file is read as a build would read it, under the policy repair. Copies are found across files.

    Exits with 3 where records would be rejected or a finding is an error; warnings and notes leave 0.
    """
    from dataforge.lint.linter import Linter

    exit_code = 0
    shown: list[dict[str, Any]] = []
    with contextlib.closing(console.StageProgress()) as progress:
        linter = Linter(examples, progress.under_way)
        for path in files:
            size = path.stat().st_size if path.is_file() else 0
            progress.begin(f"lint {path.name}")
            progress.tasks(size)
            try:
                report = linter.lint(path, source)
            except ForgeError as error:
                exit_code = max(exit_code, error.exit_code)
                shown.append(_error_json(path, error))
                progress.close()
                console.complain(str(error))
                continue
            progress.close()
            exit_code = max(exit_code, 3 if report.has_errors else 0)
            if not as_json:
                console.say(_page(report) if not any("use" in before for before in shown) else f"\n{_page(report)}")
            shown.append(_report_json(report))
    if as_json:
        console.say_json({"schema": "dataforge.lint/1", "exit_code": exit_code, "files": shown})
    elif usable := [report["path"] for report in shown if report.get("usable")]:
        console.say(_next_command(usable))
    return exit_code


def _next_command(paths: list[str]) -> str:
    more = f"   (and the other {len(paths) - _NAMED})" if len(paths) > _NAMED else ""
    return f"\na recipe for what is usable: forge init {shlex.join(paths[:_NAMED])}{more}"


def verdict(report: FileReport) -> str:
    """Say in one line how a file stands."""
    counts = [f"{report.usable:,} usable", f"{report.rejected:,} would be rejected", f"{report.repaired:,} repaired"]
    if report.left_out:
        counts.insert(2, f"{report.left_out:,} left out")
    findings = _counted(len(report.findings), "finding")
    return f"{report.path}: {report.guess.use}, {_counted(report.records, 'record')}: {', '.join(counts)}; {findings}"


def _page(report: FileReport) -> str:
    lines = [verdict(report), f"  {report.guess.use}: {report.guess.why}", *_row_lines(report)]
    for finding in report.findings:
        lines += ["", *_finding_lines(finding, shares_lines=report.shares_lines)]
    return "\n".join(lines)


def _row_lines(report: FileReport) -> list[str]:
    from dataforge.lint.codes import MIN_PAIRS

    counts = report.counts
    kinds = [f"{rows:,} {kind}" for kind, rows in counts.rows.items() if rows]
    if not kinds:
        return []
    lines = [f"  rows: {', '.join(kinds)}"]
    if counts.pairs >= MIN_PAIRS:
        longer, shorter = counts.chosen_longer / counts.pairs, counts.chosen_shorter / counts.pairs
        lines.append(
            f"  the better answer is longer in {longer:.0%} and shorter in {shorter:.0%} of {counts.pairs:,} pairs"
        )
    return lines


def _finding_lines(finding: Finding, *, shares_lines: bool) -> list[str]:
    many = _counted(finding.records, "record") if finding.records else "the file as a whole"
    lines = [f"{finding.severity:<8}  {finding.code:<24}  {many}"]
    lines += [_INDENT + line for text in (finding.what, f"In a build: {finding.build}") for line in _wrapped(text)]
    places = [(_place(place, shares_lines=shares_lines), _about(place)) for place in finding.places]
    width = max((len(place) for place, _ in places), default=0)
    lines += [f"{_INDENT}{place:<{width}}  {about}".rstrip() for place, about in places]
    return lines


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH - len(_INDENT), break_long_words=False, break_on_hyphens=False)


def _place(place: Place, *, shares_lines: bool) -> str:
    line = f":{place.line}" if place.line else ""
    return place.path + line + (f" byte {place.byte:,}" if shares_lines and place.byte is not None else "")


def _about(place: Place) -> str:
    parts = (_one_line(place.detail, _DETAIL_CHARACTERS), _one_line(place.excerpt, _EXCERPT_CHARACTERS))
    return "   ".join(part for part in parts if part)


def _one_line(text: str, most: int) -> str:
    plain = " ".join(text[: 4 * most].split())
    return plain if len(plain) <= most else f"{plain[:most]}…"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _report_json(report: FileReport) -> dict[str, Any]:
    return {
        "path": report.path,
        "use": report.guess.use,
        "params": report.guess.params,
        "why": report.guess.why,
        "records": report.records,
        "usable": report.usable,
        "rejected": report.rejected,
        "left_out": report.left_out,
        "repaired": report.repaired,
        **dataclasses.asdict(report.counts),
        "findings": [dataclasses.asdict(finding) for finding in report.findings],
    }


def _error_json(path: Path, error: ForgeError) -> dict[str, Any]:
    return {"path": str(path), "error": {"message": error.message, "fix": error.fix, "exit_code": error.exit_code}}
