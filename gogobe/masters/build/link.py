"""Links packed goods that a chain lists without a GTIN to the masters of GTINs, when a snapshot is built.

Each is compared with all masters, as an arriving item would be. If the matcher accepts a master with a GTIN,
the item's own master is merged into it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.gather import CatalogueNames
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.matching.chain_context import listing_of
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.matching.queries import NamedItem, Queries

Longs = npt.NDArray[np.int64]

_NAMES_AT_ONCE: Final = 2_000


@dataclass(frozen=True)
class LinkedMasters:
    """`canonical` (n,) is the row that each of n masters was merged into, or its own; `decisions` are those
    about the names, by row: links, and questions for review."""

    canonical: Longs
    decisions: dict[int, Decision]


def link_masters(matcher: Matcher, names: CatalogueNames, asked: Longs) -> LinkedMasters:
    """Compare the names in the rows `asked`, each the only name of its master, with masters that have a
    GTIN."""
    tables = matcher.masters.tables
    row_of = np.searchsorted(tables.masters, names.masters)
    found: list[tuple[int, int, Decision]] = []
    for chain in np.unique(names.chains[asked]):
        listing = listing_of(matcher.masters, int(chain))
        of_chain = asked[names.chains[asked] == chain]
        for begin in range(0, len(of_chain), _NAMES_AT_ONCE):
            part = of_chain[begin : begin + _NAMES_AT_ONCE]
            texts = [names.texts[row] for row in part]
            items = Queries(texts, names.facts.take(part), names.keys[part], names.numbers[part])
            judged = matcher.match(items, listing)
            for place, row in enumerate(part.tolist()):
                if judged.masters[place] < 0 or tables.loose[judged.masters[place]]:
                    continue
                label = names.labels[row].decode("utf-8", "replace")
                chain_id, item_code = names.sources[row]
                item = NamedItem(chain_id, item_code, label, int(names.masters[row]))
                # Its other proposals are clusters, and those are compared when clusters are built.
                found += [
                    (row, int(judged.masters[place]), decision)
                    for decision in matcher.decisions(judged, place, item)[:1]
                ]
    return _link_in_order(found, row_of, len(tables.masters))


def _link_in_order(found: list[tuple[int, int, Decision]], row_of: Longs, masters: int) -> LinkedMasters:
    """Link the highest scores first. A linked master is no target, and a target is not linked itself."""
    canonical = np.arange(masters)
    decisions: dict[int, Decision] = {}
    targets: set[int] = set()
    for row, candidate, decision in sorted(found, key=lambda entry: (-entry[2].score, entry[0])):
        own = int(row_of[row])
        if canonical[candidate] != candidate:
            continue  # the candidate is linked to another master itself
        if decision.match == "vector":
            if own in targets:
                continue
            canonical[own] = candidate
            targets.add(candidate)
        decisions[row] = decision
    return LinkedMasters(canonical, decisions)
