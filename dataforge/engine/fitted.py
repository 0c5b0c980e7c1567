"""A fitted filter's stage: collect from all rows, fit once, then measure and decide part by part."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dataforge.engine.flow import Bench, Part, Ran, Result, load_part, step_task, with_result
from dataforge.engine.references import read_references
from dataforge.engine.task import PluginRef, Task, plugin_ref
from dataforge.store.home import Store
from dataforge.store.shards import get_frame, put_frame

Outcome = tuple[Result, list[str]]


def run_fitted_filter(
    bench: Bench, parts: list[Part], ref: PluginRef, where: dict[str, Any] | None, plugin: Any
) -> Ran:
    """Run a `FittedFilter` over all parts.

    Args:
        bench: What a stage works with.
        parts: The rows, in flow order.
        ref: The plugin.
        where: Which rows are measured; it is fitted to all.
        plugin: The plugin itself, for the references it declares.

    Returns:
        The parts without the rows that went, the tasks and their results.
    """
    measured_key = ref.key(with_thresholds=False)
    at = {"plugin": ref.to_json()}
    references, reading, read = read_references(bench, plugin, ref)
    collecting = [
        Task("collect", {"plugin": measured_key, "part": part.to_json()}, at, part.size)
        for part in [*references, *parts]
    ]
    collected = bench.do(collecting)
    fitting = Task("fit", {"plugin": measured_key, "collected": [result["collected"] for result in collected]}, at)
    fitted = bench.do([fitting])
    filtering = [step_task("filter", part, ref, where, fitted=fitted[0]["fitted"]) for part in parts]
    filtered = bench.do(filtering)
    after = [with_result(part, result) for part, result in zip(parts, filtered, strict=True)]
    return after, [*filtering, *reading, *collecting, fitting], [*filtered, *read, *collected, *fitted]


def collect(store: Store, task: Task) -> Outcome:
    """Take from a part's rows what fitting needs of them."""
    plugin = plugin_ref(task.at["plugin"]).load()
    part = task.key["part"]
    digest = put_frame(store, plugin.collect(load_part(store, part["rows"], part["keep"])))
    return {"collected": digest}, [digest]


def fit(store: Store, task: Task) -> Outcome:
    """Fit to what was collected; no part of it is held longer than the plugin holds it."""
    plugin = plugin_ref(task.at["plugin"]).load()
    fitted = plugin.fit(get_frame(store, digest) for digest in task.key["collected"])
    digest = put_frame(store, fitted)
    return {"fitted": digest}, [digest]


FITTED_WORK: dict[str, Callable[[Store, Task], Outcome]] = {"collect": collect, "fit": fit}
