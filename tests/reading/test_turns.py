import json

import pytest

from dataforge.reading.drafts import Message, RecordFaultError
from dataforge.reading.turns import is_blank, read_tools, read_turns


def read_one(**turn):
    repairs: list[str] = []
    messages = read_turns([turn], repairs)
    return messages, repairs


@pytest.mark.parametrize(
    ("name", "role"),
    [
        *((name, "user") for name in ("human", "user", "prompter", "Human", " USER ")),
        *((name, "assistant") for name in ("gpt", "assistant", "chatgpt", "bing", "bard", "claude", "model", "GPT")),
        *((name, "system") for name in ("system", "developer")),
        *((name, "tool") for name in ("tool", "observation", "function")),
    ],
)
def test_every_name_of_a_speaker_has_its_role(name, role):
    assert read_one(**{"from": name, "value": "x"})[0] == [Message(role, "x")]


@pytest.mark.parametrize(
    "turn", [{"from": "human", "value": "x"}, {"role": "user", "content": "x"}, {"role": "user", "text": "x"}]
)
def test_every_spelling_of_the_keys_gives_the_same(turn):
    assert read_one(**turn) == ([Message("user", "x")], [])


@pytest.mark.parametrize("role", ["narrator", "", None, 7, ["user"]])
def test_an_unknown_role_is_a_fault_that_names_it_and_its_message(role):
    with pytest.raises(RecordFaultError) as caught:
        read_turns([{"role": "user", "content": "x"}, {"role": role, "content": "y"}], [])

    assert caught.value.code == "unknown-role"
    assert "message 2" in caught.value.detail
    assert not isinstance(role, str) or role in caught.value.detail


@pytest.mark.parametrize(
    ("turn", "code"),
    [
        ({"role": "user", "content": None}, "missing-content"),
        ({"role": "user"}, "missing-content"),
        ({"role": "user", "content": 42}, "bad-content"),
        ({"role": "user", "content": {"text": "x"}}, "bad-content"),
        ({"role": "user", "content": [{"type": "image_url", "image_url": {"url": "u"}}]}, "non-text-part"),
        ({"role": "user", "content": ["x", None]}, "non-text-part"),
        ({"from": "function_call", "value": "not JSON"}, "bad-tool-call"),
        ({"from": "function_call", "value": "{}"}, "bad-tool-call"),
        ({"from": "function_call", "value": "[]"}, "bad-tool-call"),
        ("just text", "bad-turn"),
        (None, "bad-turn"),
    ],
)
def test_what_is_no_message_is_a_fault(turn, code):
    with pytest.raises(RecordFaultError) as caught:
        read_turns([turn], [])

    assert caught.value.code == code
    assert "message 1" in caught.value.detail


def test_null_never_becomes_the_word_none():
    with pytest.raises(RecordFaultError):
        read_one(role="assistant", content=None)


def test_text_parts_are_joined():
    messages, repairs = read_one(role="user", content=[{"type": "text", "text": "one"}, "two"])

    assert messages == [Message("user", "one\n\ntwo")]
    assert repairs == []


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\ufeff \u00a0", "\x1c\u2003"])
def test_a_turn_in_which_nothing_can_be_seen_is_left_out(text):
    assert is_blank(text)
    assert read_one(role="assistant", content=text) == ([], ["empty-turn"])


def test_a_function_call_becomes_an_assistant_message_with_the_call():
    call = {"name": "get_tide", "arguments": {"harbour": "Husum"}}

    (message,), repairs = read_one(**{"from": "function_call", "value": json.dumps(call)})

    assert message.role == "assistant"
    assert json.loads(message.tool_calls) == [{"type": "function", "function": call}]
    assert repairs == []


def test_openai_tool_calls_and_their_answers_keep_their_ids():
    call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": '{"a":1}'}}

    asked, answered = read_turns(
        [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "7", "tool_call_id": "c1", "name": "f"},
        ],
        [],
    )

    assert json.loads(asked.tool_calls) == [call]
    assert asked.content == ""
    assert answered == Message("tool", "7", name="f", tool_call_id="c1")


def test_a_weight_of_zero_keeps_an_answer_out_of_the_loss():
    assert read_one(role="assistant", content="x", weight=0)[0][0].train is False
    assert read_one(role="assistant", content="x", weight=1)[0][0].train is None


def test_residue_is_cleaned_in_answers_and_kept_in_questions():
    html = '<div class="markdown"><p>x</p></div>'

    assert read_one(role="assistant", content=html) == ([Message("assistant", "x")], ["html-residue"])
    assert read_one(role="user", content=html) == ([Message("user", html)], [])


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, None), ("", None), ("[]", None), ([], None), ('[{"name":"f"}]',) * 2, ([{"name": "f"}], '[{"name":"f"}]')],
)
def test_tools_are_json_text(value, text):
    assert read_tools(value) == text


@pytest.mark.parametrize("value", ["not JSON", "{}", {"name": "f"}, 7])
def test_tools_that_are_no_list_are_a_fault(value):
    with pytest.raises(RecordFaultError, match="bad-tool-call"):
        read_tools(value)
