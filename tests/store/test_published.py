"""Published shards are bounded, named as the hub names them, and complete."""

import json
from hashlib import sha256

import polars as pl
import pyarrow.parquet as pq
import pytest

from dataforge.store.published import ArrowShards, ParquetShards, file_digest
from dataforge.store.shards import frame_bytes, to_arrow


def frames(count=7, rows=20):
    return [pl.DataFrame({"n": range(k * rows, (k + 1) * rows), "text": ["x" * 500] * rows}) for k in range(count)]


@pytest.mark.parametrize("kind", [ParquetShards, ArrowShards])
def test_a_shard_ends_before_it_grows_beyond_its_bound(tmp_path, kind):
    one = to_arrow(frames()[0]).nbytes
    shards = kind(tmp_path / "train", "train", max_bytes=int(2.5 * one))

    for frame in frames():
        shards.write(to_arrow(frame))
    paths = shards.close()

    assert len(paths) == 4
    numbers = [path.stem.split("-")[-3:] for path in paths]
    assert numbers == [[f"{k:05d}", "of", "00004"] for k in range(4)]
    read = pq.read_table if kind is ParquetShards else (lambda path: pl.read_ipc_stream(path).to_arrow())
    assert [n for path in paths for n in read(path)["n"].to_pylist()] == list(range(140))


def test_arrow_shards_carry_what_load_from_disk_asks_for(tmp_path):
    shards = ArrowShards(tmp_path / "test", "test", max_bytes=1 << 20)
    shards.write(to_arrow(frames()[0]))
    shards.close()

    state = json.loads((tmp_path / "test/state.json").read_text())
    assert state["_data_files"] == [{"filename": "data-00000-of-00001.arrow"}]
    assert {
        "_fingerprint",
        "_format_columns",
        "_format_kwargs",
        "_format_type",
        "_output_all_columns",
        "_split",
    } <= set(state)


def test_equal_rows_have_equal_bytes_whatever_their_history():
    whole = pl.concat(frames()).with_columns(nested=pl.concat_list("text", "text"))

    again = pl.concat([whole[:33], whole[33:]], rechunk=False)
    chosen = pl.concat([whole, whole]).filter(pl.Series([False] * 140 + [True] * 140))

    assert bytes(frame_bytes(again)) == bytes(frame_bytes(whole)) == bytes(frame_bytes(chosen))


def test_a_file_that_was_changed_has_another_digest(tmp_path):
    path = tmp_path / "f"
    path.write_bytes(b"one")
    before = file_digest(path)

    path.write_bytes(b"other")

    assert (before, file_digest(path)) == (sha256(b"one").hexdigest(), sha256(b"other").hexdigest())
