"""Cluster ids that are stable between builds."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.build.cluster_ids import cluster_ids


def ids(clusters: list[list[int]], previous: list[int], assigned: set[int] | None = None) -> list[int]:
    """The ids of clusters of listings whose keys are 101, 102, …"""
    keys = np.arange(101, 101 + len(previous))
    decided = np.isin(np.arange(len(previous)), list(assigned or ()))
    return cluster_ids([np.array(rows) for rows in clusters], np.array(previous), keys, decided)


def test_a_cluster_keeps_the_id_that_most_of_its_listings_had() -> None:
    assert ids([[0, 1, 2]], [7, 8, 8]) == [8]
    assert ids([[0, 1], [2, 3]], [7, 7, 7, 8]) == [7, 8]


def test_a_cluster_that_splits_leaves_the_id_to_the_larger_part() -> None:
    assert ids([[0], [1, 2]], [7, 7, 7]) == [101, 7]
    assert ids([[0, 1], [2, 3]], [7, 7, 7, 7]) == [7, 103]


def test_at_first_the_lowest_of_its_own_is_its_id() -> None:
    assert ids([[1, 0], [2]], [101, 102, 103]) == [101, 103]


def test_what_a_person_decided_outweighs_all_others() -> None:
    assert ids([[0, 1, 2]], [7, 7, 9], assigned={2}) == [9]


def test_an_id_that_another_cluster_has_taken_is_not_given_again() -> None:
    first, second = ids([[0], [1, 2]], [101, 101, 101])
    assert second == 101
    assert first not in (101, 102, 103)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 12)), min_size=1, max_size=12))
def test_no_two_clusters_have_one_id(listings: list[tuple[int, int]]) -> None:
    previous = [101 + before for _, before in listings]
    clusters = [
        [row for row, (cluster, _) in enumerate(listings) if cluster == name]
        for name in sorted({cluster for cluster, _ in listings})
    ]
    found = ids(clusters, previous)
    assert len(set(found)) == len(clusters)
    assert found == ids(clusters, previous)
