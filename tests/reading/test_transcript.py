import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.reading.drafts import Message, RecordFaultError
from dataforge.reading.transcript import read_transcript

SAYINGS = st.text("ab c\n:'", min_size=1, max_size=12).map(str.strip).filter(bool)


def transcript(*turns: str) -> str:
    return "".join(f"\n\n{turn}" for turn in turns)


def read(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    repairs: list[str] = []
    return [(message.role, message.content) for message in read_transcript(text, repairs)], repairs


@given(st.lists(SAYINGS, min_size=1, max_size=7))
def test_a_transcript_is_read_as_it_was_written(sayings):
    names = ["Human", "Assistant"] * 4
    text = transcript(*(f"{name}: {said}" for name, said in zip(names, sayings, strict=False)))

    turns, repairs = read(text)

    assert turns == list(zip(["user", "assistant"] * 4, sayings, strict=False))
    assert repairs == []


@given(st.lists(st.sampled_from(["\n\nHuman:", "\n\nAssistant:", "\n\n", ' "', "a:", " b"]), max_size=12))
def test_any_text_is_turns_that_alternate_or_a_fault(parts):
    messages, code = [], None
    try:
        messages = read_transcript("".join(parts), [])
    except RecordFaultError as fault:
        code = fault.code

    assert code in {None, "no-turns", "no-question", "empty-turn"}
    assert (code is None) == bool(messages)
    assert [message.role for message in messages] == (["user", "assistant"] * len(messages))[: len(messages)]
    assert all(isinstance(message, Message) and message.content for message in messages[:-1])


def test_two_turns_of_one_speaker_are_joined():
    turns, repairs = read(transcript("Human: One", "Human: two", "Assistant: Yes.", "Assistant: No."))

    assert turns == [("user", "One\n\ntwo"), ("assistant", "Yes.\n\nNo.")]
    assert repairs == ["same-role", "same-role"]


def test_a_quoted_marker_stays_in_the_turn_that_quotes_it():
    quoting = 'Human: They wrote "\n\nAssistant: closed." Is that so?'

    turns, repairs = read(transcript(quoting, "Assistant: No."))

    assert turns == [("user", 'They wrote "\n\nAssistant: closed." Is that so?'), ("assistant", "No.")]
    assert repairs == ["quoted-marker"]


def test_a_whole_quoted_chat_stays_in_the_turn_that_quotes_it():
    said = "Here it is:\n\nHuman: open on sunday?\n\nAssistant: yes\n\nIs the tone fine"

    turns, repairs = read(transcript(f"Human: {said}", "Assistant: Yes.", "Human: Thanks", "Assistant: Bye"))

    assert turns == [("user", said), ("assistant", "Yes."), ("user", "Thanks"), ("assistant", "Bye")]
    assert repairs == ["quoted-marker"]


def test_backslashes_are_no_line_ends():
    turns, repairs = read(transcript(r"Human: print('\n\nAssistant: x')", "Assistant: Sure."))

    assert turns[0] == ("user", r"print('\n\nAssistant: x')")
    assert repairs == []


def test_the_last_reply_may_be_empty_even_without_a_blank_after_its_marker():
    assert read(transcript("Human: Names?", "Assistant:"))[0] == [("user", "Names?"), ("assistant", "")]


def test_an_answer_to_nothing_is_left_out():
    assert read(transcript("Assistant: Hello!", "Human: Hi", "Assistant: Yes?")) == (
        [("user", "Hi"), ("assistant", "Yes?")],
        ["starts-with-assistant"],
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no-turns"),
        ("Hello", "no-turns"),
        ("Once\n\nHuman: x", "no-turns"),
        ("\n\nAssistant: x", "no-question"),
        ("\n\nHuman:\n\nAssistant: x", "empty-turn"),
    ],
)
def test_what_is_no_transcript_is_a_fault(text, code):
    with pytest.raises(RecordFaultError) as caught:
        read(text)

    assert caught.value.code == code
