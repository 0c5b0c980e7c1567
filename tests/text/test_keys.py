"""Keys of rows that say the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dataforge.text.keys import digests
from tests.steps.rows import DEAR, frame, frames, message, response, row

TEXTS = st.text(st.sampled_from("ab |:#1"), max_size=4)


def keys(rows, on="row", *, ignore_case=False, ignore_whitespace=False):
    return digests(rows, on, ignore_case=ignore_case, ignore_whitespace=ignore_whitespace).to_list()


def spoken(line):
    """Say in plain Python what a row consists of, as the key of `row` should see it."""
    answers = [
        ([(said["role"], said["content"]) for said in each["messages"]], each["rank"]) for each in line["responses"]
    ]
    return ([(said["role"], said["content"]) for said in line["prompt"]], sorted(answers, key=lambda answer: answer[1]))


@DEAR
@given(frames(TEXTS, max_rows=4))
def test_two_rows_have_one_key_exactly_where_they_say_the_same(rows):
    lines = list(rows.iter_rows(named=True))
    found = keys(rows)

    for one, its_key in zip(lines, found, strict=True):
        for other, other_key in zip(lines, found, strict=True):
            if its_key is not None and other_key is not None:
                assert (its_key == other_key) == (spoken(one) == spoken(other))


@DEAR
@given(frames(TEXTS))
def test_rows_of_blank_messages_have_no_key(rows):
    for line, key in zip(rows.iter_rows(named=True), keys(rows, "prompt"), strict=True):
        assert (key is None) == all(said["content"].isspace() or not said["content"] for said in line["prompt"])


def test_a_pair_with_swapped_labels_has_another_key():
    pair = row("Q", [response("a"), response("b", rank=1)])
    swapped = row("Q", [response("a", rank=1), response("b")])
    in_other_order = row("Q", [response("b", rank=1), response("a")])

    one, other, same = keys(frame(pair, swapped, in_other_order))

    assert one != other
    assert one == same


def test_the_border_between_messages_roles_calls_and_tools_count():
    rows = frame(
        row([message("user", "ab"), message("user", "c")]),
        row([message("user", "a"), message("user", "bc")]),
        row([message("system", "ab"), message("user", "c")]),
        row([message("user", "ab"), message("user", "c", tool_calls="[1]")]),
        row([message("user", "ab"), message("user", "c", name="Ann")]),
        row([message("user", "ab"), message("user", "c")], tools="[]"),
    )

    assert len(set(keys(rows))) == 6


def test_capitals_and_spaces_are_the_same_on_request():
    rows = frame(row("Straße  der\n\u00a0Welt "), row("straße der welt"))

    assert len(set(keys(rows, "prompt"))) == 2
    assert len(set(keys(rows, "prompt", ignore_case=True))) == 2
    assert len(set(keys(rows, "prompt", ignore_case=True, ignore_whitespace=True))) == 1


def test_a_key_is_the_same_on_every_machine():
    (key,) = keys(frame(row("Hello?", "Hi.")))

    assert key.hex() == "a485115ab4de8c2f4abd69d594b7bfae"
