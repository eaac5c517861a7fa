"""Clusters goods without a usable barcode across chains when a snapshot is built: one master per product.

Every chain's bananas start as a master of their own. Their names, prices and codes are compared pair by pair,
and listings of one product are joined to one cluster with one master id. Likely but uncertain pairs go to
review, one question per pair of clusters (`cluster_decisions.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.cluster_decisions import ScoredPairs, decide
from gogobe.masters.build.cluster_ids import cluster_ids, members_of
from gogobe.masters.build.gather import CatalogueNames
from gogobe.masters.build.shared_qualities import share_qualities
from gogobe.masters.clusters.agglomerate import CannotLinks, agglomerate, links_of
from gogobe.masters.clusters.contrast import learn_word_costs, name_keys
from gogobe.masters.clusters.listings import Listings, neighbours
from gogobe.masters.clusters.pair_features import compare_names
from gogobe.masters.clusters.pair_model import PairModel
from gogobe.masters.clusters.retention import learn_retention
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.codes.suffixes import UNRELATED, code_relations, core_numbers
from gogobe.masters.snapshot.word_costs import WordCosts
from gogobe.masters.vectors.encoder import Encoder
from gogobe.masters.vectors.item_vectors import centred, item_vectors

Longs = npt.NDArray[np.int64]

_PAIRS_AT_ONCE: Final = 100_000


@dataclass(frozen=True)
class ClusteredNames:
    """The names with their clusters' ids as masters, sorted by master; `loose`, the ids of these masters that
    are goods without a usable barcode, ascending; the `costs` of their words; and the `decisions` about codes
    that are no GTINs, by key."""

    names: CatalogueNames
    loose: Longs
    costs: WordCosts
    decisions: dict[int, list[Decision]]


def cluster_names(names: CatalogueNames, encoder: Encoder, model: PairModel) -> ClusteredNames:
    """Cluster the names of goods without a usable barcode. Deterministic, for any order of the names."""
    rows = loose_rows(names)
    names = share_qualities(names, rows)
    listings = listings_of(names, rows, encoder)
    costs = word_costs_of(names, listings)
    scored = _compare(listings, costs, model)
    _, groups = np.unique(listings.masters, return_inverse=True)
    links = links_of(listings, groups, scored.pairs, scored.odds, _apart(names, rows, groups))
    members = members_of(agglomerate(links, model.join_from)[groups])
    ids = np.zeros(len(rows), dtype=np.int64)
    given = cluster_ids(members, _claims(names, rows), names.keys[rows], names.assigned[rows])
    for own, master_id in zip(members, given, strict=True):
        ids[own] = master_id
    masters = names.masters.copy()
    masters[rows] = ids
    decisions = decide(names, rows, ids, scored, model)
    return ClusteredNames(names.sorted_by(masters), np.unique(ids), costs, decisions)


def word_costs_of(names: CatalogueNames, listings: Listings) -> WordCosts:
    """The costs of missing words, learned from the listings and from the names of all barcodes."""
    gtins = np.where(names.keys < FIRST_COMPUTED_ID, names.keys, 0)
    return learn_word_costs(listings.facts, listings.chains, learn_retention(names.facts, gtins))


def loose_rows(names: CatalogueNames) -> Longs:
    """The rows of goods without a usable barcode: of masters that have no GTIN, that are sold by weight, or
    whose GTIN ends in a chain's own code."""
    masters, place = np.unique(names.masters, return_inverse=True)
    weighed = np.bincount(place, names.facts.weighed > 0, len(masters)) > 0
    loose = (masters >= FIRST_COMPUTED_ID) | weighed
    cores = core_numbers(names.numbers)
    own = np.unique(cores[(names.keys >= FIRST_COMPUTED_ID) & (cores > 0)])
    loose |= np.bincount(place, np.isin(cores, own), len(masters)) > 0
    return np.flatnonzero(loose[place])


def _claims(names: CatalogueNames, rows: Longs) -> Longs:
    """The previous id of each listing, or its key if that id is a barcode of packed goods: an earlier build
    linked the listing to it, and this build links it again if the evidence still holds."""
    previous = names.previous[rows]
    of_a_cluster = (previous >= FIRST_COMPUTED_ID) | np.isin(previous, names.masters[rows])
    return np.where(of_a_cluster, previous, names.keys[rows])


def listings_of(names: CatalogueNames, rows: Longs, encoder: Encoder) -> Listings:
    """The names in these rows as listings."""
    facts = names.facts.take(rows)
    vectors = item_vectors(encoder, [names.texts[row] for row in rows], facts)
    centre = vectors.mean(axis=0) if len(rows) else np.zeros(vectors.shape[1], dtype=np.float32)
    return Listings(
        facts,
        centred(vectors, centre),
        names.chains[rows],
        names.numbers[rows],
        names.masters[rows],
        name_keys(facts).astype(np.int64),
    )


def _compare(listings: Listings, costs: WordCosts, model: PairModel) -> ScoredPairs:
    """The pairs worth comparing, with the odds of each."""
    keys = listings.keys
    pairs = neighbours(listings)
    across = listings.chains[pairs.first] != listings.chains[pairs.second]
    pairs = pairs.take(across | (keys[pairs.first] == keys[pairs.second]))
    relation = code_relations(listings.numbers[pairs.first], listings.numbers[pairs.second])
    relation[listings.chains[pairs.first] == listings.chains[pairs.second]] = UNRELATED
    odds = np.zeros(len(pairs))
    for begin in range(0, len(pairs), _PAIRS_AT_ONCE):
        part = slice(begin, begin + _PAIRS_AT_ONCE)
        first, second = pairs.first[part], pairs.second[part]
        features = compare_names(listings.facts, first, listings.facts, second, costs=costs)
        odds[part] = model.odds(features, relation[part])
    return ScoredPairs(listings, costs, pairs, relation, odds)


def _apart(names: CatalogueNames, rows: Longs, groups: Longs) -> CannotLinks:
    """Cannot-links: pairs of groups of listings that a person has kept apart."""
    had: dict[int, set[int]] = {}
    for row, group in zip(rows.tolist(), groups.tolist(), strict=True):
        for master_id in (int(names.previous[row]), int(names.keys[row])):
            had.setdefault(master_id, set()).add(group)
    return frozenset(
        (group, other)
        for row, group in zip(rows.tolist(), groups.tolist(), strict=True)
        for master_id in names.apart.get(row, ())
        for other in had.get(master_id, ())
        if other != group
    )
