"""Recall of candidate generation for goods without a barcode: is the other item of a judged pair a candidate?

Measured on the listings as they are clustered: by vector alone, and by all blocking rules together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.build.build import learn_encoder
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.cluster import listings_of, loose_rows
from gogobe.masters.build.gather import gather
from gogobe.masters.clusters.listings import Listings, neighbours
from gogobe.masters.codes.suffixes import UNRELATED, code_relations
from gogobe.masters.evaluation.labelled_pairs import ALL_KINDS, LabelledPair

Longs = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]
_RANKS = (10, 50)


class CandidateRecall(msgspec.Struct, frozen=True):
    """Pairs of one product of one kind. How many of them have the other item among the 10 and the 50 nearest by
    vector, among the first 10 and 50 candidates (related codes first, then by vector), and among all."""

    kind: str
    pairs: int
    vector_at_10: int
    vector_at_50: int
    at_10: int
    at_50: int
    compared: int


def candidate_recall(rows: Iterable[CatalogueRow], pairs: Sequence[LabelledPair]) -> list[CandidateRecall]:
    """The recall by kind, all kinds last. Pairs that share a barcode, and pairs with an item that is a service
    or packed goods with a barcode, are left out."""
    names = gather(rows)
    places = loose_rows(names)
    listings = listings_of(names, places, learn_encoder(names))
    place_of = {names.sources[row]: place for place, row in enumerate(places.tolist())}
    asked = [
        (pair.kind, place_of[pair.a], place_of[pair.b])
        for pair in pairs
        if pair.same and pair.a in place_of and pair.b in place_of
    ]
    asked = [one for one in asked if listings.masters[one[1]] != listings.masters[one[2]]]
    found = _found(listings, np.array([one[1:] for one in asked], dtype=np.int64).reshape(-1, 2))
    kinds = np.array([kind for kind, *_ in asked])
    return [
        *(_counts(kind, found[kinds == kind]) for kind in sorted(set(kinds.tolist()))),
        _counts(ALL_KINDS, found),
    ]


def _counts(kind: str, found: npt.NDArray[np.bool_]) -> CandidateRecall:
    return CandidateRecall(kind, len(found), *found.sum(axis=0).tolist())


def _found(listings: Listings, ends: Longs) -> npt.NDArray[np.bool_]:
    """Whether either end of each pair is among the other's candidates, by the columns of CandidateRecall."""
    pairs = neighbours(listings)
    both = np.concatenate(
        [np.column_stack([pairs.first, pairs.second]), np.column_stack([pairs.second, pairs.first])]
    )
    both = both[np.argsort(both[:, 0], kind="stable")]
    columns = []
    for one, other in (ends.T, ends.T[::-1]):
        by_vector = _ranks(listings.vectors @ listings.vectors[one].T, one, other)
        ranks = np.full(len(one), len(listings))
        for place, (listing, wanted) in enumerate(zip(one.tolist(), other.tolist(), strict=True)):
            begin, end = np.searchsorted(both[:, 0], [listing, listing + 1])
            candidates = both[begin:end, 1]
            related = code_relations(
                np.full(len(candidates), listings.numbers[listing]), listings.numbers[candidates]
            )
            order = listings.vectors[candidates] @ listings.vectors[listing] + 2 * (related != UNRELATED)
            hit = np.flatnonzero(candidates == wanted)
            if len(hit):
                ranks[place] = (order > order[hit[0]]).sum()
        columns.append(
            np.column_stack(
                [
                    *(by_vector < rank for rank in _RANKS),
                    *(ranks < rank for rank in _RANKS),
                    ranks < len(listings),
                ]
            )
        )
    either: npt.NDArray[np.bool_] = columns[0] | columns[1]
    return either


def _ranks(cosines: Floats, one: Longs, other: Longs) -> Longs:
    """The place of `other[i]` among all listings nearest to `one[i]`, given (listings, pairs) cosines."""
    pairs = np.arange(len(one))
    cosines[one, pairs] = -np.inf
    ranks: Longs = (cosines > cosines[other, pairs]).sum(axis=0)
    return ranks
