"""The books are checked, and a cooked one is found out."""

from collections import Counter

import pytest

from dataforge.core.errors import InvariantError
from dataforge.engine.books import check_books, check_whole
from dataforge.engine.flow import StageRecord


def a_record(**known):
    record = StageRecord("stage", "filter", "use", 1, {})
    for name, value in known.items():
        setattr(record, name, value)
    return record


def test_books_that_close_pass():
    check_books(a_record(records=10, used=6, merged=1, rejected=Counter(bad=3), added=6, rows_out=6))
    check_books(a_record(rows_in=9, rows_out=7, dropped=Counter(short=1, long=1)))


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (
            {"records": 10, "used": 6, "merged": 1, "rejected": Counter(bad=2), "added": 6, "rows_out": 6},
            "10 records, but 6",
        ),
        ({"rows_in": 9, "rows_out": 8, "dropped": Counter(short=2)}, "9 rows in and 0 added, but 8 out and 2 dropped"),
        ({"rows_in": 9, "added": 1, "rows_out": 9}, "9 rows in and 1 added, but 9 out and 0 dropped"),
    ],
)
def test_a_stage_that_loses_or_makes_something_is_found_out(known, words):
    with pytest.raises(InvariantError, match=words):
        check_books(a_record(**known))


def test_a_row_that_is_lost_between_the_last_stage_and_the_shards_is_found_out():
    records = [a_record(added=10), a_record(dropped=Counter(short=3))]
    check_whole(records, published=7)

    with pytest.raises(InvariantError, match="10 rows came in and 3 were dropped, but 6 were published"):
        check_whole(records, published=6)
