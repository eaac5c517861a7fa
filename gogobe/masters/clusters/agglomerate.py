"""Agglomerative clustering of listings by average linkage, with cannot-link constraints.

The two clusters with the highest mean log odds of their pairs are joined first, then the next two, as long as
the mean is high enough. So evidence accumulates, and one unusual name does not split a cluster of five
others. A chain lists a product once: two clusters that one chain has different listings in are never joined.
Neither are clusters that a person has kept apart.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.clusters.listings import Listings, Pairs

Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
CannotLinks = frozenset[tuple[int, int]]

MIXED: Final = 0
"""In place of a name key: a chain has several listings in the group, with different names."""
UNCOMPARED: Final = -6.0
"""The log odds of two listings that were not compared, and the minimum for two that were."""


_Entry = tuple[float, int, int, int, int]


@dataclass(frozen=True)
class Links:
    """The input of the clustering: n groups of listings, each known to be one product.

    For each group, `chains` has the chains that list it with the key of their names (MIXED if these differ),
    and `sizes` the number of listings. For pairs of groups, the lower in `first`, `sums` are the summed log
    odds of `counts` pairs of their listings. `apart` are pairs of groups that are never joined.
    """

    chains: list[dict[int, int]]
    sizes: Longs
    first: Longs
    second: Longs
    sums: Doubles
    counts: Longs
    apart: CannotLinks = frozenset()


@dataclass
class _Cluster:
    chains: dict[int, int]
    size: int
    members: list[int]
    version: int = 0
    sums: dict[int, float] = field(default_factory=dict)
    counts: dict[int, int] = field(default_factory=dict)


def agglomerate(links: Links, join_from: float) -> Longs:
    """The cluster of each group, named by its lowest member. Deterministic: ties go to the lower groups."""
    clusters = {
        group: _Cluster(dict(chains), int(size), [group])
        for group, (chains, size) in enumerate(zip(links.chains, links.sizes.tolist(), strict=True))
    }
    apart: dict[int, set[int]] = {}
    for one, other in links.apart:
        apart.setdefault(one, set()).add(other)
        apart.setdefault(other, set()).add(one)
    queue: list[_Entry] = []
    for one, other, total, count in zip(
        links.first.tolist(), links.second.tolist(), links.sums.tolist(), links.counts.tolist(), strict=True
    ):
        for a, b in ((one, other), (other, one)):
            clusters[a].sums[b] = total
            clusters[a].counts[b] = count
        queue += _entries(clusters, one, other, join_from)
    heapq.heapify(queue)
    while queue:
        _, one, other, version, other_version = heapq.heappop(queue)
        kept, joined = clusters.get(one), clusters.get(other)
        if kept is None or joined is None or (kept.version, joined.version) != (version, other_version):
            continue
        if not _may_join(kept, joined) or other in apart.get(one, ()):
            continue
        _join(clusters, apart, one, other)
        for near in sorted(kept.sums):
            for entry in _entries(clusters, min(one, near), max(one, near), join_from):
                heapq.heappush(queue, entry)
    cluster_of = np.zeros(len(links.chains), dtype=np.int64)
    for name, cluster in clusters.items():
        cluster_of[cluster.members] = name
    return cluster_of


def _may_join(one: _Cluster, other: _Cluster) -> bool:
    """Whether no chain has different listings in the two clusters."""
    fewer, more = sorted((one.chains, other.chains), key=len)
    return all(chain not in more or key == more[chain] != MIXED for chain, key in fewer.items())


def _entries(clusters: dict[int, _Cluster], one: int, other: int, join_from: float) -> list[_Entry]:
    """Two clusters as an entry of the queue; empty if they may not join or their mean is below
    `join_from`."""
    a, b = clusters[one], clusters[other]
    if not _may_join(a, b):
        return []
    pairs = a.size * b.size
    mean = (a.sums[other] + (pairs - a.counts[other]) * UNCOMPARED) / pairs
    return [(-mean, one, other, a.version, b.version)] if mean >= join_from else []


def _join(clusters: dict[int, _Cluster], apart: dict[int, set[int]], one: int, other: int) -> None:
    """Join the second of two clusters to the first, the lower."""
    kept, joined = clusters[one], clusters.pop(other)
    kept.chains |= joined.chains
    kept.size += joined.size
    kept.members += joined.members
    kept.version += 1
    for near, total in joined.sums.items():
        if near == one:
            continue
        neighbour = clusters[near]
        kept.sums[near] = kept.sums.get(near, 0.0) + total
        kept.counts[near] = kept.counts.get(near, 0) + joined.counts[near]
        neighbour.sums[one], neighbour.counts[one] = kept.sums[near], kept.counts[near]
        del neighbour.sums[other], neighbour.counts[other]
    kept.sums.pop(other, None)
    kept.counts.pop(other, None)
    for far in apart.pop(other, set()):
        apart[far].discard(other)
        apart[far].add(one)
        apart.setdefault(one, set()).add(far)


def links_of(
    listings: Listings, groups: Longs, pairs: Pairs, odds: Doubles, apart: CannotLinks = frozenset()
) -> Links:
    """The links between groups of listings. `groups` has the group of each listing; `pairs` are pairs of
    listings of two groups, `odds` their log odds."""
    count = int(groups.max(initial=-1)) + 1
    chains_of: list[dict[int, int]] = [{} for _ in range(count)]
    for group, chain, key in zip(
        groups.tolist(), listings.chains.tolist(), listings.keys.tolist(), strict=True
    ):
        chains_of[group][chain] = key if chains_of[group].get(chain, key) == key else MIXED
    ends = np.sort(np.column_stack([groups[pairs.first], groups[pairs.second]]), axis=1)
    links, place = np.unique(ends[:, 0] * max(count, 1) + ends[:, 1], return_inverse=True)
    return Links(
        chains_of,
        np.bincount(groups, minlength=count),
        links // max(count, 1),
        links % max(count, 1),
        np.bincount(place, np.maximum(odds, UNCOMPARED), minlength=len(links)).astype(np.float64),
        np.bincount(place, minlength=len(links)),
        apart,
    )
