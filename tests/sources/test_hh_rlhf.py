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
from dataforge.sources.hh_rlhf import HhRlhf
from tests.sources.laws import (
    books_close,
    drafts_of,
    keeps_all_laws,
    places_are_exact,
    read_all,
    records_of,
    rejects_of,
    repairs_of,
)

ROOT = Path(__file__).resolve().parents[2]
CORPUS = ROOT / "corpora" / "hh-rlhf"
REAL = ROOT / ".." / "shared" / "data" / "hh-rlhf"


def a_side(*sayings: str) -> str:
    """A transcript in which human and assistant take turns."""
    return "".join(
        f"\n\n{name}: {said}" for name, said in zip(["Human", "Assistant"] * len(sayings), sayings, strict=False)
    )


def a_pair(chosen: str, rejected: str) -> dict:
    return {"chosen": chosen, "rejected": rejected}


def make(policy: str) -> Source:
    return HhRlhf(on_error=policy)


def read(folder: Path, *records: object):
    """Rows as dictionaries, reject codes and repair codes of some records, with every law checked."""
    data = "\n".join(json.dumps(record) for record in records).encode()
    batches = keeps_all_laws(make, data, folder)
    return drafts_of(batches).to_dicts(), rejects_of(batches), repairs_of(batches)


def texts(messages: list[dict]) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in messages]


def replies(row: dict) -> list[str]:
    return [message["content"] for response in row["responses"] for message in response["messages"]]


PARTS = st.lists(
    st.sampled_from(["\n\nHuman: a", "\n\nAssistant: b", "\n\nAssistant:", " c", '"', "\n\n"]), max_size=6
).map("".join)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional={"chosen": PARTS | st.none(), "rejected": PARTS, "transcript": PARTS})
        | st.text(max_size=2),
        max_size=5,
    )
)
@settings(deadline=None, max_examples=40)
def test_every_record_ends_in_a_row_or_in_a_reject(records):
    records = [a_pair(a_side("q", "x"), a_side("q", "y")), *records]
    with tempfile.TemporaryDirectory() as folder:
        batches = keeps_all_laws(make, "\n".join(map(json.dumps, records)).encode(), Path(folder))

    assert records_of(batches).height == len(records)


@given(
    prompt=st.sampled_from([("a",), ("a", "b", "c"), ("a", "b", "c", "d", "e")]),
    chosen=st.text("abs k.", min_size=1, max_size=9),
    rejected=st.text("abs k.", min_size=1, max_size=9),
)
@settings(deadline=None, max_examples=40)
def test_the_prompt_is_what_was_said_before_the_replies_and_nothing_of_them(prompt, chosen, rejected):
    if not chosen.strip() or not rejected.strip() or chosen.strip() == rejected.strip():
        return
    with tempfile.TemporaryDirectory() as folder:
        (row,), _, repairs = read(Path(folder), a_pair(a_side(*prompt, chosen), a_side(*prompt, rejected)))

    assert texts(row["prompt"]) == list(zip(["user", "assistant"] * 3, prompt, strict=False))
    assert replies(row) == [chosen.strip(), rejected.strip()]
    assert [response["rank"] for response in row["responses"]] == [0, 1]
    assert repairs == []


def test_words_that_both_replies_begin_with_stay_in_the_replies(tmp_path):
    (row,), _, _ = read(
        tmp_path, a_pair(a_side("Why blue?", "The sky is blue."), a_side("Why blue?", "The sky scatters."))
    )

    assert replies(row) == ["The sky is blue.", "The sky scatters."]


def test_a_reply_that_is_the_beginning_of_the_other_is_a_pair(tmp_path):
    (row,), rejects, repairs = read(tmp_path, a_pair(a_side("Why?", "Because of dust."), a_side("Why?", "Because")))

    assert replies(row) == ["Because of dust.", "Because"]
    assert rejects == repairs == []


@pytest.mark.parametrize(
    ("record", "code"),
    [
        (a_pair(a_side("q", "a"), a_side("q", "a")), "identical-pair"),
        (a_pair(a_side("q", "a"), a_side("q", "a ")), "identical-pair"),
        (a_pair(a_side("q", "a", "r", "x"), a_side("q", "b", "s", "y")), "early-divergence"),
        (a_pair(a_side("q", "a", "r", "x"), a_side("p", "a", "r", "x")), "early-divergence"),
        (a_pair(a_side("q", "a", "r", "x"), a_side("q", "b")), "turn-counts-differ"),
        (a_pair(a_side("q", "a", "r"), a_side("q", "a")), "ends-with-human"),
        (a_pair(a_side("q", "a"), "\n\nHuman: q\n\nAssistant:"), "empty-reply"),
        (a_pair(a_side("q", " "), a_side("q", "a")), "empty-reply"),
        (a_pair(a_side("q", "", "r", "x"), a_side("q", "", "r", "y")), "empty-turn"),
        (a_pair("q", a_side("q", "a")), "no-turns"),
        (a_pair("", ""), "no-turns"),
        ({"chosen": a_side("q", "a")}, "missing-side"),
        ({"chosen": None, "rejected": a_side("q", "a")}, "missing-side"),
        ({"chosen": ["q"], "rejected": a_side("q", "a")}, "missing-side"),
        ({}, "missing-side"),
        (["q"], "not-an-object"),
    ],
)
def test_what_is_no_pair_is_rejected(record, code, tmp_path):
    rows, rejects, _ = read(tmp_path, a_pair(a_side("fine", "x"), a_side("fine", "y")), record)

    assert len(rows) == 1
    assert rejects == [code]


def test_a_reject_says_which_side_and_where(tmp_path):
    path = tmp_path / "some"
    bad = [
        {"chosen": "x"},
        a_pair(a_side("q", "a", "r", "x"), a_side("q", "b", "s", "y")),
        a_pair(a_side("q", "a"), a_side("q", "")),
    ]
    path.write_text("\n".join(map(json.dumps, bad)))

    assert records_of(read_all(make("repair"), path))["detail"].to_list() == [
        "rejected",
        "turn 2 of 4 differs",
        "rejected",
    ]


@pytest.mark.parametrize(
    ("prefix", "prompt", "code"),
    [
        ("\n\nHuman: Help?\n\nHuman: With keys", [("user", "Help?\n\nWith keys")], "same-role"),
        ("\n\nAssistant: Hello!\n\nHuman: Hi", [("user", "Hi")], "starts-with-assistant"),
        (
            '\n\nHuman: They wrote "\n\nAssistant: closed." So?',
            [("user", 'They wrote "\n\nAssistant: closed." So?')],
            "quoted-marker",
        ),
    ],
)
def test_what_can_be_mended_is_mended_and_named(prefix, prompt, code, tmp_path):
    (row,), rejects, repairs = read(tmp_path, a_pair(f"{prefix}\n\nAssistant: x", f"{prefix}\n\nAssistant: y"))

    assert texts(row["prompt"]) == prompt
    assert replies(row) == ["x", "y"]
    assert rejects == []
    assert repairs == [code]


def test_a_reply_in_two_turns_is_one_reply(tmp_path):
    (row,), _, repairs = read(tmp_path, a_pair(a_side("q", "one") + "\n\nAssistant: two", a_side("q", "three")))

    assert replies(row) == ["one\n\ntwo", "three"]
    assert repairs == ["same-role"]


def test_pairs_with_one_beginning_share_their_group(tmp_path):
    rows, _, _ = read(
        tmp_path,
        a_pair(a_side("q", "a"), a_side("q", "b")),
        a_pair(a_side("q", "a", "r", "c"), a_side("q", "a", "r", "d")),
        a_pair(a_side("p", "a"), a_side("p", "b")),
    )

    assert rows[0]["group"] == rows[1]["group"] != rows[2]["group"]


@pytest.mark.parametrize("policy", ["repair", "reject", "fail"])
def test_a_red_team_file_is_refused_with_the_reason(policy, tmp_path):
    path = tmp_path / "red.jsonl"
    path.write_text(json.dumps({"transcript": a_side("q", "a"), "min_harmlessness_score_transcript": 1.0, "rating": 2}))

    with pytest.raises(DataError, match=r"corpus/file.*hold no pairs") as caught:
        read_all(make(policy), path)

    assert caught.value.exit_code == 3
    assert "leave the file out" in caught.value.fix


@pytest.mark.parametrize(
    ("name", "rows", "rejects", "repairs"),
    [
        ("harmless.jsonl.gz", 110, {}, {}),
        ("helpful.jsonl.gz", 154,
         {"identical-pair": 2, "early-divergence": 2, "ends-with-human": 1, "turn-counts-differ": 1, "empty-reply": 1, "missing-side": 2, "not-json": 1, "bad-utf8": 1},
         {"quoted-marker": 1, "same-role": 1, "starts-with-assistant": 1}),
        ("online.jsonl", 24, {"early-divergence": 1, "ends-with-human": 1, "empty-reply": 1, "not-json": 1}, {"quoted-marker": 1}),
    ],
)  # fmt: skip
def test_the_traps_of_our_own_corpus_are_found(name, rows, rejects, repairs, tmp_path):
    path = CORPUS / name
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()

    batches = keeps_all_laws(make, data, tmp_path)

    assert drafts_of(batches).height == rows
    assert Counter(rejects_of(batches)) == rejects
    assert Counter(repairs_of(batches)) == repairs


def test_the_red_team_file_of_our_own_corpus_is_refused():
    with pytest.raises(DataError):
        read_all(make("repair"), CORPUS / "red-team" / "red-team.jsonl")


@pytest.mark.skipif(not REAL.is_dir(), reason="the real data are not here")
@pytest.mark.parametrize(
    ("name", "rows", "rejects", "repairs"),
    [
        ("harmless-base-test.jsonl.gz", 2_308, {"empty-reply": 4}, {"same-role": 9}),
        (
            "helpful-base-test.jsonl.gz",
            2_348,
            {"empty-reply": 3, "identical-pair": 2, "empty-turn": 1},
            {"same-role": 15},
        ),
    ],
)
def test_real_tranches_are_read_whole(name, rows, rejects, repairs):
    batches = read_all(make("repair"), REAL / name)

    books_close(make("repair"), batches)
    places_are_exact(batches, REAL / name)
    assert drafts_of(batches).height == rows
    assert Counter(rejects_of(batches)) == rejects
    assert Counter(repairs_of(batches)) == repairs
