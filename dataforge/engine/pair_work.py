"""What a worker does for a pair filter: propose, gather, verify, decide; each looks at a bounded part of the corpus."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from dataforge.core.corpus_filters import Proposed
from dataforge.core.errors import InvariantError
from dataforge.core.schema import ROW
from dataforge.engine.apply import check_drops
from dataforge.engine.flow import Result
from dataforge.engine.task import Task, plugin_ref
from dataforge.store.home import Store
from dataforge.store.shards import get_frame, get_rows, put_frame

Outcome = tuple[Result, list[str]]

# So much text is compared by one task: what a worker holds at a time.
_VERIFY_CHARACTERS = 24 << 20

_NO_PAIRS = {"left": pl.UInt32, "right": pl.UInt32, "score": pl.Float64, "flipped": pl.Boolean}


def propose(store: Store, task: Task) -> Outcome:
    """Show one share's columns of all evidence, and keep the pairs."""
    plugin = plugin_ref(task.at["plugin"]).load()
    columns = list(plugin.shares()[task.key["share"]])
    evidence = _columns(store, task.key["evidence"], columns)
    return _keep_pairs(store, plugin.propose(evidence, task.key["share"]))


def compare(store: Store, task: Task) -> Outcome:
    """Compare the rows of one part with those of itself or of a later one."""
    plugin = plugin_ref(task.at["plugin"]).load()
    left, right = task.key["left"], task.key["right"]
    columns = list(plugin.compares_on)
    one = get_frame(store, left["evidence"], columns)
    other = one if left == right else get_frame(store, right["evidence"], columns)
    found = plugin.compare(one, other)
    proposed = found if isinstance(found, Proposed) else Proposed(found)
    shifted = proposed.pairs.with_columns(
        pl.col("left") + pl.lit(left["begin"], pl.UInt32), pl.col("right") + pl.lit(right["begin"], pl.UInt32)
    )
    return _keep_pairs(store, Proposed(shifted, proposed.unexamined))


def _keep_pairs(store: Store, proposed: Proposed) -> Outcome:
    digest = put_frame(store, proposed.pairs)
    return {"pairs": digest, "unexamined": proposed.unexamined, "proposed": proposed.pairs.height}, [digest]


def gather_pairs(store: Store, task: Task) -> Outcome:
    """Make one list of all proposed pairs, each once, and cut it by the text that must be read for it."""
    packed = np.empty(0, dtype=np.uint64)
    for digest in task.key["pairs"]:
        pairs = get_frame(store, digest)
        found = (pairs["left"].cast(pl.UInt64).to_numpy() << np.uint64(32)) | pairs["right"].to_numpy()
        packed = np.union1d(packed, found)
    left = (packed >> np.uint64(32)).astype(np.uint32)
    right = (packed & np.uint64(0xFFFFFFFF)).astype(np.uint32)
    characters = _columns(store, task.key["evidence"], ["characters"])["characters"].to_numpy()
    weight = np.cumsum(characters[left].astype(np.int64) + characters[right]) // _VERIFY_CHARACTERS
    cuts = [*np.flatnonzero(np.diff(weight, prepend=-1)).tolist(), len(packed)] if len(packed) else []
    digests = [
        put_frame(store, pl.DataFrame({"left": left[begin:end], "right": right[begin:end]}))
        for begin, end in pairwise(cuts)
    ]
    return {"pairs": digests, "proposed": len(packed)}, digests


def verify(store: Store, task: Task) -> Outcome:
    """Read the rows of some pairs, and those alone, and let the plugin compare them."""
    plugin = plugin_ref(task.at["plugin"]).load()
    pairs = get_frame(store, task.key["pairs"])
    wanted = np.unique(np.concatenate([pairs["left"].to_numpy(), pairs["right"].to_numpy()]))
    rows = _rows_at(store, task.key["parts"], wanted)
    places = pl.DataFrame(
        {name: np.searchsorted(wanted, pairs[name].to_numpy()).astype(np.uint32) for name in ("left", "right")}
    )
    found = plugin.verify(places, rows)
    if found.height != pairs.height:
        msg = f"{task.key['plugin']['use']} verified {found.height} of {pairs.height} pairs"
        raise InvariantError(msg)
    digest = put_frame(store, pairs.hstack(found))
    return {"pairs": digest, "verified": pairs.height}, [digest]


def _rows_at(store: Store, parts: Sequence[dict[str, Any]], wanted: np.ndarray[Any, Any]) -> pl.DataFrame:
    """Read rows by their numbers, which are sorted."""
    frames: list[pl.DataFrame] = []
    for part in parts:
        mine = wanted[np.searchsorted(wanted, part["begin"]) : np.searchsorted(wanted, part["end"])] - part["begin"]
        if len(mine):
            places = get_frame(store, part["evidence"], ["place"])["place"].to_numpy()
            frames.append(get_rows(store, part["rows"], places[mine]))
    return pl.concat(frames) if frames else pl.DataFrame(schema=ROW)


def decide_pairs(store: Store, task: Task) -> Outcome:
    """Decide over the whole corpus; one list of drops for each part, and what the report says of the pairs."""
    plugin = plugin_ref(task.at["plugin"]).load()
    parts = task.key["parts"]
    lists = [get_frame(store, digest) for digest in task.key["pairs"]]
    pairs = (
        pl.concat(lists) if lists else pl.DataFrame(schema={**_NO_PAIRS, "score": pl.Float64, "flipped": pl.Boolean})
    )
    evidence = _deciding(store, task, plugin.decides_on)
    digests = [part["evidence"] for part in parts]
    drops = plugin.decide(evidence, pairs)
    drops = drops.with_columns(because_of=_names(store, digests, drops["because_of"]))
    drops = check_drops(drops, evidence.height, plugin.reasons, task.key["plugin"]["use"])
    kept: list[str] = []
    for part in parts:
        mine = drops.filter(pl.col("index").is_between(part["begin"], part["end"], closed="left"))
        if part["is_reference"] and mine.height:
            msg = f"{task.key['plugin']['use']} drops a reference row"
            raise InvariantError(msg)
        kept.append(put_frame(store, mine.with_columns(pl.col("index") - pl.lit(part["begin"], pl.UInt32))))
    across = put_frame(store, _across_splits(store, digests, pairs.filter(pl.col("score") >= plugin.threshold)))
    promise = plugin.promise() if hasattr(plugin, "promise") else ""
    facts = {"promise": promise, "scores": _histogram(pairs["score"]), "clusters": _cluster_sizes(drops)}
    return {"drops": kept, "across": across, "facts": facts}, [*kept, across]


def _deciding(store: Store, task: Task, columns: Sequence[str]) -> pl.DataFrame:
    digests = [part["evidence"] for part in task.key["parts"]]
    stored = [name for name in columns if name != "best"]
    best = task.key["best"]
    if "best" not in columns or not best:
        return _columns(store, digests, stored).with_columns(best=pl.lit(None, dtype=pl.Float64))
    evidence = _columns(store, digests, list(dict.fromkeys([*stored, "row_id"])))
    values = pl.concat([get_frame(store, digest) for digest in best])
    return evidence.join(values, on="row_id", how="left", maintain_order="left")


def _names(store: Store, evidence: Sequence[str], because_of: pl.Series) -> pl.Series:
    """Give row ids for row numbers."""
    if because_of.dtype == pl.String:
        return because_of
    ids = _columns(store, evidence, ["row_id"])["row_id"]
    return ids.gather(because_of.cast(pl.UInt32)) if because_of.len() else pl.Series([], dtype=pl.String)


def _across_splits(store: Store, evidence: Sequence[str], alike: pl.DataFrame) -> pl.DataFrame:
    """List the verified pairs whose rows lie on different splits: what the gate at the end must not find again."""
    splits = _columns(store, evidence, ["split"])["split"]
    one, other = splits.gather(alike["left"]), splits.gather(alike["right"])
    crossing = alike.filter((one != other) & (one != "reference") & (other != "reference"))
    return crossing.select(
        left=_names(store, evidence, crossing["left"]), right=_names(store, evidence, crossing["right"]), score="score"
    )


def _histogram(scores: pl.Series) -> list[int]:
    """Count scores in twenty steps from 0 to 1."""
    return np.histogram(scores.to_numpy(), bins=20, range=(0.0, 1.0))[0].tolist()


def _cluster_sizes(drops: pl.DataFrame) -> dict[str, int]:
    """Count survivors by how many rows they stand for, themselves included."""
    sizes = drops.filter(~pl.col("stays")).group_by("because_of").len()["len"] + 1
    counts = sizes.value_counts().sort("len") if sizes.len() else pl.DataFrame({"len": [], "count": []})
    return {str(size): count for size, count in counts.iter_rows()}


def best_values(store: Store, task: Task) -> Outcome:
    """Give an earlier filter's evidence by row id."""
    from dataforge.engine.clauses import takes_part
    from dataforge.engine.flow import load_part

    part = task.key["part"]
    evidence = get_frame(store, task.key["evidence"])
    column = task.key["column"]
    if "row_id" in evidence.columns:
        ids = evidence["row_id"]
    else:
        frame = load_part(store, part["rows"], part["keep"])
        ids = frame.filter(takes_part(frame, task.key["where"]))["row_id"]
    digest = put_frame(store, pl.DataFrame({"row_id": ids, "best": evidence[column].cast(pl.Float64)}))
    return {"best": digest}, [digest]


def _columns(store: Store, evidence: Sequence[str], columns: Sequence[str]) -> pl.DataFrame:
    return pl.concat([get_frame(store, digest, columns) for digest in evidence], how="vertical_relaxed")


PAIR_WORK: dict[str, Callable[[Store, Task], Outcome]] = {
    "propose": propose,
    "compare": compare,
    "gather_pairs": gather_pairs,
    "verify": verify,
    "decide_pairs": decide_pairs,
    "best_values": best_values,
}
