"""The store: objects named by their content, results named by how they were made."""

from __future__ import annotations

import hashlib
import json
import mmap
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataforge.core.errors import MachineError, Where
from dataforge.core.fingerprint import canonical_json
from dataforge.store.disk import machine_errors, write_whole

FOLDER = ".forge"

# Objects that this process wrote or has checked: a build reads each several times.
_known_good: set[Path] = set()


@dataclass(frozen=True, slots=True)
class Store:
    """A project's store.

    Args:
        project: The folder that holds `.forge/`, `builds/`, `runs/` and `reports/`.
    """

    project: Path

    @property
    def root(self) -> Path:
        """The folder of the store itself."""
        return self.project / FOLDER

    def object_path(self, digest: str) -> Path:
        """Say where an object lies, or would lie."""
        return self.root / "objects" / digest[:2] / digest[2:]

    def put(self, data: bytes | memoryview) -> str:
        """Keep bytes; give their SHA-256. What is already there is not written again."""
        digest = hashlib.sha256(data).hexdigest()
        path = self.object_path(digest)
        if not path.exists():
            write_whole(path, data)
            _known_good.add(path)
        return digest

    def get(self, digest: str) -> memoryview:
        """Map an object into memory; its bytes are checked against its name once in a process.

        Args:
            digest: SHA-256 of the object, as `put` gave it.

        Returns:
            A view of its bytes that cannot be written to.

        Raises:
            MachineError: It is not there, or its bytes are not what its name says.
        """
        path = self.object_path(digest)
        with machine_errors(path, "read"), path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b"")
        if path not in _known_good:
            if hashlib.sha256(data).hexdigest() != digest:
                raise MachineError(
                    "an object of the store was changed on disk",
                    where=Where(path),
                    fix="delete this file and run the same command again",
                )
            _known_good.add(path)
        return data

    def result_path(self, fingerprint: str) -> Path:
        """Say where the result of a task lies, or would lie."""
        return self.root / "results" / fingerprint[:2] / f"{fingerprint[2:]}.json"

    def result(self, fingerprint: str) -> dict[str, Any] | None:
        """Look up what a task gave, if it was done and all its objects are still there."""
        try:
            stored = json.loads(self.result_path(fingerprint).read_bytes())
        except (OSError, ValueError):
            return None
        if all(self.object_path(digest).exists() for digest in stored["objects"]):
            return stored["value"]
        return None

    def put_result(self, fingerprint: str, value: Mapping[str, Any], objects: list[str]) -> None:
        """Note what a task gave; this comes after its objects, so that what is noted is whole."""
        result = canonical_json({"objects": sorted(set(objects)), "value": value})
        write_whole(self.result_path(fingerprint), result, is_precious=False)


def find_project(start: Path) -> Path:
    """Find the project: the nearest folder from `start` upwards that holds `.forge/`, or else `start`."""
    start = start.resolve()
    for folder in (start, *start.parents):
        if (folder / FOLDER).is_dir():
            return folder
    return start
