"""One chain of a catalogue held out: its items are asked, and a snapshot of the other chains has the masters.

An item whose GTIN another chain sells has that one master to find; any other item with a GTIN is a negative,
and accepting a master for it is an error. Items without a GTIN have no truth: they are no queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.gather import gather
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.matching.chain_context import Listing
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.masters.text.arrays import evenly
from gogobe.masters.text.facts import Facts

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class HeldOut:
    """One chain's n items, to be found in a snapshot of the other chains.

    `texts`, `facts` and `keys` are of all its items; `asked` are the rows of those that are queries, `truth`
    the snapshot's row of each query's master, -1 for negatives.
    """

    snapshot: Snapshot
    texts: list[str]
    facts: Facts
    keys: Longs
    asked: Longs
    truth: Longs

    def listing(self, matcher: Matcher) -> Listing:
        """All items of the chain: what it sells beside any one of them."""
        return matcher.listing(self.texts, self.facts, self.keys)

    def query(self, rows: Longs) -> tuple[list[str], Facts, Longs]:
        """Texts, facts and keys of some of the chain's items."""
        return [self.texts[row] for row in rows], self.facts.take(rows), self.keys[rows]


def held_out(rows: Sequence[CatalogueRow], chain: str, folder: Path, limit: int | None = None) -> HeldOut:
    """Build a snapshot of all chains but one in a folder, and take that one's items with a GTIN as queries."""
    build_snapshot((row for row in rows if row.chain_id != chain), folder)
    snapshot = open_snapshot(folder, check=False)
    own = gather(row for row in rows if row.chain_id == chain)
    asked = np.flatnonzero(own.keys < FIRST_COMPUTED_ID)
    if limit is not None:
        asked = evenly(asked, limit)
    masters, wanted = snapshot.tables.masters, own.keys[asked]
    place = np.minimum(np.searchsorted(masters, wanted), len(masters) - 1)
    facts = replace(own.facts, company=np.zeros_like(own.facts.company))
    return HeldOut(snapshot, own.texts, facts, own.keys, asked, np.where(masters[place] == wanted, place, -1))
