"""OpenAssistant exports: trees, threads and single messages give the same rows."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError
from dataforge.core.plugin import RawFile
from dataforge.reading.message_trees import MAX_DEPTH
from dataforge.sources.openassistant import OpenAssistant
from tests.sources.laws import drafts_of, keeps_all_laws, records_of, rejects_of, repairs_of

REAL = Path(__file__).resolve().parents[2] / ".." / "shared" / "data" / "oasst" / "en_100_tree.jsonl"


def a_message(name, *replies, role=None, **more):
    """A message called and worded by its name; `role` is set by `a_tree` where it is not given."""
    known = {"message_id": name, "text": f"{name}?", "lang": "en", "deleted": False, "review_result": True}
    return {**known, **({"role": role} if role else {}), **more, "replies": list(replies)}


def with_roles(message, depth=0):
    message.setdefault("role", "assistant" if depth % 2 else "prompter")
    for reply in message["replies"]:
        with_roles(reply, depth + 1)
    return message


def a_tree(root):
    return {"message_tree_id": root["message_id"], "tree_state": "ready_for_export", "prompt": with_roles(root)}


def flat(root, parent=None):
    """The messages of a tree, one by one."""
    message = {key: value for key, value in with_roles(root).items() if key != "replies"}
    yield {**message, **({"parent_id": parent} if parent else {})}
    for reply in root["replies"]:
        for part in flat(reply, root["message_id"]):
            yield {**part, "role": part["role"]}


def read(folder, *records, **options):
    path = folder / "trees.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return list(OpenAssistant(**options).read(RawFile(path, "trees.jsonl", "oa")))


def rows_of(batches):
    """Each row as its prompt and its replies with their ranks."""
    return [
        (
            [message["content"].rstrip("?") for message in row["prompt"]],
            [(response["messages"][0]["content"].rstrip("?"), response["rank"]) for response in row["responses"]],
        )
        for row in drafts_of(batches).to_dicts()
    ]


def a_branching_tree():
    return a_message(
        "q",
        a_message("good", a_message("more", a_message("one", rank=1), a_message("two", rank=0)), rank=0),
        a_message("bad", a_message("other", a_message("lone", a_message("unanswered"))), rank=1),
    )


ROWS = [
    (["q"], [("good", 0), ("bad", 1)]),
    (["q", "good", "more"], [("two", 0), ("one", 1)]),
    (["q", "bad", "other"], [("lone", 0)]),
]


def test_every_answered_prompt_of_a_tree_is_a_row_with_its_path(tmp_path):
    batches = read(tmp_path, a_tree(a_branching_tree()))

    assert rows_of(batches) == ROWS
    frame = drafts_of(batches)
    assert set(frame["group"]) == {"q"}
    assert set(frame["license"]) == {"apache-2.0"}
    assert [[message["role"] for message in row["prompt"]] for row in frame.to_dicts()] == [
        ["user"],
        ["user", "assistant", "user"],
        ["user", "assistant", "user"],
    ]
    assert records_of(batches)["fate"].to_list() == ["used"]


def test_the_best_path_is_one_row(tmp_path):
    assert rows_of(read(tmp_path, a_tree(a_branching_tree()), rows="best_path")) == [ROWS[1]]


def test_single_messages_are_joined_to_the_same_rows_in_any_order(tmp_path):
    messages = list(flat(a_branching_tree()))

    for order in (messages, messages[::-1], messages[1::2] + messages[::2]):
        batches = read(tmp_path, *order)
        assert sorted((prompt, sorted(replies)) for prompt, replies in rows_of(batches)) == sorted(
            (prompt, sorted(replies)) for prompt, replies in ROWS
        )
        assert Counter(records_of(batches)["fate"]) == {"used": 3, "merged": 5, "rejected": 1}
        assert rejects_of(batches) == ["no-reply"]


def test_messages_off_the_best_path_say_so(tmp_path):
    batches = read(tmp_path, *flat(a_branching_tree()), rows="best_path")

    assert rows_of(batches) == [ROWS[1]]
    assert Counter(rejects_of(batches)) == {"off-best-path": 3, "no-reply": 1}
    assert Counter(records_of(batches)["fate"]) == {"used": 1, "merged": 4, "rejected": 4}


def test_a_thread_is_read_as_a_tree_without_branches(tmp_path):
    thread = [
        {"message_id": str(n), "text": f"{n}?", "role": "assistant" if n % 2 else "prompter", "lang": "en"}
        for n in range(4)
    ]

    batches = read(tmp_path, {"thread_id": "3", "thread": thread})

    assert rows_of(batches) == [(["0"], [("1", 0)]), (["0", "1", "2"], [("3", 0)])]
    assert set(drafts_of(batches)["group"]) == {"0"}


@pytest.mark.parametrize(
    ("ranks", "replies", "repairs"),
    [
        ([None], [("a", 0)], []),
        ([3], [("a", 0)], []),
        ([2, 0, 1], [("b", 0), ("c", 1), ("a", 2)], []),
        ([5, 2, 9], [("b", 0), ("a", 1), ("c", 2)], []),
        ([0, 0, 1], [("a", 0), ("b", 0), ("c", 1)], []),
        ([0, None, 1], [("a", 0), ("c", 1)], ["unranked-reply"]),
        ([None, 4], [("b", 0)], ["unranked-reply"]),
        ([None, None], [("a", 0), ("b", 0)], []),
        ([True, "0", -1], [("a", 0), ("b", 0), ("c", 0)], []),
    ],
)
def test_ranks_are_those_of_the_replies_that_have_one(tmp_path, ranks, replies, repairs):
    tree = a_message("q", *(a_message(name, rank=rank) for name, rank in zip("abc", ranks, strict=False)))

    batches = read(tmp_path, a_tree(tree))

    assert rows_of(batches) == [(["q"], replies)]
    assert repairs_of(batches) == repairs


BAD_MESSAGES = {
    "deleted-message": {"deleted": True},
    "spam-message": {"review_result": False},
    "empty-message": {"text": " \n"},
    "bad-role": {"role": "prompter"},
    "bad-message": {"text": None},
}


@pytest.mark.parametrize("code", sorted(BAD_MESSAGES))
def test_a_bad_message_is_left_out_with_all_below_it(tmp_path, code):
    tree = a_message(
        "q",
        a_message("bad", a_message("x", a_message("y")), **{"rank": 0, **BAD_MESSAGES[code]}),
        a_message("good", rank=1),
    )

    in_tree = read(tmp_path, a_tree(tree))
    alone = read(tmp_path, *flat(tree))

    assert rows_of(in_tree) == rows_of(alone) == [(["q"], [("good", 0)])]
    assert repairs_of(in_tree) == [code]
    assert rejects_of(alone) == [code, "below-left-out", "below-left-out"]
    assert rejects_of(read(tmp_path, a_tree(tree), on_error="reject")) == [code]


@pytest.mark.parametrize("code", sorted(set(BAD_MESSAGES) - {"bad-role"}))
def test_a_tree_whose_first_message_is_bad_is_rejected(tmp_path, code):
    tree = a_message("q", a_message("a"), **BAD_MESSAGES[code])

    assert rejects_of(read(tmp_path, a_tree(tree))) == [code]
    assert rejects_of(read(tmp_path, *flat(tree))) == [code, "below-left-out"]


def test_languages_and_synthetic_messages_can_be_left_out(tmp_path):
    tree = a_message("q", a_message("en"), a_message("de", lang="de"), a_message("model", synthetic=True))
    german = a_message("p", a_message("b"), lang="de")

    assert len(rows_of(read(tmp_path, a_tree(tree)))[0][1]) == 3
    batches = read(tmp_path, a_tree(tree), a_tree(german), lang=("en",), keep_synthetic=False, on_error="fail")

    assert rows_of(batches) == [(["q"], [("en", 0)])]
    assert rejects_of(batches) == ["other-language"]
    assert rejects_of(read(tmp_path, *flat(tree), lang=("en",), keep_synthetic=False)) == [
        "other-language",
        "synthetic-message",
    ]


@pytest.mark.parametrize(
    ("records", "codes"),
    [
        ([{"text": "x"}], ["not-openassistant"]),
        ([{"message_tree_id": None, "prompt": with_roles(a_message("q"))}], ["bad-id"]),
        ([{"message_tree_id": "q", "prompt": None}], ["bad-message"]),
        ([{"message_tree_id": "q", "prompt": with_roles(a_message("q"))}], ["no-reply"]),
        ([{"thread_id": "t", "thread": [3]}], ["bad-message"]),
        ([{"thread_id": "t", "thread": []}], ["not-openassistant"]),
        ([{"message_id": "a", "parent_id": 4}], ["bad-id"]),
        ([{"message_id": "a", "parent_id": "gone"}], ["missing-parent"]),
        ([{"message_id": "a", "parent_id": "b"}, {"message_id": "b", "parent_id": "a"}], ["missing-parent"] * 2),
        ([{"message_id": "a", "text": "x", "role": "prompter"}] * 2, ["duplicate-message", "no-reply"]),
        ([[1]], ["not-an-object"]),
    ],
)
def test_records_that_are_no_conversations(tmp_path, records, codes):
    assert rejects_of(read(tmp_path, *records)) == codes


def test_what_goes_too_deep_is_left_out(tmp_path):
    tree = a_message(f"m{MAX_DEPTH + 20}")
    for n in reversed(range(MAX_DEPTH + 20)):
        tree = a_message(f"m{n}", tree)

    for batches in (read(tmp_path, a_tree(tree)), read(tmp_path, *flat(tree))):
        assert max(len(prompt) + 1 for prompt, _ in rows_of(batches)) == MAX_DEPTH


def test_a_fault_stops_under_the_policy_fail(tmp_path):
    with pytest.raises(DataError, match="not-openassistant") as caught:
        read(tmp_path, a_tree(a_branching_tree()), {"a": 1}, on_error="fail")

    assert caught.value.where.line == 2


NAMES = st.sampled_from("abcdefgh")
MESSAGES = st.fixed_dictionaries(
    {
        "message_id": NAMES,
        "role": st.sampled_from(["prompter", "assistant"]),
        "text": st.sampled_from(["t", " ", "\ud800", 3]),
    },
    optional={
        "parent_id": NAMES | st.none(),
        "rank": st.integers(0, 2) | st.none(),
        "deleted": st.booleans(),
        "review_result": st.booleans() | st.none(),
    },
)
REPLIES = st.recursive(
    MESSAGES,
    lambda inner: st.builds(lambda m, r: {**m, "replies": r}, MESSAGES, st.lists(inner, max_size=3)),
    max_leaves=8,
)
RECORDS = (
    MESSAGES
    | st.builds(lambda tree: {"message_tree_id": "t", "prompt": tree}, REPLIES)
    | st.builds(lambda parts: {"thread_id": "t", "thread": parts}, st.lists(MESSAGES, max_size=4))
    | st.sampled_from([{}, {"message_id": 1}, {"message_tree_id": "x"}])
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(RECORDS, max_size=8), rows=st.sampled_from(["all", "best_path"]), is_whole=st.booleans())
def test_any_export_keeps_the_laws(tmp_path, records, rows, is_whole):
    data = "".join(json.dumps(record) + "\n" for record in records).encode()[: None if is_whole else -9]

    keeps_all_laws(lambda policy: OpenAssistant(rows=rows, on_error=policy), data, tmp_path, records_are_spans=False)


@pytest.mark.skipif(not REAL.exists(), reason="the real trees are not here")
def test_real_trees_and_their_messages_give_the_same_rows(tmp_path):
    trees = [json.loads(line) for line in REAL.read_text(encoding="utf-8").splitlines()]
    messages = [message for tree in trees for message in flat(tree["prompt"])]

    from_trees, from_messages = read(tmp_path, *trees), read(tmp_path, *messages[::-1])

    answered = {
        message["parent_id"] for message in messages if message.get("parent_id") and message["role"] == "assistant"
    }
    assert drafts_of(from_trees).height == len(answered)
    assert records_of(from_messages).height == len(messages)
    assert Counter(rejects_of(from_messages)) == {
        "no-reply": sum(m["role"] == "prompter" and m["message_id"] not in answered for m in messages),
        "unranked-reply": len(repairs_of(from_trees)),
    }
    one, other = (
        [(prompt, sorted(replies)) for prompt, replies in rows_of(batches)] for batches in (from_trees, from_messages)
    )
    assert sorted(one) == sorted(other)
