"""`forge show`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from dataforge.cli import console
from dataforge.cli.options import json_option
from dataforge.core.schema import SPLITS

if TYPE_CHECKING:
    import polars as pl

_SHOWN_CHARACTERS = 1_200


@click.command()
@click.argument("build")
@click.option("--split", type=click.Choice(SPLITS), help="Rows of one split.")
@click.option("--source", help="Rows of one source.")
@click.option("--stage", help="Rows as this stage left them, or with --dropped the rows it let go.")
@click.option("--dropped", is_flag=True, help="Rows that were dropped instead of those that were published.")
@click.option("--reason", help="Rows dropped for this reason.")
@click.option("-n", "--rows", "limit", type=click.IntRange(min=1), default=3, show_default=True, help="How many rows.")
@click.option("--seed", type=int, default=None, help="Draw the rows by this seed; by default the first ones.")
@json_option
def command(build: str, limit: int, seed: int | None, *, as_json: bool, **choice: Any) -> None:
    """Show rows of BUILD: a recipe's name or file, or a folder under builds/."""
    from dataforge.cli.options import open_builds
    from dataforge.engine.browse import Choice, browse

    past = open_builds((build,))[0]
    wanted = Choice(
        split=choice["split"],
        source=choice["source"],
        stage=choice["stage"],
        reason=choice["reason"],
        is_dropped=choice["dropped"] or choice["reason"] is not None,
    )
    rows, total = browse(past, wanted, limit, seed)
    if as_json:
        console.say_json({"schema": "dataforge.show/1", "build": past.name, "total": total, "rows": rows.to_dicts()})
        return
    console.say("\n\n".join([*map(_shown, _rows(rows)), f"{rows.height} of {total:,} rows"]))


def _rows(frame: pl.DataFrame) -> list[dict[str, Any]]:
    return frame.to_dicts()


def _shown(row: dict[str, Any]) -> str:
    origin = row["origin"]
    line = f":{origin['line']}" if origin["line"] is not None else ""
    lines = [f"row {row['row_id']}   {row['split']}   {origin['corpus']}   {origin['path']}{line}   {row['license']}"]
    if "reason" in row:
        numbers = [f"{name} {row[name]:g}" for name in ("value", "threshold") if row[name] is not None]
        because = [f"because of row {row['because_of']}"] if row["because_of"] else []
        details = [row["detail"]] if row["detail"] else []
        lines.append("  " + "   ".join([f"dropped by {row['stage']}: {row['reason']}", *numbers, *details, *because]))
    lines += [_message(message, "") for message in row["prompt"]]
    for response in row["responses"]:
        score = f", score {response['score']:g}" if response["score"] is not None else ""
        mark = f" (rank {response['rank']}{score})" if len(row["responses"]) > 1 or score else ""
        lines += [_message(message, mark) for message in response["messages"]]
    return "\n".join(lines)


def _message(message: dict[str, Any], mark: str) -> str:
    text = message["content"] or ""
    if message["tool_calls"]:
        text += f" {json.dumps(json.loads(message['tool_calls']), ensure_ascii=False)}"
    if len(text) > _SHOWN_CHARACTERS:
        text = f"{text[:_SHOWN_CHARACTERS]} … ({len(text):,} characters)"
    return f"  {message['role']}{mark}: " + text.replace("\n", "\n    ")
