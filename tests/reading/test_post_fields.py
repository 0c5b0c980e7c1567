"""Votes, licences, authors and sites of posts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataforge.reading.drafts import RecordFaultError
from dataforge.reading.post_fields import author_of, integer, license_of, preference_score, site_of


@given(votes=st.integers(0, 10**6), is_accepted=st.booleans())
def test_the_score_is_the_logarithm_rounded_half_up_and_one_more_if_accepted(votes, is_accepted):
    expected = math.floor(math.log2(1 + votes) + 0.5) + is_accepted

    assert preference_score(votes, is_accepted=is_accepted) == expected


@given(fewer=st.integers(-50, 10**18), more=st.integers(-50, 10**18), is_accepted=st.booleans())
def test_more_votes_never_score_less(fewer, more, is_accepted):
    fewer, more = sorted([fewer, more])

    assert preference_score(fewer, is_accepted=is_accepted) <= preference_score(more, is_accepted=is_accepted)


@pytest.mark.parametrize(
    ("votes", "score"),
    [(-1, -1), (-40, -1), (0, 0), (1, 1), (2, 2), (4, 2), (5, 3), (10, 3), (11, 4), (22, 5), (1023, 10)],
)
def test_scores_on_both_sides_of_a_half(votes, score):
    # log2 of 1 + 4 is 2.32 and of 1 + 5 is 2.58; of 1 + 10 it is 3.46 and of 1 + 11 it is 3.58.
    assert preference_score(votes, is_accepted=False) == score


def test_an_accepted_answer_with_negative_votes_stays_at_minus_one():
    assert preference_score(-3, is_accepted=True) == -1


@pytest.mark.parametrize(
    ("attributes", "license_name"),
    [
        ({"CreationDate": "2011-04-07T23:59:59.999"}, "cc-by-sa-2.5"),
        ({"CreationDate": "2011-04-08T00:00:00.000"}, "cc-by-sa-3.0"),
        ({"CreationDate": "2018-05-01T23:59:59.999"}, "cc-by-sa-3.0"),
        ({"CreationDate": "2018-05-02T00:00:00.000"}, "cc-by-sa-4.0"),
        ({"CreationDate": "2009-01-01", "ContentLicense": "CC BY-SA 4.0"}, "cc-by-sa-4.0"),
    ],
)
def test_the_licence_is_the_stated_one_or_that_of_the_day(attributes, license_name):
    assert license_of(attributes) == license_name


@pytest.mark.parametrize(
    "attributes", [{}, {"CreationDate": "yesterday"}, {"CreationDate": "2020-01-01", "ContentLicense": "MIT"}]
)
def test_a_licence_is_never_guessed(attributes):
    with pytest.raises(RecordFaultError) as caught:
        license_of(attributes)

    assert caught.value.code == "unknown-license"


@pytest.mark.parametrize(
    ("attributes", "author"),
    [
        ({"OwnerDisplayName": " Ann ", "OwnerUserId": "4"}, "Ann"),
        ({"OwnerUserId": "4"}, "user 4"),
        ({"OwnerUserId": "-1"}, "Community"),
        ({}, None),
    ],
)
def test_an_author_is_a_name_or_a_number_or_nobody(attributes, author):
    assert author_of(attributes) == author


@pytest.mark.parametrize(
    ("label", "site"),
    [
        ("data/beer-Posts.xml", "beer.stackexchange.com"),
        ("data/beer-Posts.xml.gz", "beer.stackexchange.com"),
        ("data/cooking.meta-Posts.xml", "cooking.meta.stackexchange.com"),
        ("stackoverflow-Posts.xml", "stackoverflow.com"),
        ("stackoverflow.com-Posts.7z", "stackoverflow.com"),
        ("mathoverflow_Posts.xml", "mathoverflow.net"),
        ("dumps/beer.stackexchange.com.7z", "beer.stackexchange.com"),
        ("dumps/Beer.StackExchange.com/Posts.xml", "beer.stackexchange.com"),
        ("../corpora/kitchen.example/Posts.xml", "kitchen.example"),
        ("dumps/beer/Posts.xml", None),
        ("Posts.xml", None),
        ("something.xml", None),
        ("backup.7z", None),
    ],
)
def test_the_site_is_guessed_from_names_that_tell_it(label, site):
    assert site_of(label) == site


@pytest.mark.parametrize("text", ["", "4.5", "n/a", "1e3", "١", "9" * 19])
def test_what_is_no_whole_number_is_said(text):
    with pytest.raises(RecordFaultError) as caught:
        integer({"Score": text}, "Score")

    assert caught.value.code == "bad-attribute"
