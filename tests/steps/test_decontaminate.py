"""The step `decontaminate`."""

from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.corpus_filters import FittedFilter
from dataforge.core.params import build
from dataforge.reading.references import read_reference
from dataforge.steps.decontaminate import Decontaminate
from dataforge.text.overlap_boilerplate import PUBLIC
from dataforge.text.words import WORD
from tests.steps import fitted_laws, laws
from tests.steps.fitted_laws import decided
from tests.steps.rows import DATA, DEAR, frame, frames, message, response, row

# Few words, so that drawn texts repeat one another.
WORDY = st.lists(st.sampled_from(["amber", "Basil,", "中", "文", "cedar's", "no", "1234"]), max_size=9).map(" ".join)
SMALL = {"words": 4, "short_words": 3, "span_words": 5, "answer_words": 4}
LONG_QUESTION = (
    "A ferry leaves the northern harbour every forty minutes while the southern one needs an hour; how often do both "
    "depart together before midnight?"
)


def invented(seed: int, words: int) -> str:
    """Write a text of words that no other seed shares."""
    draw = np.random.default_rng(seed)
    return " ".join("".join(draw.choice(list("bdfgklmnprst"), 6)) for _ in range(words))


def evals(*texts: str, **known: str) -> list[dict]:
    return [row(text, f"See {place}.", split="test", row_id=f"e{place}", **known) for place, text in enumerate(texts)]


@DEAR
@given(
    frames(WORDY, max_rows=8),
    st.integers(0, 8),
    st.sampled_from(["row", "user", "assistant[-1]"]),
    st.sampled_from(["drop", "report"]),
)
def test_the_laws_of_fitted_filters_hold(rows, cut, on, action):
    step = Decontaminate(**SMALL, on=on, action=action)
    moved = Decontaminate(**{**SMALL, "span_words": 3, "answer_words": 1}, on=on, min_share=0.2, action="report")

    fitted_laws.fits_the_corpus_and_not_its_parts(step, rows, cut)
    fitted_laws.measures_each_row_by_itself(step, rows, cut)
    fitted_laws.decides_each_row_by_itself(step, rows, cut)
    fitted_laws.moving_a_threshold_changes_no_evidence(step, moved, rows)
    found = fitted_laws.drops_are_sound(step, rows)
    splits = dict(rows.select("row_id", "split").iter_rows())
    assert {splits[name] for name in found["row_id"]} <= {"train"}
    assert {splits[name] for name in found["because_of"]} <= {"validation", "test"}


@DEAR
@given(frames(WORDY, max_rows=8))
def test_what_is_clean_is_clean(rows):
    step = Decontaminate(**SMALL)
    index = fitted_laws.fitted(step, rows)
    dropped = step.decide(step.measure(rows, index))["index"]

    left = rows.with_row_index("place").filter(~pl.col("place").is_in(dropped.implode())).drop("place")

    assert step.decide(step.measure(left, index)).is_empty()


def test_a_row_that_repeats_a_test_prompt_goes_and_says_where():
    rows = frame(*evals(LONG_QUESTION), row(f"Help me! {LONG_QUESTION.upper()} Thanks."), row("Something else."))

    found = decided(Decontaminate(), rows)

    assert found["row_id"].to_list() == ["r1"]
    assert found.select("reason", "value", "threshold", "because_of").row(0) == ("eval-overlap", 1.0, 0.5, "e0")
    told = found["detail"][0]
    assert told.startswith('a user message has 24 of 24 words of a user message, 24 in a row: "A FERRY LEAVES')
    assert told.endswith('BEFORE MIDNIGHT"')


def test_a_long_span_is_shown_by_its_beginning():
    rows = frame(*evals(invented(1, 500)), row(invented(1, 500).replace(" ", " \n, ")))

    shown = decided(Decontaminate(), rows)["detail"].str.extract('"(.*)"')[0]

    assert 150 < len(shown) <= 160
    assert shown.endswith("…")
    assert shown.startswith(" , ".join(invented(1, 500).split()[:5]))


def test_a_hit_says_in_whose_message_it_is_and_of_whose_it_is():
    answer = invented(1, 60)
    rows = frame(
        row("Why?", answer, split="test", row_id="e"),
        row(f"Is this right: {answer}", "Yes."),
        row("Tell me.", f"Of course: {answer}"),
        row("Which?", [response("Good."), response(answer, rank=1)]),
    )

    told = decided(Decontaminate(), rows)["detail"].str.extract("^(.*) in a row")

    assert told.to_list() == [
        "a user message has 60 of 60 words of an assistant message, 60",
        "an assistant message has 60 of 60 words of an assistant message, 60",
        "an assistant message has 60 of 60 words of an assistant message, 60",
    ]


def test_every_planted_span_of_thirteen_words_is_found_and_nothing_else():
    texts = [invented(seed, 80) for seed in range(300)]
    tests = [row(text, "Yes.", split="test", row_id=f"e{place}") for place, text in enumerate(texts)]
    draw = np.random.default_rng(5)
    planted, clean = [], []
    for place, text in enumerate(texts):
        first = int(draw.integers(0, 80 - 13 + 1))
        span = " ".join(text.split()[first : first + 13])
        around = invented(1_000 + place, 40).split()
        planted.append(row(" ".join([*around[:17], span, *around[17:]]), row_id=f"p{place}"))
        clean.append(row(" ".join(around), invented(5_000 + place, 50), row_id=f"c{place}"))
    rows = frame(*tests, *planted, *clean)

    found = decided(Decontaminate(span_words=13), rows)

    assert dict(found.select("row_id", "because_of").iter_rows()) == {f"p{place}": f"e{place}" for place in range(300)}
    assert found["value"].unique().to_list() == [13.0]


def test_twelve_words_of_a_long_text_are_no_evidence():
    text = invented(1, 80).split()
    rows = frame(*evals(" ".join(text)), row(" ".join(text[20:32])), row(" ".join(text[20:33])))

    evidence = Decontaminate().measure(rows, fitted_laws.fitted(Decontaminate(), rows))

    assert evidence["words"].to_list() == [None, None, 13]


def test_rows_of_other_splits_are_neither_measured_nor_dropped():
    rows = frame(*evals(LONG_QUESTION), row(LONG_QUESTION, split="validation"), row(LONG_QUESTION))

    assert decided(Decontaminate(), rows)["row_id"].to_list() == ["r2"]
    assert decided(Decontaminate(splits=("validation",)), rows)["because_of"].to_list() == ["r1"]


def test_reference_rows_are_told_from_own_ones():
    reference = frame(row(LONG_QUESTION, split="reference", row_id="bench.jsonl#7"))
    step = Decontaminate(against="bench.jsonl")

    found = decided(step, frame(row(f"Well. {LONG_QUESTION}")), reference)

    assert found.select("reason", "because_of").row(0) == ("reference-overlap", "bench.jsonl#7")
    assert decided(step, frame(*evals(LONG_QUESTION), row(LONG_QUESTION)), reference)["reason"].to_list() == [
        "eval-overlap"
    ]


def test_a_report_keeps_the_rows_and_evidence_names_all_that_is_repeated():
    rows = frame(*evals(LONG_QUESTION, LONG_QUESTION, invented(3, 30)), row(f"{LONG_QUESTION} {invented(3, 30)}"))
    step = Decontaminate(action="report")

    found = decided(step, rows)
    pairs = step.contaminated(step.measure(rows, fitted_laws.fitted(step, rows)))

    assert found.select("row_id", "because_of", "stays").rows() == [("r3", "e2", True)]
    assert pairs.sort("row_id").rows() == [
        ("e0", 3, "user", "user", 1.0, 24),
        ("e1", 3, "user", "user", 1.0, 24),
        ("e2", 3, "user", "user", 1.0, 30),
    ]


def test_short_prompts_are_found_by_eight_words_and_shorter_ones_whole():
    nine, five = "Which mountain village bakes the darkest rye bread today?", "Explain mountain railways very briefly"
    rows = frame(
        *evals(nine, five),
        row(f"Tell me. {nine} I am curious."),
        row("which MOUNTAIN village bakes the darkest rye loaf today"),
        row("Explain mountain railways, very briefly!"),
        row(f"{five} and slowly"),
    )

    found = decided(Decontaminate(), rows)

    assert found.select("row_id", "because_of").rows() == [("r2", "e0"), ("r4", "e1")]


def test_short_answers_and_follow_ups_are_everybodys():
    said = [message("user", LONG_QUESTION), message("assistant", "Hm."), message("user", "Please explain that further")]
    rows = frame(
        row(said, "I am sorry, but without the timetable nobody can really answer that.", split="test", row_id="e"),
        row("Please explain that further", "I am sorry, but without the timetable nobody can really answer that."),
    )

    assert decided(Decontaminate(), rows).is_empty()


def test_words_that_tell_nothing_are_no_evidence():
    empty = "it is to be or not to be and so it is as it was on the day 1 2 3 4 5 6 7 8 9 10"
    rows = frame(*evals(empty, "the " * 40, "?!" * 40, ""), row(empty), row("the " * 40), row("?!" * 40), row(""))

    assert decided(Decontaminate(), rows).is_empty()


def test_a_template_of_the_evaluation_set_is_no_evidence():
    template = "Read the passage below with great care and choose whichever of the four answers fits it best:"
    rows = frame(
        *evals(*(f"{template} {invented(place, 20)}" for place in range(12))),
        row(f"{template} {invented(99, 20)}", row_id="only the template"),
        row(f"{template} {invented(7, 20)}", row_id="a question too"),
    )

    assert decided(Decontaminate(span_words=13), rows).select("row_id", "because_of").rows() == [
        ("a question too", "e7")
    ]


def test_what_many_training_texts_share_is_no_evidence():
    phrase = "Thank you for calling our friendly service desk, my name is Robin, how may I help you today?"
    few = [row(f"{phrase} {invented(place, 9)}") for place in range(10)]

    assert decided(Decontaminate(), frame(*evals(phrase), *few)).height == 10
    more = row(f"{phrase} {invented(77, 9)}")
    assert decided(Decontaminate(), frame(*evals(phrase), *few, more)).is_empty()


def test_copies_of_one_text_do_not_make_it_boilerplate():
    copies = [row(LONG_QUESTION, invented(place, 9)) for place in range(30)]

    assert decided(Decontaminate(), frame(*evals(LONG_QUESTION), *copies)).height == 30


@pytest.mark.parametrize("text", PUBLIC)
def test_licences_and_prompts_of_templates_are_no_evidence(text):
    rows = frame(*evals(text), row(f"Before. {text}\nAfter."), row([message("system", text), message("user", "Go on")]))

    assert decided(Decontaminate(span_words=8), rows).is_empty()


def test_system_messages_of_the_evaluation_set_are_no_evidence():
    rule = message(
        "system", "You are a helpful assistant who answers every question of the museum's visitors in rhyme."
    )
    rows = frame(
        row([rule, message("user", "Who painted this?")], "Nobody.", split="test", row_id="e"),
        row([rule, message("user", "Where is the café?")], "Upstairs."),
    )

    assert decided(Decontaminate(span_words=8), rows).is_empty()


def test_chinese_is_compared_by_characters():
    question = "一只青蛙每天白天爬三米晚上滑下两米井深十米几天能爬出来"
    rows = frame(*evals(question), row(f"请问，{question}？谢谢"), row("青蛙白天爬三米"))

    found = decided(Decontaminate(), rows)

    assert found["row_id"].to_list() == ["r1"]
    assert f"{len(question)} of {len(question)} words" in found["detail"][0]


def test_a_text_that_is_in_everything_is_no_evidence():
    rows = frame(*evals(LONG_QUESTION), *(row(f"{invented(place, 30)} {LONG_QUESTION}") for place in range(40)))

    assert decided(Decontaminate(), rows).is_empty()
    assert decided(Decontaminate(max_document_frequency=1.0), rows).height == 40


def test_nothing_to_compare_with_is_no_trouble():
    assert decided(Decontaminate(), frame(row("Hello"))).is_empty()
    assert decided(Decontaminate(), frame()).is_empty()
    assert fitted_laws.fitted(Decontaminate()).is_empty()


def test_the_step_is_a_fitted_filter_that_names_its_reference_files():
    assert isinstance(Decontaminate(), FittedFilter)
    assert Decontaminate.reference_fields == ("against",)
    laws.rebuilds_from_its_parameters(Decontaminate(against=("a.jsonl", "b"), splits=("test",), on="user[-1]"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"words": 5, "short_words": 8}, r"short_words \(8\) is above words \(5\)"),
        ({"words": 0, "short_words": 0}, "greater than or equal to 1"),
        ({"splits": []}, "nothing to compare with"),
        ({"splits": ["train"]}, "'validation' or 'test'"),
        ({"min_share": 0.0}, "greater than 0"),
        ({"max_document_frequency": 1.5}, "less than or equal to 1"),
        ({"action": "keep"}, "'drop' or 'report'"),
    ],
)
def test_keys_that_cannot_work_are_refused(values, message):
    plugin, problems = build(Decontaminate, values)

    assert plugin is None
    assert re.search(message, problems[0].message)


def real(path: str, split: str) -> pl.DataFrame:
    if not (DATA / path).is_file():
        pytest.skip("no real files beside the repository")
    return pl.concat(read_reference(DATA / path, path)).with_columns(split=pl.lit(split))


def plain(texts: pl.Series) -> list[str]:
    """Write words in small letters between single blanks, as a slow and simple judge wants them."""
    words = texts.str.to_lowercase().str.replace_all("’", "'").str.extract_all(WORD)
    return [f" {text} " for text in words.list.join(" ")]


def test_every_safety_prompt_that_stands_in_real_conversations_is_found():
    prompts = pl.concat([real("xstest/xstest_prompts.csv", "reference")])
    talk = real("hh-rlhf/harmless-base-test.jsonl.gz", "train")
    first = talk["prompt"].list.first().struct.field("content")
    short = {
        text: name
        for name, text in zip(prompts["row_id"], plain(prompts["prompt"].list.first().struct[1]), strict=True)
    }

    found = decided(Decontaminate(on="user[0]", action="report"), talk, prompts)

    whole = {(name, short[text]) for name, text in zip(talk["row_id"], plain(first), strict=True) if text in short}
    assert whole
    assert set(found.select("row_id", "because_of").iter_rows()) == whole


def test_questions_planted_in_real_conversations_are_found_and_the_rest_is_clean():
    bench = real("fastchat/mt_bench_question.jsonl", "reference")
    talk = real("hh-rlhf/helpful-base-test.jsonl.gz", "train").head(1_000)
    questions = [text for text in bench["prompt"].list.first().struct.field("content") if len(text.split()) >= 20]
    rows = talk.to_dicts()
    for place, question in enumerate(questions):
        rows[7 * place]["prompt"][-1]["content"] += f"\n{question}"
    step = Decontaminate(against="mt_bench")

    found = decided(step, pl.DataFrame(rows, schema=talk.schema), bench)

    assert found["index"].to_list() == [7 * place for place in range(len(questions))]
    assert decided(step, talk, bench).is_empty()
