from __future__ import annotations

from pathlib import Path
from typing import Any

from dataforge.report.eval_record import metrics_of, remarks
from dataforge.report.eval_report import eval_page, write_eval_report
from dataforge.store.home import Store
from tests.report.html_page import Page
from tests.report.run_record import a_result, an_eval


def said(run: dict[str, Any]) -> list[str]:
    names = [model["name"] for model in run["models"]]
    return [f"{'!' if remark.is_grave else '.'} {remark.text}" for remark in remarks(metrics_of(run), names)]


def test_the_first_words_are_the_verdict():
    page = Page(eval_page(an_eval()))

    assert page.one("h1") == "2 models on the test split"
    assert "perplexity: sft 18.4, base 31.9. The intervals of base and sft stand apart." in page.text
    assert "rouge.rougeL: sft 0.219, base 0.200. No two intervals stand apart, so no difference is shown." in page.text


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
