"""Stable cluster ids: a cluster keeps the id that most of its listings had in the previous build."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.text.arrays import run_starts

Longs = npt.NDArray[np.int64]

_DECIDED: Final = 1_000_000  # votes of a person's decision, more than any number of listings has


def cluster_ids(
    clusters: Sequence[Longs], previous: Longs, keys: Longs, assigned: npt.NDArray[np.bool_]
) -> list[int]:
    """A distinct id for each cluster, given as the rows of its listings.

    Ids that most listings had are assigned first; ties go to the lowest id, so that a GTIN precedes a
    computed id.
    """
    claims = []
    for place, rows in enumerate(clusters):
        votes: Counter[int] = Counter()
        for row in rows.tolist():
            votes[int(previous[row])] += _DECIDED if assigned[row] else 1
        claims += [(-count, master_id, place) for master_id, count in votes.items()]
    ids: dict[int, int] = {}
    taken: set[int] = set()
    for _, master_id, place in sorted(claims):
        if place not in ids and master_id not in taken:
            ids[place] = master_id
            taken.add(master_id)
    for place, rows in enumerate(clusters):
        if place not in ids:
            ids[place] = _free_id(np.sort(keys[rows]).tolist(), taken)
            taken.add(ids[place])
    return [ids[place] for place in range(len(clusters))]


def _free_id(keys: list[int], taken: set[int]) -> int:
    """The lowest of a cluster's own keys that no other cluster has, or an id computed from them."""
    free = next((key for key in keys if key not in taken), None)
    number = 0
    while free is None or free in taken:
        free = computed_master_id("cluster", f"{keys[0]}-{number}")
        number += 1
    return free


def members_of(clusters: Longs) -> list[Longs]:
    """The listings of each cluster, the clusters in ascending order of their names."""
    order = np.argsort(clusters, kind="stable")
    return np.split(order, run_starts(clusters[order])[1:]) if len(order) else []
