"""Small lists of goods for tests of clusters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gogobe.masters.clusters.contrast import name_keys
from gogobe.masters.clusters.listings import Listings
from gogobe.masters.codes.suffixes import code_numbers
from gogobe.masters.text.facts import Described, Facts, describe


def facts_of(names: Sequence[str], *, price: float = 10.0, is_weighted: bool = True) -> Facts:
    """Facts of goods sold by weight."""
    return describe([Described(name, price=price, is_weighted=is_weighted) for name in names])[1]


def listings_of(listed: Sequence[tuple[str, str, str]], *, dimensions: int = 8) -> Listings:
    """Listings by chain, code and name. Their vectors say nothing: all are alike far from each other."""
    facts = facts_of([name for _, _, name in listed])
    chains = {chain: number for number, chain in enumerate(sorted({chain for chain, _, _ in listed}), start=1)}
    vectors = np.random.default_rng(1).standard_normal((len(listed), dimensions)).astype(np.float32)
    return Listings(
        facts,
        vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
        np.array([chains[chain] for chain, _, _ in listed], dtype=np.uint32),
        code_numbers([code for _, code, _ in listed]),
        np.arange(len(listed)),
        name_keys(facts).astype(np.int64),
    )
