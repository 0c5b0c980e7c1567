"""A source that does not keep its word is found out, and identity depends on bytes alone."""

import hashlib

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import InvariantError
from dataforge.core.fingerprint import short_id
from dataforge.engine.birth import _groups, _ids, split_of_group
from tests.make import a_recipe, built

LIAR = '''
from dataclasses import dataclass
from typing import ClassVar
import polars as pl
from dataforge.core.codes import Code
from dataforge.core.plugin import Batch, Source
from dataforge.reading.batch import BatchBuilder
from dataforge.reading.drafts import Message, Parsed, RawRecord, Response, RowDraft

@dataclass(frozen=True, kw_only=True)
class Liar:
    """A source that does not keep its word."""
    version: ClassVar[int] = 1
    codes: ClassVar[tuple[Code, ...]] = (Code("bad", "It is bad."),)

    def read(self, file):
        builder = BatchBuilder(file, self.codes, "repair")
        for n in range(3):
            row = RowDraft(f"g{{n}}", [Message("user", "hi")], [Response([Message("assistant", "yo")])])
            builder.add(RawRecord(b"%d" % n, n, n + 1), Parsed([row]))
        builder.reject(RawRecord(b"x", 9, 9), "bad")
        batch = builder.finish()
        yield Batch({drafts}, {records})

SOURCE: type[Source] = Liar
'''

LIES = {
    "a record is neither used nor rejected, or both": (
        "batch.drafts",
        "batch.records.with_columns(rows=pl.when(pl.col('line') == 9).then(pl.lit([0], dtype=pl.List(pl.UInt32))).otherwise('rows'))",
    ),
    "a reject without a code": ("batch.drafts", "batch.records.with_columns(code=pl.lit(None, dtype=pl.String))"),
    "codes that it does not declare": (
        "batch.drafts",
        "batch.records.with_columns(code=pl.when(pl.col('fate') == 'rejected').then(pl.lit('whim')))",
    ),
    "drafts, of which records name": ("batch.drafts[:2]", "batch.records"),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_source_that_breaks_its_promise_is_found_out(tmp_path, lie):
    drafts, records = LIES[lie]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("x")
    (tmp_path / "liar.py").write_text(LIAR.format(drafts=drafts, records=records))
    recipe = a_recipe(tmp_path, use="./liar.py", files="data/a.txt", steps="")

    with pytest.raises(InvariantError, match=lie):
        built(recipe)


def test_a_source_that_keeps_its_word_is_believed(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("x")
    (tmp_path / "honest.py").write_text(LIAR.format(drafts="batch.drafts", records="batch.records"))
    recipe = a_recipe(tmp_path, use="./honest.py", files="data/a.txt", steps="")

    built(recipe)

    rows = pl.read_parquet(tmp_path / "builds/small/data/*.parquet")
    from hashlib import sha256

    digests = [sha256(b"%d" % n).digest() for n in range(3)]
    assert sorted(rows["row_id"]) == sorted(short_id("chats", digest, "0", "0") for digest in digests)


def test_splits_have_the_shares_that_were_asked_for():
    split = {"seed": 1, "validation": 0.1, "test": 0.2}

    sides = [split_of_group(short_id("group", str(n)), split) for n in range(20_000)]

    # Five standard errors of a share of .2 in 20,000 draws are .014.
    assert abs(sides.count("test") / 20_000 - 0.2) < 0.015
    assert abs(sides.count("validation") / 20_000 - 0.1) < 0.015


def test_a_larger_test_split_keeps_the_rows_of_the_smaller_one():
    groups = [short_id("group", str(n)) for n in range(2_000)]
    small, large = ({"seed": 1, "validation": 0.0, "test": share} for share in (0.1, 0.3))

    in_small = {group for group in groups if split_of_group(group, small) == "test"}
    in_large = {group for group in groups if split_of_group(group, large) == "test"}

    assert in_small < in_large


@given(st.lists(st.tuples(st.binary(min_size=1, max_size=2), st.integers(0, 2)), min_size=1), st.text(max_size=3))
def test_rows_groups_and_records_are_named_by_short_ids(raws, group):
    digests = [hashlib.sha256(raw).digest() for raw, _ in raws]
    occurrences = pl.Series([number for _, number in raws])

    assert _ids("chats", pl.Series(digests), occurrences, occurrences + 1) == [
        short_id("chats", digest, str(number), str(number + 1))
        for digest, number in zip(digests, occurrences, strict=True)
    ]
    assert _groups("chats", [group], {"test": 0, "validation": 0})[0] == [short_id("group", "chats", group)]
