"""`forge why`."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import click

from dataforge.cli import console
from dataforge.cli.options import builds_option, json_option, open_builds
from dataforge.core.errors import DataError, RecipeError

if TYPE_CHECKING:
    from dataforge.engine.past import Past
    from dataforge.engine.trace import Life, RowLife

_PLACE = re.compile(r"(?P<path>.+):(?P<line>\d+)")
_ID = re.compile(r"[0-9a-f]{6,32}")
_SHOWN_CHARACTERS = 400


@click.command()
@click.argument("what", required=False)
@click.option("--text", help="Find records and rows that hold this text, in any letter case.")
@builds_option
@json_option
def command(what: str | None, text: str | None, builds: tuple[str, ...], *, as_json: bool) -> None:
    """Tell the whole life of WHAT: a row or record id (its first 6 digits do), or FILE:LINE of a source.

    Works from the store alone, also when the raw files are gone.
    """
    if (what is None) == (text is None):
        raise RecipeError("forge why needs one thing to look for", fix="forge why ID, FILE:LINE, or --text TEXT")
    if what is not None and not (_PLACE.fullmatch(what) or _ID.fullmatch(what)):
        raise RecipeError(f"'{what}' is no id and no FILE:LINE", fix=f"to look for words: forge why --text '{what}'")
    found = [(past, life) for past in open_builds(builds) for life in _lives(past, what, text)]
    if as_json:
        console.say_json({"schema": "dataforge.why/1", "lives": [_json(past, life) for past, life in found]})
    if not found:
        raise DataError(
            f"nothing is known of {what or repr(text)}",
            fix="name the build with --in, take more digits of the id, or look for its words with --text",
        )
    if not as_json:
        console.say("\n\n".join(_story(past, life) for past, life in found))


def _lives(past: Past, what: str | None, text: str | None) -> list[Life]:
    from dataforge.engine.trace import trace_id, trace_place, trace_text

    if text is not None:
        return trace_text(past, text)
    assert what is not None
    place = _PLACE.fullmatch(what)
    if place:
        return trace_place(past, place["path"], int(place["line"]))
    return trace_id(past, what)


def _json(past: Past, life: Life) -> dict[str, Any]:
    return {"build": past.name, **dataclasses.asdict(life)}


def _story(past: Past, life: Life) -> str:
    record = life.record
    line = f":{record['line']}" if record["line"] is not None else ""
    lines = [f"record {record['record_id']}   {past.name}"]
    lines.append(f"  read from    {record['path']}{line}, byte {record['byte']:,}, {record['n_bytes']:,} bytes")
    if record["fate"] == "rejected":
        about = f": {record['detail']}" if record["detail"] else ""
        lines.append(f"  rejected     {record['code']}{about}")
        lines.append(_quoted(record["excerpt"]))
    else:
        if record["repairs"]:
            lines.append(f"  repaired     {', '.join(record['repairs'])}")
        lines.append(f"  {record['fate']:<12} in {len(life.rows)} {'row' if len(life.rows) == 1 else 'rows'}")
    for row in life.rows:
        lines.extend(_row_story(row))
    return "\n".join(lines)


def _row_story(row: RowLife) -> list[str]:
    lines = [f"  row {row.row_id}"]
    lines += [f"    rewritten    by {stage}" for stage in row.changed_by]
    if row.dropped is not None:
        drop = row.dropped
        value = f"   value {drop['value']:g}" if drop["value"] is not None else ""
        threshold = f", threshold {drop['threshold']:g}" if drop["threshold"] is not None else ""
        lines.append(f"    dropped      by {drop['stage']}: {drop['reason']}{value}{threshold}")
        if drop["detail"]:
            lines.append(f"    detail       {drop['detail']}")
        if drop["because_of"]:
            lines.append(f"    because of   row {drop['because_of']}")
    if row.split is not None:
        lines.append(f"    published    in {row.split}")
    lines.append(_quoted(row.text))
    return lines


def _quoted(text: str) -> str:
    shown = text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]} … ({len(text):,} characters)"
    return "\n".join(f"    | {line}" for line in shown.splitlines())
