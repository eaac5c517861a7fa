"""Shares of partitions and portions of a backlog: together all of it, and nothing twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.kafka.reading import Backlog, Share, ShareError


def test_a_share_is_written_as_it_is_read():
    assert Share.parse("2/3") == Share(2, 3)
    assert str(Share(2, 3)) == "2/3"
    assert Share.parse("1/1").is_whole
    assert not Share(1, 2).is_whole


@pytest.mark.parametrize("text", ["", "2", "0/2", "3/2", "1/0", "-1/2", "1/2/3", "a/b", " 1/2", "1/1000000000"])
def test_what_is_no_share_is_quoted(text: str):
    with pytest.raises(ShareError, match="is no instance: K/N") as refused:
        Share.parse(text)
    assert repr(text) in str(refused.value)


@given(st.integers(1, 20), st.integers(1, 40))
def test_shares_are_disjoint_and_together_all_partitions(instances: int, count: int):
    shares = [Share(number, instances) for number in range(1, instances + 1)]
    if count < instances:
        with pytest.raises(ShareError, match=f"{instances} instances, and a has {count} partitions"):
            shares[0].partitions("a", count)
        return
    found = [partition for share in shares for partition in share.partitions("a", count)]
    assert sorted(found) == list(range(count))
    assert all(share.partitions("a", count) for share in shares)


def test_shares_of_different_numbers_of_instances_overlap():
    assert Share(1, 2).overlaps(Share(1, 2))
    assert not Share(1, 2).overlaps(Share(2, 2))
    assert Share(1, 2).overlaps(Share(2, 3))
    assert Share().overlaps(Share(2, 3))


RANGES = st.dictionaries(
    st.integers(0, 9),
    st.tuples(st.integers(0, 50), st.integers(0, 50)).map(lambda pair: (min(pair), max(pair))),
)


@given(RANGES, st.integers(1, 30))
def test_portions_follow_each_other_and_end_where_the_backlog_ends(
    ranges: dict[int, tuple[int, int]], most: int
):
    backlog = Backlog(ranges)
    portions = list(backlog.portions(most))
    assert sum(portion.records for portion in portions) == backlog.records
    assert all(0 < portion.records <= most for portion in portions)
    reached = {partition: first for partition, (first, _) in ranges.items()}
    for portion in portions:
        assert {partition: first for partition, (first, _) in portion.ranges.items()} == reached
        reached = portion.ends
    assert reached == (backlog.ends if portions else reached)
