"""A task: a named piece of work on stored objects, with a fingerprint of all that its result depends on."""

from __future__ import annotations

import contextlib
import dataclasses
import traceback
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from dataforge.core import params, registry
from dataforge.core.errors import DataError, ForgeError, InvariantError, Where, seen_from_here
from dataforge.core.fingerprint import fingerprint
from dataforge.core.registry import PluginKind
from dataforge.core.schema import SCHEMA_VERSION


@dataclass(frozen=True, slots=True)
class Task:
    """Work that any process can do from ids and parameters alone; it holds no rows.

    Args:
        work: The name of the function in `engine.work`.
        key: JSON values that decide the result.
        at: JSON values that say where things lie on this machine; they decide nothing.
        size: Bytes it works through, for those who watch.
    """

    work: str
    key: dict[str, Any]
    at: dict[str, Any] = field(default_factory=dict[str, Any])
    size: int = 0

    @property
    def fingerprint(self) -> str:
        """Name the result before it exists."""
        return fingerprint({"schema": SCHEMA_VERSION, "work": self.work, **self.key})


@dataclass(frozen=True, slots=True)
class PluginRef:
    """A plugin on its way to a worker: name, parameters, and digests of the files it reads.

    Args:
        kind: Source or step.
        use: Its name, or the path of a local file.
        version: As its class says.
        params: All parameters, defaults included.
        measured: The parameters without the thresholds.
        files: Digests of the plugin's own file, if it is local, and of the files its parameters name.
        base: The folder that relative paths start from.
    """

    kind: PluginKind
    use: str
    version: int
    params: dict[str, Any]
    measured: dict[str, Any]
    files: dict[str, str]
    base: str

    @classmethod
    def of(cls, kind: PluginKind, use: str, plugin: Any, base: Path) -> PluginRef:
        """Describe an instance, as the recipe made it."""
        files: dict[str, str] = {}
        if registry.is_local(use):
            files["plugin"] = _file_digest(base / use)
        for name, path in input_files(plugin, base).items():
            files[name] = _file_digest(path)
        return cls(
            kind, use, plugin.version, params.params_of(plugin), params.measured_params(plugin), files, str(base)
        )

    def key(self, *, with_thresholds: bool = True) -> dict[str, Any]:
        """Give what results depend on; a measurement depends on no threshold."""
        chosen = self.params if with_thresholds else self.measured
        return {"use": self.use, "version": self.version, "params": chosen, "files": self.files}

    def load(self) -> Any:
        """Make the plugin again, with its relative paths made absolute."""
        plugin, problems = params.build(registry.load(self.kind, self.use, Path(self.base)), self.params)
        if plugin is None:
            msg = f"{self.use}: its own parameters do not build it again: {problems[0].message}"
            raise InvariantError(msg)
        return resolved(plugin, Path(self.base))

    def to_json(self) -> dict[str, Any]:
        """Write it for a task's `at`."""
        return dataclasses.asdict(self)


@contextlib.contextmanager
def blame(ref: PluginRef) -> Generator[None]:
    """Turn what a plugin of the user's own raises into a message that names its line.

    Args:
        ref: The plugin whose code runs inside the `with`.

    Raises:
        DataError: The plugin is a local file, and raised; what a built-in one raises passes as the bug it is.
    """
    try:
        yield
    except ForgeError:
        raise
    except Exception as error:
        if not registry.is_local(ref.use):
            raise
        path = Path(ref.base) / ref.use
        mine = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename) == path]
        where = Where(seen_from_here(path), mine[-1].lineno if mine else None)
        message = f"{type(error).__name__}: {error}"
        raise DataError(message, where=where, fix="mend the plugin; what was done before it is kept") from error


def input_files(plugin: Any, base: Path) -> dict[str, Path]:
    """List the files a plugin's parameters name: `path_fields` declares which parameters are paths."""
    files: dict[str, Path] = {}
    for name in getattr(plugin, "path_fields", ()):
        value = getattr(plugin, name)
        values = () if value is None else (value,) if isinstance(value, str) else tuple(value)
        files |= {f"{name}[{place}]": base / path for place, path in enumerate(values)}
    return files


def resolved(plugin: Any, base: Path) -> Any:
    """Give a plugin whose path parameters are absolute."""
    changes: dict[str, Any] = {}
    for name in getattr(plugin, "path_fields", ()):
        value = getattr(plugin, name)
        if isinstance(value, str):
            changes[name] = str(base / value)
        elif value is not None:
            changes[name] = tuple(str(base / path) for path in value)
    return dataclasses.replace(plugin, **changes) if changes else plugin


def plugin_ref(described: Mapping[str, Any]) -> PluginRef:
    """Read back what `to_json` wrote."""
    return PluginRef(**described)


def _file_digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()
