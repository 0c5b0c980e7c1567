"""Stack Exchange dumps: questions, their answers, and the books."""

import html
import re
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path
from xml.sax.saxutils import quoteattr

import polars as pl
import py7zr
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from dataforge.core import params
from dataforge.core.errors import DataError
from dataforge.core.plugin import RawFile
from dataforge.reading.seven_zip import MAGIC
from dataforge.sources.stackexchange import StackExchange
from tests.sources.laws import drafts_of, keeps_all_laws, records_of, rejects_of, repairs_of

ROOT = Path(__file__).resolve().parents[2]
CORPORA = sorted((ROOT / "corpora" / "stackexchange").glob("*/Posts.xml"))
REAL = sorted((ROOT / ".." / "shared" / "data" / "stackexchange").glob("*-Posts.xml"))


def a_row(**attributes):
    return "<row " + " ".join(f"{name}={quoteattr(str(value))}" for name, value in attributes.items()) + " />"


def a_question(post_id=1, title="Why?", body="<p>Because?</p>", **more):
    known = {"Id": post_id, "PostTypeId": 1, "CreationDate": "2020-01-01T00:00:00", "Score": 3, "Body": body}
    return a_row(**{**known, **({"Title": title} if title is not None else {}), "OwnerUserId": 7, **more})


def an_answer(post_id=2, parent=1, score=1, body=None, **more):
    known = {"Id": post_id, "PostTypeId": 2, "ParentId": parent, "CreationDate": "2020-01-02T00:00:00", "Score": score}
    return a_row(**{**known, "Body": f"<p>Answer {post_id}.</p>" if body is None else body, "OwnerUserId": 8, **more})


def a_dump(*rows):
    return "\n".join(
        ['<?xml version="1.0" encoding="utf-8"?>', "<posts>", *("  " + row for row in rows), "</posts>", ""]
    )


def read(folder, *rows, label="dump/beer-Posts.xml", **options):
    path = folder / "Posts.xml"
    path.write_bytes(a_dump(*rows).encode())
    return list(StackExchange(**options).read(RawFile(path, label, "se")))


def rows_of(batches):
    return drafts_of(batches).to_dicts()


def replies(row):
    return [(response["messages"][0]["content"], response["rank"], response["score"]) for response in row["responses"]]


def test_a_question_and_its_answers_make_one_row_with_all_that_attribution_needs(tmp_path):
    batches = read(
        tmp_path,
        a_question(body="<p>Is <code>a&lt;b</code>?</p>", AcceptedAnswerId=3),
        an_answer(2, score=7, OwnerDisplayName="Ann", ContentLicense="CC BY-SA 4.0"),
        an_answer(3, score=0, ContentLicense="CC BY-SA 3.0"),
    )

    (row,) = rows_of(batches)
    assert row["group"] == "1"
    assert [(message["role"], message["content"]) for message in row["prompt"]] == [("user", "Why?\n\nIs `a<b`?")]
    assert replies(row) == [("Answer 2.", 0, 3.0), ("Answer 3.", 1, 1.0)]
    assert [response["author"] for response in row["responses"]] == ["Ann", "user 8"]
    assert [response["url"] for response in row["responses"]] == [
        "https://beer.stackexchange.com/a/2",
        "https://beer.stackexchange.com/a/3",
    ]
    assert [response["license"] for response in row["responses"]] == ["cc-by-sa-4.0", "cc-by-sa-3.0"]
    assert (row["url"], row["author"], row["license"]) == (
        "https://beer.stackexchange.com/q/1",
        "user 7",
        "cc-by-sa-4.0",
    )
    assert records_of(batches)["fate"].to_list() == ["used", "merged", "merged"]
    assert [record["rows"] for batch in batches for record in batch.records.to_dicts()] == [[0], [0], [0]]


def test_answers_are_ranked_by_number_and_not_by_text(tmp_path):
    (row,) = rows_of(
        read(tmp_path, a_question(), an_answer(2, score=9), an_answer(3, score=100), an_answer(4, score=10))
    )

    # log2 of 101, 11 and 10, rounded: 7, 3 and 3.
    assert replies(row) == [("Answer 3.", 0, 7.0), ("Answer 4.", 1, 3.0), ("Answer 2.", 1, 3.0)]


def test_answers_of_one_score_share_a_rank_and_stand_by_votes_then_id(tmp_path):
    (row,) = rows_of(read(tmp_path, a_question(), an_answer(5, score=4), an_answer(3, score=3), an_answer(2, score=4)))

    assert replies(row) == [("Answer 2.", 0, 2.0), ("Answer 5.", 0, 2.0), ("Answer 3.", 0, 2.0)]


def test_the_accepted_answer_gains_one(tmp_path):
    rows = rows_of(read(tmp_path, a_question(AcceptedAnswerId=2), an_answer(2, score=3), an_answer(3, score=4)))

    assert replies(rows[0]) == [("Answer 2.", 0, 3.0), ("Answer 3.", 1, 2.0)]


def test_negative_votes_are_the_worst(tmp_path):
    rows = rows_of(read(tmp_path, a_question(), an_answer(2, score=-4), an_answer(3, score=0)))

    assert replies(rows[0]) == [("Answer 3.", 0, 0.0), ("Answer 2.", 1, -1.0)]


TRAPS = {
    "unanswered": [a_question()],
    "orphan-answer": [an_answer(2, parent=99)],
    "other-post-type": [a_row(Id=4, PostTypeId=5, Body="<p>wiki</p>")],
    "missing-attribute": [a_row(Id=4, Body="<p>no type</p>")],
    "bad-attribute": [a_row(Id="x", PostTypeId=1)],
    "empty-body": [a_question(body="<p> <br> </p>")],
    "unknown-license": [a_question(ContentLicense="MIT")],
    "not-xml": ['<row Id="4" PostTypeId="1" Body="a < b" />'],
    "illegal-character": ['<row Id="4" PostTypeId="1" Body="&#x0;" />'],
}


@pytest.mark.parametrize("code", sorted(TRAPS))
def test_a_bad_post_is_rejected_under_its_code_and_no_other_post_with_it(tmp_path, code):
    batches = read(tmp_path, *TRAPS[code], a_question(10), an_answer(11, parent=10))

    assert rejects_of(batches) == [code]
    assert [row["group"] for row in rows_of(batches)] == ["10"]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (an_answer(3, score="4.5"), "bad-attribute"),
        (an_answer(3, score=""), "bad-attribute"),
        (an_answer(3, body=""), "empty-body"),
        (an_answer(3, CreationDate=""), "unknown-license"),
        (an_answer(2, body="<p>again</p>"), "duplicate-id"),
        (an_answer(1), "bad-attribute"),
    ],
)
def test_a_bad_answer_leaves_the_others(tmp_path, answer, code):
    batches = read(tmp_path, a_question(), an_answer(2), answer)

    assert rejects_of(batches) == [code]
    assert [replies(row) for row in rows_of(batches)] == [[("Answer 2.", 0, 1.0)]]


def test_the_answers_of_a_rejected_question_say_so(tmp_path):
    batches = read(tmp_path, a_question(body=""), an_answer(2), an_answer(3, body=""))

    assert rejects_of(batches) == ["empty-body", "question-rejected", "empty-body"]


@pytest.mark.parametrize(
    ("question", "code"),
    [
        (a_question(AcceptedAnswerId=77), "dangling-accepted-answer"),
        (a_question(title=None), "no-title"),
        (a_question(title="  "), "no-title"),
        (a_question(Score=""), "bad-question-score"),
    ],
)
def test_repairs_are_noted_and_under_reject_they_cost_the_question(tmp_path, question, code):
    rows = [question, an_answer(2)]

    assert repairs_of(read(tmp_path, *rows)) == [code]
    assert rejects_of(read(tmp_path, *rows, on_error="reject")) == [code, "question-rejected"]
    with pytest.raises(DataError, match=code):
        read(tmp_path, *rows, on_error="fail")


def test_sound_posts_that_are_not_asked_for_do_not_fail(tmp_path):
    batches = read(tmp_path, a_question(), *TRAPS["other-post-type"], on_error="fail")

    assert rejects_of(batches) == ["other-post-type", "unanswered"]


def test_only_so_many_answers_are_used_the_best_first(tmp_path):
    answers = [an_answer(n, score=2**n) for n in range(2, 6)]
    batches = read(tmp_path, a_question(), *answers, max_answers=2)

    assert [text for text, _, _ in replies(rows_of(batches)[0])] == ["Answer 5.", "Answer 4."]
    assert rejects_of(batches) == ["beyond-max-answers", "beyond-max-answers"]


def test_few_and_low_answers_can_be_left_out(tmp_path):
    dump = [a_question(), an_answer(2, score=5), an_answer(3, score=1)]

    assert rejects_of(read(tmp_path, *dump, min_score=5)) == ["low-score"]
    assert rejects_of(read(tmp_path, *dump, min_score=5, min_answers=2)) == [
        "too-few-answers",
        "question-rejected",
        "low-score",
    ]


@pytest.mark.parametrize(
    ("options", "words"), [({"min_answers": 3, "max_answers": 2}, "max_answers"), ({"site": "https://x.y/"}, "site")]
)
def test_options_that_do_not_go_together_are_refused(options, words):
    plugin, problems = params.build(StackExchange, options)

    assert plugin is None
    assert words in problems[0].message


def test_the_site_can_be_given_and_is_else_not_made_up(tmp_path):
    dump = [a_question(), an_answer(2)]

    assert rows_of(read(tmp_path, *dump, site="a.example"))[0]["url"] == "https://a.example/q/1"
    assert rows_of(read(tmp_path, *dump, label="Posts.xml"))[0]["url"] is None


def test_an_archive_as_published_gives_what_its_file_gives(tmp_path):
    plain = tmp_path / "Posts.xml"
    plain.write_text(a_dump(a_question(), an_answer(2), TRAPS["not-xml"][0]))
    packed = tmp_path / "x.7z"
    with py7zr.SevenZipFile(packed, "w") as archive:
        archive.writestr("<badges/>", "Badges.xml")
        archive.write(plain, "Posts.xml")

    one, other = (list(StackExchange().read(RawFile(path, "a", "a"))) for path in (plain, packed))

    assert drafts_of(one).height == 1
    assert drafts_of(one).equals(drafts_of(other))
    assert records_of(one).equals(records_of(other))


def test_a_damaged_archive_is_a_reject_like_any_damage(tmp_path):
    path = tmp_path / "x.7z"
    path.write_bytes(b"7z\xbc\xaf\x27\x1c and then nothing that makes sense")

    assert rejects_of(StackExchange().read(RawFile(path, "x.7z", "se"))) == ["damaged-compression"]


def test_an_entity_bomb_is_refused(tmp_path):
    path = tmp_path / "Posts.xml"
    path.write_text('<!DOCTYPE x [<!ENTITY a "aaaa">]><posts>' + a_question(body="&a;") + "</posts>")

    with pytest.raises(DataError, match="declares DOCTYPE"):
        list(StackExchange().read(RawFile(path, "a", "a")))


POSTS = st.lists(
    st.one_of(
        st.builds(
            a_question,
            st.integers(1, 6),
            body=st.sampled_from(["<p>q</p>", ""]),
            title=st.sampled_from(["t", None]),
            AcceptedAnswerId=st.integers(1, 9),
        ),
        st.builds(an_answer, st.integers(1, 12), st.integers(1, 6), st.sampled_from([0, 1, 5, -2, "x"])),
        st.sampled_from(
            ["<row", "junk", '<row Id="1" Body="\x01"/>', *(row for rows in TRAPS.values() for row in rows)]
        ),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(posts=POSTS, is_whole=st.booleans())
def test_any_dump_keeps_the_laws(tmp_path, posts, is_whole):
    data = a_dump(*posts).encode()[: None if is_whole else -30]

    keeps_all_laws(lambda policy: StackExchange(on_error=policy), data, tmp_path, records_are_spans=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60))
def test_any_bytes_keep_the_laws(tmp_path, data):
    assume(not data.startswith(MAGIC))  # an archive in a gzip file is not looked into

    keeps_all_laws(lambda policy: StackExchange(on_error=policy), data, tmp_path, records_are_spans=False)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_rows_do_not_depend_on_the_order_of_posts(tmp_path, data):
    posts = [a_question(n) for n in range(1, 5)]
    posts += [an_answer(n, data.draw(st.integers(1, 6)), data.draw(st.integers(-1, 9))) for n in range(5, 15)]

    one = read(tmp_path, *posts)
    other = read(tmp_path, *data.draw(st.permutations(posts)))

    assert drafts_of(one).equals(drafts_of(other))
    assert sorted(rejects_of(one)) == sorted(rejects_of(other))


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: path.parent.name)
def test_our_own_dumps_keep_the_laws_and_the_books(path, tmp_path):
    data = path.read_bytes()

    batches = keeps_all_laws(lambda policy: StackExchange(on_error=policy), data, tmp_path, records_are_spans=False)

    records = records_of(batches).sort("byte")
    starts = [found.start() for found in re.finditer(rb"<row ", data)]
    assert records["byte"].to_list() == starts
    assert records["n_bytes"].to_list() == [len(row.rstrip()) for row in _rows(data, starts)]


def _rows(data, starts):
    return [data[start : data.index(b"\n", start)] for start in starts]


EXPECTED = {
    "kitchen.example": (
        {"used": 42, "merged": 80, "rejected": 13},
        {
            "unanswered": 2, "other-post-type": 2, "empty-body": 2, "orphan-answer": 2, "missing-attribute": 1,
            "bad-attribute": 1, "bad-utf8": 1, "duplicate-id": 1, "question-rejected": 1,
        },
        {"dangling-accepted-answer": 1},
    ),
    "workshop.example": (
        {"used": 79, "merged": 169, "rejected": 16},
        {
            "other-post-type": 7, "unanswered": 2, "orphan-answer": 2, "missing-attribute": 1, "bad-attribute": 1,
            "empty-body": 1, "duplicate-id": 1, "not-xml": 1,
        },
        {"dangling-accepted-answer": 2, "bad-question-score": 1},
    ),
}  # fmt: skip


@pytest.mark.parametrize("path", CORPORA, ids=lambda path: path.parent.name)
def test_our_own_dumps_fall_into_their_traps_as_counted_by_hand(path):
    fates, codes, repairs = EXPECTED[path.parent.name]

    batches = list(StackExchange().read(RawFile(path, f"{path.parent.name}/Posts.xml", "se")))

    assert Counter(records_of(batches)["fate"]) == fates
    assert Counter(rejects_of(batches)) == codes
    assert Counter(repairs_of(batches)) == repairs
    assert set(drafts_of(batches)["url"].str.extract("https://([^/]+)/q/")) == {path.parent.name}


@pytest.mark.skipif(not REAL, reason="the real dumps are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_real_dumps_close_their_books(path):
    posts = [element.attrib for element in ET.parse(path).getroot()]
    answered = Counter(post["ParentId"] for post in posts if post["PostTypeId"] == "2")
    questions = [post for post in posts if post["PostTypeId"] == "1"]

    batches = list(StackExchange(max_answers=1000).read(RawFile(path, path.name, "se")))

    records, rows = records_of(batches), drafts_of(batches)
    assert records.height == len(posts)
    assert records.filter(pl.col("fate") == "merged").height == sum(answered.values())
    assert rows.height == sum(question["Id"] in answered for question in questions)
    assert Counter(rejects_of(batches)) == {
        "other-post-type": sum(post["PostTypeId"] not in "12" for post in posts),
        "unanswered": sum(question["Id"] not in answered for question in questions),
    }
    assert rows["responses"].list.len().to_list() == [answered[group] for group in rows["group"]]


@pytest.mark.skipif(not REAL, reason="the real dumps are not here")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_no_word_of_a_real_dump_is_lost(path):
    bodies = {
        post.get("Id"): post.get("Body", "")
        for post in ET.parse(path).getroot()
        if post.get("PostTypeId") in {"1", "2"}
    }

    rows = rows_of(StackExchange(max_answers=1000).read(RawFile(path, path.name, "se")))

    for row in rows:
        said = {row["group"]: row["prompt"][0]["content"]}
        said |= {response["url"].rsplit("/", 1)[1]: response["messages"][0]["content"] for response in row["responses"]}
        for post_id, text in said.items():
            words = re.findall(r"\w{4,}", html.unescape(re.sub(r"<[^>]*>", " ", bodies[post_id])))
            assert not set(words) - set(re.findall(r"\w{4,}", text.replace("\\", "")))
