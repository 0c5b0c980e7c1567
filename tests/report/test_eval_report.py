from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dataforge.report.eval_record import Score, metrics_of, remarks
from dataforge.report.eval_report import Difference, eval_page, scorecard, write_eval_report
from dataforge.store.home import Store
from tests.report.html_page import Page
from tests.report.run_record import a_result, an_eval


def said(run: dict[str, Any]) -> list[str]:
    names = [model["name"] for model in run["models"]]
    return [f"{'!' if remark.is_grave else '.'} {remark.text}" for remark in remarks(metrics_of(run), names)]


BITS = "perplexity.bits_per_byte"
TOKEN = "perplexity.per_token"


def a_pair(
    metric: str, ends: tuple[Any, Any] | None, values: tuple[float, float] = (3.4812, 4.2864), **known: Any
) -> list[dict[str, Any]]:
    """The results of sft and base; the ends are those of the paired difference."""
    versus: dict[str, Any] = {} if ends is None else {"versus": {"baseline": "base", "low": ends[0], "high": ends[1]}}
    sft, base = values
    signature: dict[str, Any] = {"signature": "ppl|len:512|tok:c9e4cbc1|v:1"}
    return [
        a_result("sft", metric, sft, 0.304, n=40, **{**signature, **versus, **known}),
        a_result("base", metric, base, 0.337, n=40, **signature),
    ]


def a_comparison(*results: dict[str, Any], **known: Any) -> dict[str, Any]:
    return an_eval(results=list(results), baseline="base", **known)


def heading(run: dict[str, Any]) -> str:
    return Page(eval_page(run)).one("h1").replace("\u00a0", " ")


def cells(run: dict[str, Any], model: int = 1) -> list[str]:
    return [" ".join(row[model].split()) for row in Page(eval_page(run)).tables["scores-table"][1:]]


def test_the_first_words_say_who_is_better_by_how_much_and_how_sure_that_is():
    worse = a_comparison(*a_pair(BITS, (0.7551, 0.8624), (4.2864, 3.4812)))

    assert heading(a_comparison(*a_pair(BITS, (-0.8624, -0.7551)))) == (
        "sft is better than base: 3.48 against 4.29 bits per byte, 0.81 lower (95 % interval 0.76 to 0.86, n = 40)"
    )
    assert heading(worse) == (
        "sft is worse than base: 4.29 against 3.48 bits per byte, 0.81 higher (95 % interval 0.76 to 0.86, n = 40)"
    )


def test_no_difference_is_seen_only_where_the_paired_interval_holds_zero():
    run = a_comparison(*a_pair(BITS, (-0.0602, 0.0211), (4.2664, 4.2864)))

    assert heading(run) == (
        "No difference seen between sft and base: 4.27 against 4.29 bits per byte, "
        "difference −0.02 (95 % interval −0.06 to +0.02, n = 40)"
    )
    assert cells(run)[0].endswith("n = 40= −0.020 [−0.060, +0.021] no difference seen")


@pytest.mark.parametrize(
    ("better", "value", "ends", "word"),
    [
        ("high", 0.3, (0.05, 0.15), "▲ +0.100 [+0.050, +0.150] better"),
        ("high", 0.1, (-0.15, -0.05), "▼ −0.100 [−0.150, −0.050] worse"),
        ("low", 0.3, (0.05, 0.15), "▲ +0.100 [+0.050, +0.150] worse"),
        (None, 0.3, (0.05, 0.15), "▲ +0.100 [+0.050, +0.150] higher"),
    ],
)
def test_what_is_better_is_said_by_the_record(better: str | None, value: float, ends: tuple[float, float], word: str):
    run = a_comparison(*a_pair("rouge.rougeL", ends, (value, 0.2), better=better))

    assert cells(run)[0].endswith(word)


def test_where_nobody_said_what_is_better_the_headline_names_the_direction_alone():
    run = a_comparison(*a_pair("rouge.rougeL", (0.05, 0.15), (0.3, 0.2)))

    assert heading(run).startswith("sft differs from base: 0.30 against 0.20 rouge.rougeL, 0.10 higher (")


def test_intervals_that_overlap_show_nothing_where_nothing_was_compared_pair_by_pair():
    run = an_eval(results=a_pair(BITS, None, (4.2, 4.3)))
    text = Page(eval_page(run)).text

    assert heading(run) == "2 models on the test split"
    assert "bits per byte: sft 4.20, base 4.30. The intervals overlap, and nothing was compared pair by pair" in text
    assert "no difference" not in text.split("What stands out")[0].lower()


def test_without_a_baseline_the_verdict_is_that_intervals_stand_apart():
    page = Page(eval_page(an_eval()))

    assert page.one("h1") == "2 models on the test split"
    assert "perplexity: sft 18.4, base 31.9. The intervals of base and sft stand apart." in page.text


@pytest.mark.parametrize("ends", [None, (None, None), (float("nan"), 0.1), ("-1", "1")])
def test_a_baseline_without_a_paired_interval_gives_no_verdict(ends: tuple[Any, Any] | None):
    run = a_comparison(*a_pair(BITS, ends))

    assert heading(run) == "2 models on the test split"
    assert cells(run)[0].endswith("not compared pair by pair")


def test_the_verdict_is_about_bits_per_byte_and_leaves_the_rest_to_the_table():
    run = a_comparison(*a_pair(TOKEN, (-1612.0, -1518.0), (490.8, 2057.4)), *a_pair(BITS, (-0.8624, -0.7551)))
    verdict = Page(eval_page(run)).text.split("What stands out")[0]

    assert "bits per byte" in verdict
    assert "per token" not in verdict
    assert [cell.split("n = 40")[1] for cell in cells(run)] == [
        "▼ −1,567 [−1,612, −1,518] better",
        "▼ −0.805 [−0.862, −0.755] better",
    ]


def test_several_models_are_counted_and_have_a_line_each():
    pair, other = a_pair(BITS, (-0.8624, -0.7551)), a_pair(BITS, (-0.06, 0.02), (4.2664, 4.2864))[0]
    run = a_comparison(*pair, {**other, "model": "dpo"}, models=[{"name": name} for name in ("sft", "base", "dpo")])
    page = Page(eval_page(run))

    assert page.one("h1") == "2 models against base: 1 better, 1 no difference seen"
    assert "sft is better than base: 3.48" in page.text
    assert "No difference seen between dpo and base: 4.27" in page.text


def test_only_what_counts_tokens_is_not_comparable_across_tokenizers():
    metrics = [BITS, "perplexity.per_byte", "perplexity.per_word", TOKEN]
    run = a_comparison(
        *(
            one
            for metric in metrics
            for one in a_pair(metric, (-0.8624, -0.7551), signature="ppl|len:512|tok:0badcafe|v:1")
        )
    )
    page = Page(eval_page(run))

    assert [bool(row.cells[0].difference) for row in scorecard(run)] == [True, True, True, False]
    assert cells(run)[3].endswith("not comparable: another tokenizer")
    assert f"{TOKEN} counts tokens, and the tokenizers differ" in page.text
    assert "made in different ways" not in page.text


@pytest.mark.parametrize("metric", [BITS, TOKEN, "bleu"])
def test_nothing_is_comparable_where_more_than_the_tokenizer_differs(metric: str):
    run = a_comparison(*a_pair(metric, (-0.8624, -0.7551), signature="ppl|len:1024|tok:0badcafe|v:1"))

    assert cells(run)[0].endswith("not comparable: made in another way")
    assert "These numbers cannot be compared." in Page(eval_page(run)).text
    assert f"The numbers of {metric} were made in different ways" in Page(eval_page(run)).text


def test_a_tokenizer_of_a_metric_that_is_no_perplexity_must_be_the_same():
    run = a_comparison(*a_pair("bleu", (0.1, 0.2), (0.4, 0.25), signature="ppl|len:512|tok:13a|v:1"))

    assert cells(run)[0].endswith("not comparable: made in another way")


def test_the_baseline_is_named_and_grey():
    page = Page(eval_page(a_comparison(*a_pair(BITS, (-0.8624, -0.7551)))))
    header = page.tables["scores-table"][0]
    dots = [each["class"] for tag, each in page.elements if tag == "circle"]

    assert header == ["Metric", "sft", "basebaseline"]
    assert dots == ["dot", "before"]


def test_samples_without_a_score_have_a_table_only_if_there_are_some():
    page = Page(eval_page(a_comparison(*a_pair(BITS, (-0.8624, -0.7551)))))

    assert "unscored-table" not in page.tables
    assert "No sample is without a score." in page.text
    assert len(Page(eval_page(an_eval())).tables["unscored-table"]) == 7


def test_the_recipe_and_its_overrides_are_in_the_report():
    known = {"recipe_file": "recipes/chat.toml", "recipe_text": "seed = 17 # <b>", "overrides": ["seed=3", "a='b c'"]}
    page = Page(eval_page(an_eval(**known)))

    assert "forge eval recipes/chat.toml --set seed=3 --set 'a='\"'\"'b c'\"'\"''" in page.text
    assert "seed = 17 # <b>" in page.text


@pytest.mark.parametrize("text", ["</script><img src=x onerror=alert(1)>", "\u202e\u200b\x00", "{{ 7 * 7 }}", "\" x='"])
def test_hostile_names_in_a_comparison_stay_text(text: str):
    def named(model: str) -> str:
        return f"{model} {text}"

    found: list[dict[str, Any]] = [
        {**one, "model": named(one["model"])} for one in a_pair(f"m {text}", (-0.86, -0.75), better=text)
    ]
    found[0]["versus"]["baseline"] = named("base")
    models = [{"name": named(name)} for name in ("sft", "base")]
    page = Page(eval_page(an_eval(results=found, baseline=named("base"), models=models, overrides=[text])))
    clean = Page(eval_page(a_comparison(*a_pair("m", (-0.86, -0.75)))))

    assert page.mistakes == []
    assert set(page.tags) <= {*clean.tags, "span"}
    assert "img" not in page.tags
    assert "differs from" in page.one("h1")


@given(
    st.floats(-1e6, 1e6),
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.sampled_from(["low", "high", ""]),
)
def test_a_difference_is_told_exactly_if_the_interval_leaves_zero_out(
    value: float, below: float, above: float, better: str
):
    low, high = value - below, value + above
    assume(min(abs(low), abs(high)) > 1e-6)
    sft = Score.of(a_result("sft", BITS, value, 1.0))
    difference = Difference(sft, Score.of(a_result("base", BITS, 0.0, 1.0)), low, high, better)
    leaves_zero_out = low > 0 or high < 0

    assert (difference.glyph != "=") == leaves_zero_out
    assert ("No difference seen" in difference.sentence) != leaves_zero_out
    assert (difference.word in {"better", "worse"}) == (leaves_zero_out and better != "")
    if leaves_zero_out:
        ends = difference.written[1].strip("[]").split(", ")
        assert all(set(end) & set("123456789") for end in ends)
        assert len({end[0] for end in ends}) == 1


def test_a_number_has_its_interval_and_n_and_the_digits_that_these_allow():
    rows = {row[0]: row[1:] for row in Page(eval_page(an_eval())).tables["scores-table"]}

    assert " ".join(rows["perplexity"][0].split()) == "18.4 [17.3, 19.5]n = 98"
    assert " ".join(rows["rouge.rougeL"][1].split()) == "0.200 [0.178, 0.222]n = 95, 3 unscored"


def test_numbers_that_were_made_differently_are_not_compared():
    run = an_eval(
        results=[
            a_result("sft", "ppl", 10.0, 0.1, signature="ppl|tokenizer a"),
            a_result("base", "ppl", 90.0, 0.1, signature="ppl|tokenizer b"),
        ]
    )

    assert said(run) == ["! The numbers of ppl were made in different ways: do not compare them."]
    assert "These numbers cannot be compared." in Page(eval_page(run)).text


def test_what_a_metric_could_not_say_is_said():
    run = an_eval(
        results=[
            a_result("sft", "ppl", None, None, n=0, unscored={"empty": 98}),
            a_result("sft", "bleu", 0.3, None),
            a_result("base", "bleu", 0.4, 0.1, n=12),
        ]
    )

    assert said(run) == [
        "! base was not measured by ppl.",
        "! ppl gave no number for sft.",
        "! 98 of 98 samples (100\u00a0%) have no ppl for sft.",
        ". bleu of sft has no interval.",
        ". bleu of base rests on 12 samples only.",
    ]
    assert "not measured" in Page(eval_page(run)).tables["scores-table"][1][2]


def test_not_a_number_is_no_number():
    run = an_eval(results=[a_result("sft", "ppl", float("nan"), None), a_result("base", "ppl", float("inf"), None)])
    page = Page(eval_page(run))

    assert page.mistakes == []
    assert "ppl: sft –, base –." in page.text


def test_every_model_is_named_by_its_digest():
    run = an_eval()
    page = Page(eval_page(run))

    assert [row[2] for row in page.tables["models-table"][1:]] == [model["digest"] for model in run["models"]]


def test_the_report_lies_beside_that_of_the_build(tmp_path: Path):
    run = an_eval()

    path = write_eval_report(Store(tmp_path), run)

    assert path == Path("reports/chat/eval.html")
    assert (tmp_path / path).read_bytes() == eval_page(run)
