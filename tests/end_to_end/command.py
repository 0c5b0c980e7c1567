"""The whole command line as a person runs it: in this process, or in one of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl

from dataforge.cli.main import run

COMMAND = (sys.executable, "-m", "dataforge")


class Said(NamedTuple):
    """What a run of `forge` gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def checked(said: Said, folder: Path) -> Said:
    """No failure is ever shown as a traceback, or taken for a bug."""
    # What people chat about may well be a traceback: where all went well, standard output shows their texts.
    assert "Traceback" not in (said.err if said.code == 0 else said.out + said.err)
    assert said.code != 70, said.err
    assert not (folder / "forge-crash.log").exists()
    if said.code in {2, 3, 4}:
        assert "\n  fix: " in said.err or "finding" in said.out, said.err
    return said


def forge_here(capsys, *args: object) -> Said:
    """Run `forge` in this process, in the working directory."""
    capsys.readouterr()
    code = run([str(arg) for arg in args])
    return checked(Said(code, *capsys.readouterr()), Path.cwd())


def forge_apart(folder: Path, *args: object, **options: Any) -> Said:
    """Run `forge` in a process of its own, in a folder."""
    command = [*COMMAND, *map(str, args)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=120, **options)
    return checked(Said(done.returncode, done.stdout, done.stderr), folder)


def books_close(run_record: dict[str, Any]) -> None:
    """Every record is used, merged or rejected; every row is published or dropped."""
    sources = [stage for stage in run_record["stages"] if stage["kind"] == "source"]
    for stage in sources:
        assert stage["records"] == stage["used"] + stage["merged"] + sum(stage["rejected"].values())
    came = sum(stage["rows_out"] for stage in sources)
    dropped = sum(sum(stage["dropped"].values()) for stage in run_record["stages"])
    assert came == sum(run_record["datasets"][0]["rows"].values()) + dropped


def rejects(project: Path) -> pl.DataFrame:
    """Read the rejected records of a published build."""
    records = pl.read_parquet(project / "builds/small/ledger/records.parquet")
    return records.filter(pl.col("fate") == "rejected")


def snapshot(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder, by path."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
