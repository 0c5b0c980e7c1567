"""A pair filter's stage: measure, propose, verify, decide, take out; tasks carry ids, memory is bounded by a part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dataforge.engine.flow import Bench, Part, Ran, Result, step_task, with_result
from dataforge.engine.references import read_references
from dataforge.engine.task import PluginRef, Task


def run_pair_filter(bench: Bench, parts: list[Part], ref: PluginRef, where: dict[str, Any] | None, plugin: Any) -> Ran:
    """Run a `PairFilter` over all parts.

    Args:
        bench: What a stage works with.
        parts: The rows, in flow order.
        ref: The plugin.
        where: Which rows take part.
        plugin: The plugin itself, for what it declares.

    Returns:
        The parts without the rows that went, the tasks and their results; one result has `facts` for the report.
    """
    references, reading, read = read_references(bench, plugin, ref)
    # References take part whatever `where` says of the rows of this recipe.
    measuring = [
        *(step_task("measure", part, ref, None) for part in references),
        *(step_task("measure", part, ref, where) for part in parts),
    ]
    for task in measuring:
        task.key["plugin"] = ref.key(with_thresholds=False)
    measured = bench.do(measuring)
    places = _places([*references, *parts], measured, len(references))
    # Those of the recipe's own parts come first: their evidence is what later steps may look up.
    own = len(references)
    tasks = [*measuring[own:], *measuring[:own], *reading]
    results = [*measured[own:], *measured[:own], *read]

    def do(more: Sequence[Task]) -> list[Result]:
        found = bench.do(more)
        tasks.extend(more)
        results.extend(found)
        return found

    whole = {"plugin": ref.key(), "evidence": [place["evidence"] for place in places]}
    at = {"plugin": ref.to_json()}
    if hasattr(plugin, "compare"):
        proposed = do(_comparing(places, ref, at))
        verified = [result["pairs"] for result in proposed]
        counts = {"proposed": sum(result["proposed"] for result in proposed)}
    else:
        proposed = do([Task("propose", {**whole, "share": share}, at) for share in range(len(plugin.shares()))])
        pairs = [result["pairs"] for result in proposed]
        gathered = do([Task("gather_pairs", {"evidence": whole["evidence"], "pairs": pairs}, {})])[0]
        checking = [
            Task("verify", {"plugin": ref.key(), "pairs": digest, "parts": places}, at) for digest in gathered["pairs"]
        ]
        verified = [result["pairs"] for result in do(checking)]
        counts = {"proposed": gathered["proposed"]}
    counts["unexamined"] = sum(result["unexamined"] for result in proposed)
    best = [result["best"] for result in do(_best(bench, plugin))]
    deciding = {"plugin": ref.key(), "parts": places, "pairs": verified, "best": best}
    decided = do([Task("decide_pairs", deciding, at)])[0]
    decided["facts"] = {**decided["facts"], "pairs": counts}
    taking = [
        Task("take_out", {"part": part.to_json(), "where": where, "drops": digest, "plugin": {"use": ref.use}})
        for part, digest in zip(parts, decided["drops"][own:], strict=True)
    ]
    taken = do(taking)
    return [with_result(part, result) for part, result in zip(parts, taken, strict=True)], tasks, results


def _places(parts: Sequence[Part], measured: Sequence[Result], references: int) -> list[dict[str, Any]]:
    """Number the rows of the whole flow: where each part's begin and end."""
    places: list[dict[str, Any]] = []
    begin = 0
    for part, result in zip(parts, measured, strict=True):
        end = begin + result["shown"]
        places.append(
            {
                "rows": part.rows,
                "evidence": result["evidence"],
                "begin": begin,
                "end": end,
                "is_reference": len(places) < references,
            }
        )
        begin = end
    return places


def _comparing(places: Sequence[dict[str, Any]], ref: PluginRef, at: dict[str, Any]) -> list[Task]:
    return [
        Task("compare", {"plugin": ref.key(), "left": left, "right": right}, at)
        for number, left in enumerate(places)
        for right in places[number:]
    ]


def _best(bench: Bench, plugin: Any) -> list[Task]:
    """Look up the evidence that `keep = "best:STEP.COLUMN"` compares."""
    wanted = plugin.evidence_from() if hasattr(plugin, "evidence_from") else None
    if wanted is None:
        return []
    step, column = wanted
    return [Task("best_values", {**measured, "column": column}, {}) for measured in bench.evidence[step]]
