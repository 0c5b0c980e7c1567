"""The step `normalize`."""

from __future__ import annotations

import sys

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.errors import MachineError
from dataforge.core.schema import ROW
from dataforge.steps.normalize import Normalize
from dataforge.text.select import texts
from tests.steps import laws
from tests.steps.rows import DEAR, frame, frame_of, frames, message, real_pairs, response, row

FORMS = st.sampled_from(["NFC", "NFKC"])


@DEAR
@given(frames(), FORMS)
def test_ids_and_order_stay_and_twice_is_once(rows, form):
    step = Normalize(form=form)

    laws.keeps_ids_and_order(step, rows)
    laws.twice_is_once(step, rows)


@DEAR
@given(frames(), st.integers(0, 6))
def test_a_row_is_rewritten_in_a_part_as_in_the_whole(rows, cut):
    step = Normalize()

    assert pl.concat([step.rewrite(rows[:cut]), step.rewrite(rows[cut:])]).equals(step.rewrite(rows))


def test_contents_change_and_names_and_calls_do_not():
    called = message("assistant", "a \r\n", name="b \r\n", tool_calls='[" \r\n"]', tool_call_id="c ")
    rows = frame(row([message("user", "q\u00a0")], [response(messages=[called]), response("z\x00", rank=1)]))

    after = Normalize().rewrite(rows)

    assert texts(after, "row").to_list() == [["q", "a", "z"]]
    kept = after["responses"][0][0]["messages"][0]
    assert (kept["name"], kept["tool_calls"], kept["tool_call_id"]) == ("b \r\n", '[" \r\n"]', "c ")


def test_no_rows_no_messages_and_no_content_are_left_as_they_are():
    nothing = pl.DataFrame(schema=ROW)
    bare = frame(row([], []), row([message("assistant", None, tool_calls="[]")], [response(messages=[])]))

    assert Normalize().rewrite(nothing).equals(nothing)
    assert Normalize().rewrite(bare).equals(bare)


def test_mojibake_is_mended_on_request():
    pytest.importorskip("ftfy")
    rows = frame_of("Itâ€™s a cafÃ©", "It’s a café", "Its a cafe")

    assert texts(Normalize(mojibake=True).rewrite(rows), "prompt").to_list()[:2] == [["It’s a café"]] * 2
    assert texts(Normalize().rewrite(rows), "prompt").to_list()[0] == ["Itâ€™s a cafÃ©"]
    laws.twice_is_once(Normalize(mojibake=True), rows)


def test_mending_without_ftfy_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "ftfy", None)

    with pytest.raises(MachineError, match="needs the package ftfy") as told:
        Normalize(mojibake=True).rewrite(frame_of("a"))

    assert "dataforge[mojibake]" in told.value.fix


def test_real_answers_keep_their_fenced_code():
    rows = real_pairs()
    code = [
        texts(each, "row").explode().str.extract_all(r"(?sm)^```\w*\n.*?^```")
        for each in (rows, Normalize().rewrite(rows))
    ]

    before, after = (found.explode(empty_as_null=False).to_list() for found in code)

    assert len(before) > 40
    assert after == before
    laws.twice_is_once(Normalize(), rows)
