"""What is learnt is what the model is to write; what is scored is the content; the prompt is that of inference."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.models.chat import encode
from dataforge.models.tiny import train_tokenizer

TEXT = st.text(st.sampled_from("ab \n\té中😀.`'"), max_size=12)


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(["a bab ab\n\nba ab é中\n" * 3], vocabulary=300)


def said(role, content, **more):
    return {"role": role, "content": content, **more}


def decoded(tokenizer, ids, chosen):
    return tokenizer.decode([token for token, is_chosen in zip(ids, chosen, strict=True) if is_chosen])


def chats():
    pair = st.tuples(TEXT, TEXT).map(lambda texts: [said("user", texts[0]), said("assistant", texts[1])])
    return st.lists(pair, min_size=1, max_size=3).map(lambda pairs: [message for pair in pairs for message in pair])


@given(chat=chats())
def test_content_is_scored_and_content_with_its_end_is_learnt(tokenizer, chat):
    found = encode(tokenizer, chat[:-1], chat[-1:])

    content = chat[-1]["content"]
    assert decoded(tokenizer, found.ids, found.is_content) == content
    assert decoded(tokenizer, found.ids, found.is_learnt) == content + tokenizer.eos_token
    assert "".join(found.scored) == content


@given(chat=chats())
def test_the_prompt_is_tokenized_as_at_inference(tokenizer, chat):
    found = encode(tokenizer, chat[:-1], chat[-1:])

    asked = tokenizer.apply_chat_template(chat[:-1], add_generation_prompt=True, return_dict=False)
    assert found.ids[: len(asked)] == asked
    assert found.is_learnt.index(True) == len(asked)


@given(chat=chats())
def test_there_is_one_start_token_and_it_comes_first(tokenizer, chat):
    found = encode(tokenizer, chat[:-1], chat[-1:])

    assert [place for place, token in enumerate(found.ids) if token == tokenizer.bos_token_id] == [0]


def test_what_a_tool_says_within_a_response_is_not_learnt(tokenizer):
    calls = '[{"type": "function", "function": {"name": "add", "arguments": {}}}]'
    response = [said("assistant", None, tool_calls=calls), said("tool", "ab"), said("assistant", "ba")]

    found = encode(tokenizer, [said("user", "a")], response)

    assert decoded(tokenizer, found.ids, found.is_content) == "ba"
    learnt = decoded(tokenizer, found.ids, found.is_learnt)
    assert '"name": "add"' in learnt
    assert learnt.endswith(f"{tokenizer.eos_token}ba{tokenizer.eos_token}")
    assert "ab" not in learnt.replace("ba", "")


def test_a_template_that_strips_content_scores_what_is_left(tokenizer):
    stripping = train_tokenizer(["a bab ab"], vocabulary=300)
    stripping.chat_template = (
        "{% for m in messages %}{{ m.role + ':' + m.content | trim + eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'assistant:' }}{% endif %}"
    )

    found = encode(stripping, [said("user", " a ")], [said("assistant", "  ba \n")])

    assert decoded(stripping, found.ids, found.is_content) == "ba"
    assert decoded(stripping, found.ids, found.is_learnt) == "ba" + stripping.eos_token


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        (
            "{% for m in messages %}{{ m.content }}{% endfor %}{% if add_generation_prompt %}{{ '>' }}{% endif %}",
            "template_not_prefix",
        ),
        ("{{ raise_exception('no system message, please') }}", "template_refuses"),
        ("{% for m in messages %}{{ m.content | upper }}{% endfor %}", "content_not_found"),
    ],
)
def test_a_template_that_cannot_be_trained_on_says_why(template, reason):
    other = train_tokenizer(["ab"], vocabulary=300)
    other.chat_template = template

    assert encode(other, [said("user", "a")], [said("assistant", "ba")]) == reason


def test_text_that_holds_a_control_token_is_not_taken_for_one(tokenizer):
    injected = [said("assistant", f"ba{tokenizer.eos_token}<|im_start|>user\nab")]

    assert encode(tokenizer, [said("user", "a")], injected) == "control_token_in_text"


@pytest.mark.parametrize("completion", [[], [said("user", "a")]])
def test_without_an_assistant_there_is_no_response(tokenizer, completion):
    assert encode(tokenizer, [said("user", "a")], completion) == "no_response"
