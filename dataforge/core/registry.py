"""From a name in a recipe to a plugin: the file's name is the plugin's name."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Iterable
from functools import lru_cache
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

PluginKind = Literal["source", "step", "trainer", "metric"]

FOLDERS: dict[PluginKind, str] = {
    "source": "dataforge.sources",
    "step": "dataforge.steps",
    "trainer": "dataforge.trainers",
    "metric": "dataforge.metrics",
}

ENTRY_POINT_GROUP = "dataforge.plugins"


class UnknownPluginError(LookupError):
    """No plugin has that name.

    Args:
        kind: Source, step, trainer or metric.
        use: The name asked for.
        suggestion: The nearest name there is, if one is near.
    """

    def __init__(self, kind: PluginKind, use: str, suggestion: str | None) -> None:
        super().__init__(f"no {kind} is called '{use}'")
        self.kind = kind
        self.use = use
        self.suggestion = suggestion


class BadPluginError(ImportError):
    """A plugin's file was found, but it cannot be imported or declares nothing."""


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """Find what was probably meant, for "did you mean"."""
    found = difflib.get_close_matches(word, list(candidates), n=1, cutoff=0.6)
    return found[0] if found else None


def names(kind: PluginKind) -> list[str]:
    """List the plugins of a kind, without importing any of them."""
    package = importlib.import_module(FOLDERS[kind])
    built_in = {module.name for module in pkgutil.iter_modules(package.__path__) if not module.name.startswith("_")}
    return sorted(built_in | set(_outside(kind)))


def load(kind: PluginKind, use: str, base: Path | None = None) -> type[Any]:
    """Import a plugin class by its name, or from a file when the name begins with `./` or `../`.

    Args:
        kind: Source, step, trainer or metric.
        use: The plugin's name, or a path to a Python file.
        base: The folder that such a path is relative to.

    Returns:
        The class, not an instance: its parameters are checked by whoever builds it.

    Raises:
        UnknownPluginError: No plugin has that name; it carries the nearest one.
        BadPluginError: The file does not import, or its last line declares no plugin of this kind.
    """
    if is_local(use):
        module = _load_file((base or Path()) / use)
    elif use in _outside(kind):
        module = _import(_outside(kind)[use])
    elif use in names(kind):
        module = importlib.import_module(f"{FOLDERS[kind]}.{use}")
    else:
        raise UnknownPluginError(kind, use, nearest(use, names(kind)))
    plugin = getattr(module, kind.upper(), None)
    if not isinstance(plugin, type):
        msg = f"{use if is_local(use) else module.__name__} declares no {kind.upper()}"
        raise BadPluginError(msg)
    return plugin


def _import(module: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except Exception as error:  # whatever another package raises becomes one message with its name
        msg = f"{module}: {type(error).__name__}: {error}"
        raise BadPluginError(msg) from error


def is_local(use: str) -> bool:
    """Tell a path to a plugin file from a plugin's name."""
    return use.startswith(("./", "../", "/")) and use.endswith(".py")


@lru_cache
def _outside(kind: PluginKind) -> dict[str, str]:
    """Plugins of other packages, as `"step.my_step" = "my_package.my_step"` under our entry point group."""
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {entry.name.split(".", 1)[1]: entry.value for entry in found if entry.name.startswith(f"{kind}.")}


def _load_file(path: Path) -> ModuleType:
    try:
        code = path.read_bytes()
    except OSError as error:
        msg = f"{path}: {error.strerror}"
        raise BadPluginError(msg) from error
    # The digest in the name: a file that was changed is another module, also within one process.
    name = f"dataforge_local_{sha256(code).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        msg = f"{path} is not a Python file"
        raise BadPluginError(msg)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:  # whatever a user's file raises becomes one message with its place
        del sys.modules[name]
        msg = f"{path}: {type(error).__name__}: {error}"
        raise BadPluginError(msg) from error
    return module
