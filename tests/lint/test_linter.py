"""Linting: every record is counted once, and each finding is exact on data made to have it."""

import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.core.errors import DataError, RecipeError
from dataforge.lint.codes import DATA_CODES, LONG_CHARACTERS
from dataforge.lint.linter import Linter
from dataforge.lint.rows import lower_bound
from dataforge.reading import batch
from tests.make import a_conversation, json_lines

ROOT = Path(__file__).resolve().parents[2]
CORPORA = ROOT / "corpora"
SHARED = ROOT / ".." / "shared" / "data"

GOOD = a_conversation("What is tea?", "A drink made of leaves.")
BAD = {
    "unknown-role": {"conversations": [{"from": "narrator", "value": "x"}]},
    "empty-conversation": {"conversations": []},
    "not-an-object": "a string",
    "not-json": b"{broken",
}
RECORDS = st.lists(
    st.sampled_from([(None, GOOD), *BAD.items()])
    | st.integers(0, 3).map(lambda n: (None, a_conversation(f"Q{n}?", "Yes."))),
    min_size=1,
    max_size=25,
)


def a_pair(prompt, chosen, rejected):
    sides = {"chosen": chosen, "rejected": rejected}
    return {
        "conversations": [{"from": "human", "value": prompt}],
        **{k: {"from": "gpt", "value": v} for k, v in sides.items()},
    }


def lint(tmp_path, *records, name="x.jsonl", examples=3):
    # One good record keeps the shape known whatever else is in the file.
    return Linter(examples).lint(json_lines(tmp_path / name, [*records]), "sharegpt")


def found(report):
    return {finding.code: finding.records for finding in report.findings}


@settings(max_examples=12, deadline=None)
@given(records=RECORDS)
def test_every_record_is_usable_rejected_or_left_out_and_rejects_have_their_codes(tmp_path_factory, records):
    wrong = Counter(code for code, _ in records if code)

    report = lint(tmp_path_factory.mktemp("law"), *(record for _, record in records))

    assert report.records == len(records) == report.usable + report.rejected + report.left_out
    assert report.rejected == wrong.total()
    assert {code: count for code, count in found(report).items() if code in BAD} == dict(wrong)
    assert report.has_errors == bool(wrong)


@settings(max_examples=12, deadline=None)
@given(numbers=st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_copies_are_all_that_came_before(tmp_path_factory, numbers):
    records = [a_conversation(f"What is {n}?", f"{n}, of course.") for n in numbers]

    report = lint(tmp_path_factory.mktemp("law"), *records)

    assert found(report).get("duplicate-record", 0) == len(numbers) - len(set(numbers))
    assert found(report).get("shared-prompt", 0) == 0


@settings(max_examples=12, deadline=None)
@given(records=RECORDS, size=st.integers(1, 7))
def test_the_report_does_not_depend_on_where_batches_end(tmp_path_factory, records, size):
    folder = tmp_path_factory.mktemp("law")
    whole = lint(folder, *(record for _, record in records))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "MAX_BATCH_RECORDS", size)
        cut = lint(folder, *(record for _, record in records))

    assert cut == whole


def test_copies_are_found_across_files(tmp_path):
    linter = Linter()
    linter.lint(json_lines(tmp_path / "a.jsonl", [a_conversation("Other?", "Yes."), GOOD]))

    report = linter.lint(json_lines(tmp_path / "b.jsonl", [GOOD]))

    assert found(report) == {"duplicate-record": 1}
    place = report.findings[0].places[0]
    assert (place.line, place.detail) == (1, f"as {tmp_path}/a.jsonl:2")


def test_a_flipped_pair_is_an_error_and_no_copy(tmp_path):
    report = lint(
        tmp_path, a_pair("Q?", "a", "b"), a_pair("R?", "a", "b"), a_pair("Q?", "b", "a"), a_pair("Q?", "a", "b")
    )

    assert found(report) == {"flipped-pair": 1, "duplicate-record": 1}
    assert report.has_errors
    flipped = next(finding for finding in report.findings if finding.code == "flipped-pair")
    assert [(place.line, place.detail) for place in flipped.places] == [(3, f"as {tmp_path}/x.jsonl:1")]


def test_the_same_prompt_with_other_answers_is_a_note(tmp_path):
    report = lint(tmp_path, a_conversation("Q?", "one"), a_conversation("Q?", "two"), a_conversation("R?", "two"))

    assert found(report) == {"shared-prompt": 1}
    assert not report.has_errors


def test_rows_of_one_record_may_share_their_prompt(tmp_path):
    answers = [
        {"message_id": f"a{n}", "parent_id": "m", "role": "assistant", "text": f"Answer {n}.", "rank": n}
        for n in range(3)
    ]
    prompt = {
        "message_id": "m",
        "role": "prompter",
        "text": "Q?",
        "lang": "en",
        "replies": [{**a, "replies": []} for a in answers],
    }
    path = json_lines(
        tmp_path / "x.jsonl", [{"message_tree_id": "m", "tree_state": "ready_for_export", "prompt": prompt}]
    )

    report = Linter().lint(path)

    assert "shared-prompt" not in found(report)
    assert "duplicate-record" not in found(report)


TEXTS = {
    "mojibake": "a cafÃ© in town",
    "replacement-character": "a caf\ufffd in town",
    "unprintable-character": "a caf\x07 in town",
    "zero-width-character": "a caf\u200b in town",
    "not-nfc": "a cafe\u0301 in town",
    "long-message": "word " * (LONG_CHARACTERS // 5 + 1),
}


@pytest.mark.parametrize("code", TEXTS)
def test_each_odd_text_has_its_code_once_a_record(tmp_path, code):
    odd = {"conversations": [{"from": "human", "value": TEXTS[code]}, {"from": "gpt", "value": TEXTS[code] + " too"}]}

    report = lint(tmp_path, GOOD, odd)

    assert found(report) == {code: 1}
    assert report.findings[0].places[0].line == 2


@pytest.mark.parametrize(
    "text",
    [
        "NÃO É ASSIM",
        "« Âge »",
        "café, naïve, Ångström",
        "👩\u200d👧 می\u200cخواهم",
        "tab\tand\r\nline",
        "한국어 日本語",
    ],
)
def test_sound_text_of_many_languages_has_no_finding(tmp_path, text):
    assert found(lint(tmp_path, a_conversation(text, "Yes."))) == {}


def test_an_answer_that_repeats_the_question_is_a_warning_unless_it_is_short(tmp_path):
    long = "Please say this sentence again."

    report = lint(tmp_path, a_conversation(long, f" {long}\n"), a_conversation("Hello!", "Hello!"))

    assert found(report) == {"echoed-prompt": 1}


def test_answers_that_differ_in_blanks_and_case_alone_are_a_warning(tmp_path):
    report = lint(tmp_path, a_pair("Q?", "Yes,  I do", "yes, i do"), a_pair("R?", "Yes, I do", "No"))

    assert found(report) == {"same-but-for-blanks": 1}


@pytest.mark.parametrize(("longer", "is_bias"), [(30, True), (24, True), (18, False), (15, False), (2, True)])
def test_length_bias_is_told_only_where_it_is_clear(tmp_path, longer, is_bias):
    pairs = [a_pair(f"Q{n}?", "a long answer" if n < longer else "short", "medium..") for n in range(30)]

    report = lint(tmp_path, *pairs)

    assert ("length-bias" in found(report)) == is_bias
    assert (report.counts.pairs, report.counts.chosen_longer) == (30, longer)


def test_the_interval_of_a_share_is_wilsons():
    # Wilson's 95 % interval for 8 of 10 is .490 to .943 (Newcombe 1998 gives the formula; method 3).
    assert lower_bound(8, 10) == pytest.approx(0.4902, abs=5e-4)
    assert lower_bound(0, 10) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("answers", "is_uneven"), [(6, True), (2, False)])
def test_a_file_where_one_role_hardly_speaks_has_a_note(tmp_path, answers, is_uneven):
    # A tool's answers between them keep those of the assistant apart.
    spoken = [{"from": "tool" if place % 2 else "gpt", "value": f"{place}"} for place in range(2 * answers - 1)]
    records = [{"conversations": [{"from": "human", "value": f"Q{n}?"}, *spoken]} for n in range(40)]

    report = lint(tmp_path, *records)

    assert ("uneven-roles" in found(report)) == is_uneven
    assert (report.counts.roles["user"], report.counts.roles["assistant"]) == (40, 40 * answers)


def test_no_more_places_are_kept_than_asked_for(tmp_path):
    bad = [BAD["not-json"]] * 50

    assert [len(finding.places) for finding in lint(tmp_path, *bad, examples=2).findings] == [2]
    assert [len(finding.places) for finding in lint(tmp_path, *bad, examples=0).findings] == [0]


def test_several_records_in_one_line_are_said_to_share_it(tmp_path):
    (tmp_path / "x.json").write_text(json.dumps([GOOD, a_conversation("Q?", "A.")]))

    assert Linter().lint(tmp_path / "x.json").shares_lines
    assert not lint(tmp_path, GOOD, a_conversation("Q?", "A.")).shares_lines


def test_a_source_that_is_not_there_or_needs_columns_is_a_mistake_of_the_command(tmp_path):
    path = json_lines(tmp_path / "x.jsonl", [GOOD])

    with pytest.raises(RecipeError) as caught:
        Linter().lint(path, "shargpt")
    assert caught.value.fix == "did you mean 'sharegpt'?"
    with pytest.raises(RecipeError, match="no column is named"):
        Linter().lint(path, "json")


def test_a_file_of_no_known_shape_can_still_be_read_with_a_named_source(tmp_path):
    path = json_lines(tmp_path / "x.jsonl", [{"foo": 1}])

    with pytest.raises(DataError, match="'foo'"):
        Linter().lint(path)
    assert found(Linter().lint(path, "sharegpt")) == {"no-conversation": 1}


def test_the_codes_are_stable_names_and_each_says_what_it_means():
    names = [code.name for code in DATA_CODES]

    assert len(set(names)) == len(names)
    assert all(name == name.lower() and " " not in name for name in names)
    assert all(code.what.endswith((".", "'é'.")) and code.build for code in DATA_CODES)


def test_the_traps_of_the_preference_corpus_are_all_found():
    report = Linter().lint(CORPORA / "hh-rlhf" / "helpful.jsonl.gz")

    counts = found(report)
    wanted = {"identical-pair": 2, "missing-side": 2, "early-divergence": 2, "turn-counts-differ": 1, "flipped-pair": 1}
    assert {code: counts.get(code) for code in wanted} == wanted
    assert counts["duplicate-record"] == 1
    assert report.records == 165


def test_the_traps_of_the_chat_corpus_are_found_across_its_files():
    linter = Linter(examples=50)
    reports = [linter.lint(CORPORA / "sharegpt" / name) for name in ("chat.json", "forum.jsonl", "mobile.jsonl.gz")]

    copies = [found(report).get("duplicate-record", 0) for report in reports]
    assert sum(copies) == 8
    assert sum(found(report).get("unknown-role", 0) for report in reports) == 1
    assert [report.records for report in reports] == [150, 102, 40]


def test_the_sides_of_a_dump_that_are_not_ours_are_no_errors(tmp_path):
    posts = (
        '<posts><row Id="1" PostTypeId="1" CreationDate="2020-01-01T00:00:00.000" Score="1" Body="&lt;p&gt;Why?&lt;/p&gt;" Title="T" />\n'
        '<row Id="2" PostTypeId="2" ParentId="1" CreationDate="2020-01-01T00:00:00.000" Score="1" Body="&lt;p&gt;So.&lt;/p&gt;" />\n'
        '<row Id="3" PostTypeId="5" CreationDate="2020-01-01T00:00:00.000" Score="0" Body="wiki" /></posts>'
    )
    path = tmp_path / "Posts.xml"
    path.write_text(posts.replace("<row", "\n<row"))

    report = Linter().lint(path)

    assert (report.usable, report.left_out, report.rejected) == (2, 1, 0)
    assert not report.has_errors


@pytest.mark.parametrize(
    ("name", "records", "codes"),
    [
        ("fastchat/dummy_conversation.json", 500, {"shared-prompt": 116}),
        ("llama-factory-demos/dpo_en_demo.json", 300, {"duplicate-record": 5, "mojibake": 1}),
        ("llama-factory-demos/alpaca_en_demo.json", 999, {"duplicate-record": 14}),
        ("hh-rlhf/helpful-base-test.jsonl.gz", 2354, {"identical-pair": 2}),
    ],
)
def test_real_files_have_the_findings_that_were_checked_by_hand(name, records, codes):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"{name} is not on this machine")

    report = Linter().lint(path)

    assert report.records == records
    assert {code: found(report).get(code) for code in codes} == codes
