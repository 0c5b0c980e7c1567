import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dataforge.core.fingerprint import short_id
from dataforge.reading.drafts import Message, RecordFaultError
from dataforge.reading.replies import group_of, group_of_text, prompt_of, ranked, reply_of, split_pair

# No deadline: the machine may be busy.
FEW = settings(max_examples=60, deadline=None)


TEXTS = st.text(st.sampled_from("ab \n:"), max_size=30)


def user(text):
    return {"role": "user", "content": text}


def bot(text):
    return {"role": "assistant", "content": text}


def fault_of(call, *args):
    with pytest.raises(RecordFaultError) as caught:
        call(*args)
    return caught.value.code


@FEW
@given(start=TEXTS, chosen=TEXTS, rejected=TEXTS)
def test_a_text_pair_is_never_cut_inside_a_word_and_loses_only_blanks(start, chosen, rejected):
    sides = (start + chosen, start + rejected)
    try:
        prompt, *replies = split_pair(*sides, [])
    except RecordFaultError:
        return

    for side, reply in zip(sides, replies, strict=True):
        head, tail = prompt[0].content, reply[0].content
        between = side.strip().removeprefix(head).removesuffix(tail)
        assert between
        assert not between.strip()
        assert side.strip() == head + between + tail


@FEW
@given(start=TEXTS, chosen=TEXTS, rejected=TEXTS)
def test_a_text_pair_is_cut_wherever_it_can_be(start, chosen, rejected):
    one, other = start + chosen, start + rejected
    assume(one != other)
    shared = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    places = [m.end() for m in re.finditer(r"\s+", one[:shared])]
    can_be_cut = any(one[:p].strip() and one[p:].strip() and other[p:].strip() for p in places)

    if not can_be_cut:
        assert fault_of(split_pair, one, other, []) == "no-common-prompt"
    else:
        assert split_pair(one, other, [])[0][0].role == "user"


@pytest.mark.parametrize(
    ("chosen", "rejected", "prompt", "replies"),
    [
        ("The sky is blue", "The sky is black", "The sky is", ("blue", "black")),
        ("The sky", "The sky is blue", "The", ("sky", "sky is blue")),
        ("Q: who?\nA: Ann Lee", "Q: who?\nA: Ann Low", "Q: who?\nA:", ("Ann Lee", "Ann Low")),
        ("Who?\n\nIt was Ann.", "Who?\n\nIt was Bob.", "Who?", ("It was Ann.", "It was Bob.")),
    ],
)
def test_a_text_pair_is_cut_at_a_line_or_else_at_a_word(chosen, rejected, prompt, replies):
    found, *sides = split_pair(chosen, rejected, [])

    assert found == [Message("user", prompt)]
    assert tuple(side[0].content for side in sides) == replies


@pytest.mark.parametrize(
    ("chosen", "rejected", "code"),
    [
        ("same", "same", "identical-pair"),
        ("cat", "car", "no-common-prompt"),
        ("x", [bot("x")], "wrong-type"),
        ([user("a"), bot("b")], [user("a"), bot("b")], "identical-pair"),
        ([user("a"), bot("b")], [user("c"), bot("d")], "no-common-prompt"),
        ([user("a"), bot("b")], [user("a")], "empty-response"),
        ([user("a"), bot("b"), user("c"), bot("d")], [user("a"), bot("x"), user("c"), bot("d")], "not-a-reply"),
    ],
)
def test_a_pair_without_one_prompt_and_two_replies_is_refused(chosen, rejected, code):
    assert fault_of(split_pair, chosen, rejected, []) == code


def test_conversations_are_compared_turn_by_turn():
    before = [user("The sky"), bot("yes"), user("go on")]

    prompt, chosen, rejected = split_pair([*before, bot("The sky is")], [*before, bot("The sky")], [])

    assert [message.content for message in prompt] == ["The sky", "yes", "go on"]
    assert (chosen[0].content, rejected[0].content) == ("The sky is", "The sky")


def test_a_side_that_repeats_the_prompt_gives_the_reply_alone():
    prompt = prompt_of([{"role": "system", "content": "s"}, user("q")], [])

    assert reply_of([user("q "), bot("a")], [], prompt) == [Message("assistant", "a")]
    assert fault_of(reply_of, [user("other"), bot("a")], [], prompt) == "not-a-reply"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "empty-prompt"),
        (" \n", "empty-prompt"),
        ([], "empty-prompt"),
        (1.5, "wrong-type"),
        ([user("a"), bot("b")], "answered-prompt"),
        ([bot("b")], "no-question"),
    ],
)
def test_what_is_no_prompt_is_refused(value, code):
    assert fault_of(prompt_of, value, []) == code


@FEW
@given(keys=st.lists(st.integers(-3, 3), min_size=2, max_size=6), are_scores=st.booleans())
def test_ranks_are_dense_and_in_the_order_of_worth(keys, are_scores):
    replies = [[Message("assistant", str(n))] for n in range(len(keys))]

    responses = ranked(replies, keys, are_scores=are_scores)

    ranks = [response.rank for response in responses]
    assert sorted(set(ranks)) == list(range(len(set(keys))))
    assert ranks == sorted(ranks)
    key_of = {reply[0].content: key for reply, key in zip(replies, keys, strict=True)}
    worth = [(-1 if are_scores else 1) * key_of[response.messages[0].content] for response in responses]
    assert worth == sorted(worth)


def test_rows_that_begin_with_the_same_question_are_one_group():
    one = [Message("system", "s"), Message("user", "What  is it? ")]
    other = [Message("user", "what is\nIT?"), Message("assistant", "a"), Message("user", "more")]

    assert group_of(one) == group_of(other)
    assert group_of(one) != group_of([Message("user", "What is this?")])


@given(st.text(st.sampled_from("aA \t\n\x1c\x85\u2003éÉßİ“日\0") | st.characters()))
def test_the_name_of_a_question_is_that_of_its_words_folded(question):
    assert group_of_text(question) == short_id(" ".join(question.split()).casefold())
