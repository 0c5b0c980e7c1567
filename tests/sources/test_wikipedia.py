import json

import pytest

from dataforge.sources.wikipedia import Wikipedia
from tests.sources.laws import drafts_of, keeps_all_laws, rejects_of, repairs_of

ARTICLE = {"id": "12", "url": "https://en.wikipedia.org/wiki/Tide", "title": "Tide", "text": "Tides rise and fall."}


def read(tmp_path, *records, **fields):
    def make(on_error):
        return Wikipedia(on_error=on_error, **fields)

    return keeps_all_laws(make, "\n".join(map(json.dumps, records)).encode(), tmp_path)


def test_an_article_answers_a_request_and_carries_what_attribution_needs(tmp_path):
    (row,) = drafts_of(read(tmp_path, ARTICLE)).iter_rows(named=True)

    assert row["prompt"][0]["content"] == "Write an encyclopedia article about Tide."
    assert row["responses"][0]["messages"][0]["content"] == "Tides rise and fall."
    assert (row["url"], row["author"], row["license"], row["group"]) == (
        ARTICLE["url"],
        "Wikipedia contributors",
        "cc-by-sa-3.0",
        "Tide",
    )


def test_the_request_can_be_worded_otherwise(tmp_path):
    (row,) = drafts_of(read(tmp_path, ARTICLE, request="{title}?")).iter_rows(named=True)

    assert row["prompt"][0]["content"] == "Tide?"


@pytest.mark.parametrize("request_", ["Write.", "{title} {"])
def test_a_request_that_is_no_template_is_refused(request_):
    with pytest.raises(ValueError, match=r"request|brace"):
        Wikipedia(request=request_)


def test_a_number_as_title_is_noted_and_an_empty_article_refused(tmp_path):
    batches = read(tmp_path, {**ARTICLE, "title": 1984}, {**ARTICLE, "text": ""})

    assert repairs_of(batches) == ["number-as-text"]
    assert rejects_of(batches) == ["empty-response"]
