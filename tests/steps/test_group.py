"""The step `group`."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dataforge.core.schema import SPLITS
from dataforge.steps.group import Group
from tests.steps import laws
from tests.steps.rows import DEAR, dropped, frame, frames, row

# Few texts and few groups, so that chains are common.
LINKED = frames(st.sampled_from(["", "a", "A ", "bb", "c"]), max_rows=8)
STEPS = st.builds(Group, by=st.sampled_from(["prompt", "user[0]", "last"]), min_characters=st.integers(1, 2))


@DEAR
@given(LINKED, st.integers(0, 8), STEPS)
def test_the_laws_of_corpus_filters_hold(rows, cut, step):
    laws.measures_each_row_by_itself(step, rows, cut)
    laws.drops_are_sound(step, rows)
    laws.moving_a_threshold_changes_no_evidence(step, Group(by=step.by, min_characters=3), rows)


def clusters(rows, evidence, min_characters) -> list[set[int]]:
    """Grow clusters slowly: as long as a row shares a group or a key with one, it joins it."""
    names = [
        {("group", group)} | ({("key", key)} if key is not None and length >= min_characters else set())
        for group, key, length in zip(rows["group_id"], evidence["key"], evidence["characters"], strict=True)
    ]
    left, found = set(range(rows.height)), []
    while left:
        cluster = {left.pop()}
        while near := {one for one in left if any(names[one] & names[other] for other in cluster)}:
            cluster |= near
            left -= near
        found.append(cluster)
    return found


@DEAR
@given(LINKED, STEPS)
def test_in_a_cluster_exactly_the_rows_of_the_strongest_split_stay(rows, step):
    gone = dropped(step, rows)

    expected = set()
    for cluster in clusters(rows, step.measure(rows), step.min_characters):
        strongest = max((rows["split"][place] for place in cluster), key=SPLITS.index)
        losers = {rows["row_id"][place] for place in cluster if rows["split"][place] != strongest}
        assert {gone[name]["because_of"] for name in losers} <= {rows["row_id"][place] for place in cluster}
        expected |= losers
    assert gone.keys() == expected


def test_a_training_row_with_the_prompt_of_a_test_row_goes_because_of_it():
    rows = frame(
        row("Hello  there"), row("hello there", split="test"), row("Hello you"), row("HELLO THERE", split="validation")
    )

    gone = dropped(Group(), rows)

    assert {name: (drop["because_of"], drop["reason"], drop["detail"]) for name, drop in gone.items()} == {
        "r0": ("r1", "leak", "same prompt"),
        "r3": ("r1", "leak", "same prompt"),
    }


def test_the_whole_group_of_a_linked_row_goes():
    rows = frame(row("a", group_id="g1"), row("b", group_id="g1"), row("b", group_id="g2", split="test"))

    gone = dropped(Group(), rows)

    assert {name: drop["detail"] for name, drop in gone.items()} == {
        "r0": "linked over groups with the same prompt",
        "r1": "same prompt",
    }


def test_linked_rows_on_one_split_stay():
    assert dropped(Group(), frame(row("a"), row("a"), row("b", split="test"), row("b", split="test"))) == {}


def test_short_messages_link_nothing_on_request():
    rows = frame(row("hello"), row("hello", split="test"))

    assert dropped(Group(min_characters=6), rows) == {}
    assert dropped(Group(min_characters=5), rows).keys() == {"r0"}


def test_a_worker_makes_the_step_again_from_its_parameters():
    laws.rebuilds_from_its_parameters(Group(by="user[0]", min_characters=9))
