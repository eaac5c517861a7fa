"""Agglomerative clustering of listings."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gogobe.masters.clusters.agglomerate import UNCOMPARED, Links, agglomerate, links_of
from gogobe.masters.clusters.listings import Pairs
from tests.masters.clusters.names import listings_of


def clusters(
    names: list[tuple[str, str]], odds: dict[tuple[int, int], float], apart: set[tuple[int, int]] | None = None
) -> list[int]:
    """The cluster of each listing, given chains and names, and the odds of pairs."""
    listed = listings_of([(chain, str(place), name) for place, (chain, name) in enumerate(names)])
    ends = np.array(sorted(odds), dtype=np.int64).reshape(-1, 2)
    pairs = Pairs(ends[:, 0], ends[:, 1])
    values = np.array([odds[pair] for pair in sorted(odds)])
    groups = np.arange(len(names))
    links = links_of(listed, groups, pairs, values, frozenset(apart or ()))
    return [int(cluster) for cluster in agglomerate(links, 0.0)]


def test_likes_support_each_other() -> None:
    names = [("a", "עגבניה"), ("b", "עגבניות"), ("c", "עגבניה מובחרת"), ("d", "עגבניה ישראל")]
    odds = dict.fromkeys(combinations(range(4), 2), 3.0)
    assert clusters(names, odds) == [0, 0, 0, 0]
    # One odd pair of six does not part them.
    assert clusters(names, odds | {(0, 3): -3.0}) == [0, 0, 0, 0]


def test_a_listing_that_one_of_them_resembles_does_not_come_along() -> None:
    names = [("a", "עגבניה"), ("b", "עגבניות"), ("c", "עגבניה מגי")]
    assert clusters(names, {(0, 1): 3.0, (1, 2): 2.0, (0, 2): -5.0}) == [0, 0, 2]
    assert clusters(names, {(0, 1): 3.0, (1, 2): 2.0}) == [0, 0, 2], "not compared is not alike"


def test_a_chain_lists_a_product_once() -> None:
    names = [("a", "מלון"), ("b", "מלון"), ("b", "מלון קנרי")]
    assert clusters(names, {(0, 1): 2.0, (0, 2): 3.0}) == [0, 1, 0], "the surer one first"


def test_unless_it_lists_the_very_same_thing_twice() -> None:
    names = [("a", "מלון"), ("b", "מלון"), ("b", "מלון ישראל")]
    assert clusters(names, {(0, 1): 2.0, (0, 2): 3.0, (1, 2): 2.5}) == [0, 0, 0]


def test_what_a_person_has_kept_apart_stays_apart() -> None:
    names = [("a", "עגבניה"), ("b", "עגבניה"), ("c", "עגבניה")]
    odds = dict.fromkeys(combinations(range(3), 2), 3.0)
    found = clusters(names, odds, {(0, 1)})
    assert found[0] != found[1]
    assert found[2] in found[:2]


@st.composite
def links(draw: st.DrawFn) -> Links:
    groups = draw(st.integers(1, 7))
    chains = [
        dict.fromkeys(draw(st.sets(st.integers(1, 5), min_size=1, max_size=2)), 1 + g) for g in range(groups)
    ]
    pairs = [pair for pair in combinations(range(groups), 2) if draw(st.booleans())]
    odds = [draw(st.integers(-5, 5)) for _ in pairs]
    sizes = np.array([len(one) for one in chains])
    counts = np.array([sizes[a] * sizes[b] for a, b in pairs], dtype=np.int64)
    ends = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    return Links(chains, sizes, ends[:, 0], ends[:, 1], (counts * np.array(odds)).astype(np.float64), counts)


@settings(deadline=None)
@given(links())
def test_clusters_keep_the_rules_whatever_is_linked(found: Links) -> None:
    cluster_of = agglomerate(found, 0.5)
    assert (cluster_of[cluster_of] == cluster_of).all(), "a cluster is named by its lowest member"
    assert (cluster_of <= np.arange(len(cluster_of))).all()
    linked = {
        (a, b): s
        for a, b, s in zip(found.first.tolist(), found.second.tolist(), found.sums.tolist(), strict=True)
    }
    for name in np.unique(cluster_of):
        members = np.flatnonzero(cluster_of == name).tolist()
        sold = [chain for member in members for chain in found.chains[member]]
        assert len(sold) == len(set(sold)), "no chain is in it twice"
    again = agglomerate(replace(found, apart=frozenset()), 0.5)
    assert (again == cluster_of).all()
    if len(cluster_of) == 2 and (0, 1) in linked:
        pairs = int(found.sizes.prod())
        assert (cluster_of[1] == 0) == (
            linked[0, 1] / pairs >= 0.5 and found.chains[0].keys().isdisjoint(found.chains[1])
        )
    assert UNCOMPARED < 0
