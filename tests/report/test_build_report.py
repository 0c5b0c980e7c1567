from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataforge.report.attention import notices
from dataforge.report.build_record import BuildRun
from dataforge.report.build_report import build_page, write_build_report
from dataforge.store.home import Store
from tests.report.html_page import Page, number
from tests.report.run_record import a_profile, a_run, a_stage, an_empty_run

COUNTS = st.dictionaries(st.sampled_from(["alpha", "beta", "gamma"]), st.integers(1, 5_000), max_size=3)


@st.composite
def runs(draw: st.DrawFn) -> dict[str, Any]:
    """Runs whose books close: some sources, some filters, and a published rest."""
    stages: list[dict[str, Any]] = []
    rows = 0
    for place in range(draw(st.integers(0, 3))):
        used, merged, added = (draw(st.integers(0, 9_000)) for _ in range(3))
        rejected = draw(COUNTS)
        records = used + merged + sum(rejected.values())
        rows += added
        known = {"records": records, "used": used, "merged": merged, "rejected": rejected, "repaired": draw(COUNTS)}
        stages.append(a_stage(f"source{place}", "source", added=added, rows_out=added, **known))
    for place in range(draw(st.integers(0, 3))):
        dropped = draw(COUNTS) if rows > 20_000 else draw(st.just({"alpha": rows // 3} if rows > 2 else {}))
        left = rows - sum(dropped.values())
        stages.append(a_stage(f"filter{place}", "filter", rows_in=rows, rows_out=left, dropped=dropped))
        rows = left
    test = draw(st.integers(0, rows))
    splits = {split: n for split, n in (("train", rows - test), ("test", test)) if n}
    return a_run(stages=stages, datasets=[{"folder": "builds/chat", "rows": splits, "views": {}}], profile={})


@given(runs())
@settings(deadline=None)
def test_every_table_adds_up_to_the_record(run: dict[str, Any]):
    page = Page(build_page(run))
    sources = [stage for stage in run["stages"] if stage["kind"] == "source"]
    losses = sum(sum(stage["dropped"].values()) + sum(stage["rejected"].values()) for stage in run["stages"])
    published = sum(run["datasets"][0]["rows"].values())

    assert page.mistakes == []
    assert not [notice for notice in notices(BuildRun.of(run)) if "close" in notice.text]
    totals = {row[0]: number(row[1]) for row in page.tables["totals"][1:]}
    assert totals["Records read"] == sum(source["records"] for source in sources)
    assert totals["Records read"] == sum(
        totals[name] for name in ("used, each in a row or more", "merged into another record’s row", "rejected")
    )
    assert totals["Rows made"] == totals["dropped"] + totals["published"]
    assert totals["published"] == published == sum(totals.get(split, 0) for split in ("train", "test"))
    flow = page.tables["flow-table"][1:-1]
    assert [number(row[1]) + number(row[2]) for row in flow] == [number(row[4]) + number(row[6]) for row in flow]
    assert sum(number(row[1]) for row in page.tables.get("lost-table", [[]])[1:]) == losses
    for column in (1, 2, 3, 4, 6, 7):
        if sources:
            *lines, foot = [number(row[column]) for row in page.tables["sources-table"][1:]]
            assert sum(lines) == foot


def test_the_first_words_are_the_verdict():
    page = Page(build_page(a_run()))

    assert page.one("h1") == "2,131 rows published from 2,946 records"
    assert "1,912 to train on, 121 for validation, 98 for test. 366 records rejected, 281 rows dropped." in page.text
    assert "The books close" in page.text
    assert page.text.index("What stands out") < page.text.index("From records to rows")


def test_rows_by_source_kind_and_split_add_up():
    page = Page(build_page(a_run()))
    head, *lines, foot = page.tables["rows-table"]

    assert head == ["Source", "Kind", "train", "validation", "test", "All"]
    assert lines[0] == ["sharegpt", "sft", "912", "49", "52", "1,013"]
    for column in range(2, 6):
        assert sum(number(row[column]) for row in lines) == number(foot[column])


def test_what_is_estimated_says_from_what():
    text = Page(build_page(a_run())).text

    assert "About 663,040 tokens" in text
    assert "an estimate from a sample of 996 rows (46.9 % of all), drawn by seed 17" in text.replace("\u00a0", " ")


def test_an_example_shows_why_and_how_to_find_out_more():
    run = a_run()
    example = run["stages"][4]["examples"][0]
    text = Page(build_page(run)).text

    assert "value 0.9134, threshold 0.8" in text
    assert f"in favour of row {example['because_of'][:12]}" in text
    assert f"forge why {example['row_id'][:12]} --in chat" in text
    assert "corpora/sharegpt/part-1.jsonl:41" in text


def test_codes_and_reasons_come_with_their_meaning_as_a_sentence():
    run = a_run()
    run["stages"][5]["meanings"]["too_long"] = "longer than max"

    assert "Longer than max." in Page(build_page(run)).text


def test_how_to_reproduce_it_is_a_command_that_a_shell_takes():
    run = a_run(recipe_file="my recipes/chat.toml", overrides=["name=a b"])

    assert "forge build 'my recipes/chat.toml' --set 'name=a b'" in Page(build_page(run)).text


def test_the_recipe_stands_there_whole_however_long():
    recipe = "\n".join(f"key_{place} = {place}" for place in range(2_000))

    assert recipe.splitlines()[-1] in Page(build_page(a_run(recipe_text=recipe))).text


def test_charts_say_their_numbers_in_words():
    page = Page(build_page(a_run()))

    described = page.one("desc")
    assert "minhash_dedup: −184 → 2,228" in described
    assert "1: 1,390; 2: 6; 3: 402" in described
    assert "2,131 prompts; the middle one has 256 to 511 characters" in described


def test_a_build_of_nothing_says_so():
    page = Page(build_page(an_empty_run()))

    assert page.one("h1") == "Nothing published from 3 records"
    assert "No row was published: all 3 rows that were made were dropped." in page.text


def test_the_report_lies_where_the_record_says(tmp_path: Path):
    run = a_run()

    path = write_build_report(Store(tmp_path), run)

    assert path == Path("reports/chat/build.html")
    assert (tmp_path / path).read_bytes() == build_page(run)
    assert [file.name for file in (tmp_path / path).parent.iterdir()] == ["build.html"]


def sound_run(**known: Any) -> dict[str, Any]:
    """A run of which there is nothing to say."""
    profile = {**a_profile(), "licenses": {"cc0-1.0": 2_131}}
    stages = [
        a_stage(
            "sharegpt", "source", records=2_200, used=2_190, rejected={"not-json": 10}, added=2_190, rows_out=2_190
        ),
        a_stage("length_filter", "filter", rows_in=2_190, rows_out=2_131, dropped={"too_short": 59}),
    ]
    return a_run(**{"stages": stages, "profile": profile} | known)


def said(run: dict[str, Any]) -> list[str]:
    return [
        f"{'!' if notice.is_grave else '.'} {notice.text}".replace("\u00a0", " ")
        for notice in notices(BuildRun.of(run))
    ]


def test_of_a_sound_build_there_is_nothing_to_say():
    assert said(sound_run()) == []
    assert "Nothing asks for a check before training on it." in Page(build_page(sound_run())).text


def test_books_that_do_not_close_come_first_and_forbid_the_use():
    run = sound_run()
    run["stages"][1]["rows_out"] -= 1
    run["profile"]["licenses"] = {"unknown": 3}

    assert said(run)[0].startswith(
        "! The books do not close. length_filter: 2,190 rows came in or were added, and 2,189"
    )
    assert "do not use this dataset" in Page(build_page(run)).text


def test_a_record_that_nobody_accounts_for_is_seen():
    run = sound_run()
    run["stages"][0]["records"] += 1

    assert said(run) == ["! The books do not close. sharegpt: 2,201 records were read, and 2,200 are accounted for."]


@pytest.mark.parametrize("lost", [-1, 1])
def test_a_row_lost_on_the_way_to_the_shards_is_seen(lost: int):
    run = sound_run()
    run["datasets"][0]["rows"]["train"] += lost

    assert any("2,131 rows were left after the last stage" in text for text in said(run))


def test_a_fifth_of_a_source_rejected_is_worth_a_check():
    def rejecting(amount: int) -> list[str]:
        run = sound_run()
        source = run["stages"][0]
        source |= {"rejected": {"not-json": amount - 1, "cut-off": 1}, "records": 2_190 + amount}
        return said(run)

    assert rejecting(547) == []
    assert rejecting(548) == [
        "! 20.0 % of the records of sharegpt were rejected (548 of 2,738), 547 of them for not-json."
    ]


def test_a_reason_that_takes_more_than_half_is_worth_a_check():
    def dropping(amount: int) -> list[str]:
        run = sound_run(datasets=[{"folder": "b", "rows": {"train": 2_000 - amount, "validation": 100, "test": 90}}])
        run["stages"][1] |= {"dropped": {"too_short": amount}, "rows_out": 2_190 - amount}
        return said(run)

    assert dropping(1_095) == []
    assert dropping(1_096) == [
        "! length_filter dropped 50.0 % of the rows it was shown (1,096 of 2,190) for one reason, too_short."
    ]


def test_an_empty_split_says_what_it_was_for():
    run = sound_run(datasets=[{"folder": "b", "rows": {"validation": 2_031, "test": 100}}])

    assert said(run) == ["! The split train is empty: there is nothing to train on."]


def test_rows_without_a_licence_are_worth_a_check():
    run = sound_run()
    run["profile"]["licenses"] = {"unknown": 48, "cc0-1.0": 2_083}

    assert said(run) == ["! 48 rows (2.3 %) carry no known licence."]


def test_tokens_that_were_not_counted_say_why():
    run = sound_run()
    run["profile"]["sample"] |= {"tokens": None, "tokens_missing": "no tokenizer in the cache"}

    assert said(run) == [". Tokens were not counted: no tokenizer in the cache."]
    assert "Tokens were not counted: no tokenizer in the cache." in Page(build_page(run)).text


def test_a_source_of_which_nothing_is_left_is_named():
    run = sound_run()
    run["profile"]["sources"] = [{"source": "other", "split": "train", "kind": "sft", "rows": 2_131}]

    assert said(run) == ["! None of the 2,190 rows of sharegpt were published."]


def test_ids_of_reasons_do_not_move_when_another_stage_comes():
    before = set(Page(build_page(a_run())).values("id"))
    run = a_run()
    run["stages"].append(a_stage("late", "filter", rows_in=2_131, rows_out=2_131))

    assert before < set(Page(build_page(run)).values("id"))
