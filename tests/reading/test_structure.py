import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.reading.drafts import Message, RecordFaultError
from dataforge.reading.structure import base_id, in_order, split_at_answer, without_open_end

ROLE = {"s": "system", "u": "user", "a": "assistant", "t": "tool"}


def talk(roles: str) -> list[Message]:
    """A conversation such as `suat`, with the place of each message as its text."""
    return [Message(ROLE[role], str(place)) for place, role in enumerate(roles)]


def roles_of(messages: list[Message]) -> str:
    return "".join(message.role[0] for message in messages)


@given(st.text("suat", max_size=12))
def test_what_comes_out_begins_with_a_question_alternates_and_loses_no_text_after_it(roles):
    repairs: list[str] = []
    if "u" not in roles:
        with pytest.raises(RecordFaultError):
            in_order(talk(roles), "merge", repairs)
        return

    messages = in_order(talk(roles), "merge", repairs)

    out = roles_of(messages)
    assert out.lstrip("s")[0] == "u"
    assert "uu" not in out
    assert "aa" not in out
    assert out.rfind("s") <= 0
    kept = "\n\n".join(message.content for message in messages).split("\n\n")
    assert kept == [str(place) for place, role in enumerate(roles) if place >= roles.index("u") or role == "s"]


@given(st.text("suat", min_size=1, max_size=12).filter(lambda roles: "u" in roles))
def test_a_conversation_in_order_stays_as_it_is(roles):
    once = in_order(talk(roles), "merge", [])
    repairs: list[str] = []

    assert in_order(once, "reject", repairs) == once
    assert repairs == []


@pytest.mark.parametrize(
    ("roles", "out", "codes"),
    [
        ("ua", "ua", []),
        ("suatau", "suatau", []),
        ("aua", "ua", ["starts-with-assistant"]),
        ("saua", "sua", ["starts-with-assistant"]),
        ("uua", "ua", ["same-role"]),
        ("uaa", "ua", ["same-role"]),
        ("uatta", "uatta", []),
        ("uasua", "uaua", ["late-system", "same-role"]),
    ],
)
def test_each_disorder_has_its_repair(roles, out, codes):
    repairs: list[str] = []

    assert roles_of(in_order(talk(roles), "merge", repairs)) == out
    assert repairs == codes


def test_the_same_speaker_twice_can_be_refused():
    with pytest.raises(RecordFaultError, match="same-role"):
        in_order(talk("uua"), "reject", [])


def test_messages_of_one_speaker_are_joined_with_a_blank_line():
    assert in_order(talk("uua"), "merge", [])[0].content == "0\n\n1"


def test_an_assistant_may_speak_and_call_in_one_turn():
    messages = [
        Message("user", "u"),
        Message("assistant", "Let me see."),
        Message("assistant", "", tool_calls="[1]"),
        Message("assistant", "", tool_calls="[2]"),
    ]
    repairs: list[str] = []

    out = in_order(messages, "reject", repairs)

    assert out[1] == Message("assistant", "Let me see.", tool_calls="[1,2]")
    assert repairs == []


@pytest.mark.parametrize(
    ("roles", "out", "codes"),
    [("ua", "ua", []), ("uauu", "ua", ["ends-with-user"]), ("uaut", "ua", ["ends-with-user"]), ("su", "", [])],
)
def test_what_has_no_answer_is_left_out(roles, out, codes):
    repairs: list[str] = []

    assert roles_of(without_open_end(talk(roles), repairs)) == out
    assert repairs == codes


def test_the_prompt_ends_with_the_last_message_of_the_user_or_a_tool():
    assert [roles_of(part) for part in split_at_answer(talk("uauata"))] == ["uauat", "a"]


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("QWJhYvA_6", "QWJhYvA"),
        ("a_b_12", "a_b"),
        ("plain", "plain"),
        ("identity_12", "identity_12"),
        ("_1", "_1"),
        ("x_1a", "x_1a"),
    ],
)
def test_pieces_of_one_conversation_share_their_base(name, base):
    assert base_id(name) == base
