"""`forge diff`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from dataforge.cli import console
from dataforge.cli.options import json_option

_SHOWN = 5


@click.command()
@click.argument("a")
@click.argument("b")
@json_option
def command(a: str, b: str, *, as_json: bool) -> None:
    """Compare builds A and B: rows in, out, changed, and why.

    A build is a recipe's name or file, or the folder under builds/; `chat@1` is the first run of chat, `chat` the
    last.
    """
    from dataforge.engine.compare import compare
    from dataforge.engine.past import find_run
    from dataforge.store.home import Store, find_project

    store = Store(find_project(Path.cwd()))
    left, right = find_run(store, a), find_run(store, b)
    difference = compare(left, right)
    kinds = {"gone": difference.gone, "come": difference.come, "changed": difference.changed, "moved": difference.moved}
    if as_json:
        summary: dict[str, Any] = {"schema": "dataforge.diff/1", "a": left.name, "b": right.name}
        summary |= {"same": difference.same, "stages": difference.stages, **kinds}
        console.say_json(summary)
        return
    lines = [f"{left.name} → {right.name}"]
    lines += [f"  {line}" for line in difference.stages] or ["  the stages are the same"]
    lines.append(f"  {difference.same:,} rows are the same")
    words = {"gone": "are gone", "come": "have come", "changed": "have changed", "moved": "are in another split"}
    for kind, rows in kinds.items():
        lines.append(f"  {len(rows):,} rows {words[kind]}")
        for why, count in difference.reasons(rows).items():
            shown = ", ".join(row["row_id"][:12] for row in rows if row["why"] == why)
            some = ", ".join(shown.split(", ")[:_SHOWN])
            lines.append(f"    {count:>7,}  {why}   ({some}{', …' if count > _SHOWN else ''})")
    console.say("\n".join(lines))
