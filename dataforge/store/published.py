# pyright: basic
"""Published shards: Parquet and Arrow streams, in the layout that every loader opens as it is."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from dataforge.core.errors import MachineError
from dataforge.store.disk import machine_errors


@dataclass(slots=True)
class ParquetShards:
    """Writes the Parquet shards of one split, each of bounded size.

    Args:
        folder: Where `<split>-00000-of-0000N.parquet` goes.
        split: The split's name.
        max_bytes: Size of a shard in memory at which the next one is begun.
        compression: A codec of Parquet's.
        json_fields: Text fields, at any depth, that are JSON: `datasets` gives them back as the objects they are.
    """

    folder: Path
    split: str
    max_bytes: int
    compression: str = "zstd"
    json_fields: frozenset[str] = frozenset()
    rows: int = 0
    _writer: Any = None
    _written: int = 0
    _paths: list[Path] = field(default_factory=list)

    def write(self, table: Any) -> None:
        """Add rows; a table is never split between shards."""
        if not table.num_rows:
            return
        if self.json_fields:
            fields = [
                pa.field(field.name, _as_json(field.type, field.name, self.json_fields)) for field in table.schema
            ]
            table = table.cast(pa.schema(fields))
        if self._writer is None or self._written + table.nbytes > self.max_bytes:
            self._next_shard(table.schema)
        writer: Any = self._writer
        with machine_errors(self._paths[-1], "write"):
            writer.write_table(table)
        self._written += table.nbytes
        self.rows += table.num_rows

    def _next_shard(self, schema: pa.Schema) -> None:
        self._end_shard()
        path = self.folder / f"{self.split}-{len(self._paths):05d}"
        with machine_errors(path, "write"):
            self.folder.mkdir(parents=True, exist_ok=True)
            # Texts hardly ever repeat: a dictionary would cost time and save nothing.
            self._writer = pq.ParquetWriter(path, schema, compression=self.compression, use_dictionary=False)
        self._paths.append(path)
        self._written = 0

    def _end_shard(self) -> None:
        if self._writer is not None:
            with machine_errors(self._paths[-1], "write"):
                self._writer.close()
            self._writer = None

    def close(self) -> list[Path]:
        """End the last shard and give all their names."""
        self._end_shard()
        return [path.rename(f"{path}-of-{len(self._paths):05d}.parquet") for path in self._paths]


@dataclass(slots=True)
class TableFile:
    """Writes one Parquet file piece by piece: what is written is not held.

    Args:
        path: Where; there is no file if nothing is written.
    """

    path: Path
    _writer: Any = None

    def write(self, table: Any) -> None:
        """Add lines."""
        if not table.num_rows:
            return
        with machine_errors(self.path, "write"):
            if self._writer is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                # Most of it is ids and places, which hardly ever repeat; what does is small for zstd too.
                self._writer = pq.ParquetWriter(self.path, table.schema, compression="zstd", use_dictionary=False)
            writer: Any = self._writer
            writer.write_table(table)

    def close(self) -> None:
        """End the file."""
        if self._writer is not None:
            with machine_errors(self.path, "write"):
                self._writer.close()
            self._writer = None


@dataclass(slots=True)
class ArrowShards:
    """Writes one split as `Dataset.save_to_disk` does: Arrow streams that are memory-mapped later.

    Args:
        folder: The split's folder.
        split: The split's name.
        max_bytes: Size of a shard at which the next one is begun.
    """

    folder: Path
    split: str
    max_bytes: int
    _writer: Any = None
    _written: int = 0
    _paths: list[Path] = field(default_factory=list)

    def write(self, table: Any) -> None:
        """Add rows; a table is never split between shards."""
        if not table.num_rows:
            return
        if self._writer is None or self._written + table.nbytes > self.max_bytes:
            self._end_shard()
            path = self.folder / f"data-{len(self._paths):05d}"
            with machine_errors(path, "write"):
                self.folder.mkdir(parents=True, exist_ok=True)
                # The stream format, not the file format: load_from_disk takes no other.
                self._writer = pa.ipc.new_stream(pa.OSFile(str(path), "wb"), table.schema)
            self._paths.append(path)
            self._written = 0
        with machine_errors(self._paths[-1], "write"):
            self._writer.write_table(table)
        self._written += table.nbytes

    def _end_shard(self) -> None:
        if self._writer is not None:
            with machine_errors(self._paths[-1], "write"):
                self._writer.close()
            self._writer = None

    def close(self) -> list[Path]:
        """End the last shard, write the two JSON files of `save_to_disk`, and give the shards' names."""
        self._end_shard()
        paths = [path.rename(f"{path}-of-{len(self._paths):05d}.arrow") for path in self._paths]
        if paths:
            state = {
                "_data_files": [{"filename": path.name} for path in paths],
                "_fingerprint": hashlib.sha256("".join(map(file_digest, paths)).encode()).hexdigest()[:16],
                "_format_columns": None,
                "_format_kwargs": {},
                "_format_type": None,
                "_output_all_columns": False,
                "_split": self.split,
            }
            with machine_errors(self.folder, "write"):
                (self.folder / "state.json").write_text(json.dumps(state, indent=2))
                (self.folder / "dataset_info.json").write_text("{}")
        return paths


def _as_json(kind: pa.DataType, name: str, json_fields: frozenset[str]) -> pa.DataType:
    if name in json_fields:
        return pa.json_(pa.string())
    if pa.types.is_list(kind):
        return pa.list_(_as_json(kind.value_type, "", json_fields))
    if pa.types.is_struct(kind):
        return pa.struct([pa.field(field.name, _as_json(field.type, field.name, json_fields)) for field in kind])
    return kind


def abandon(*writers: ParquetShards | TableFile | ArrowShards) -> None:
    """Let go of files that will not be finished: what is still buffered may not fit on the disk, and is not wanted."""
    for writer in writers:
        with contextlib.suppress(OSError, MachineError):
            writer.close()


def write_dataset_dict(folder: Path, splits: list[str]) -> None:
    """Write what makes a folder of splits a `DatasetDict`."""
    with machine_errors(folder, "write"):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dataset_dict.json").write_text(json.dumps({"splits": splits}))


def file_digest(path: Path) -> str:
    """Hash a file; one that has not changed since it was hashed last is not read again."""
    with machine_errors(path, "read"):
        stat = path.stat()
        return _file_digest(path, (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns))


@functools.lru_cache(maxsize=1024)
def _file_digest(path: Path, version: tuple[int, ...]) -> str:
    del version
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
