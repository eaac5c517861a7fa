"""Leave-one-chain-out cases: the items of one chain as queries, a snapshot of the other chains as masters.

If another chain sells an item's GTIN, that master is the only right answer; any other item with a GTIN is a
negative, and accepting a master for it is an error. Items without a GTIN have no ground truth and are no
queries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.gather import gather
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.matching.chain_context import Listing
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.matching.model import Model
from gogobe.masters.matching.queries import ComparedCandidates, Queries
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.masters.text.arrays import evenly

Longs = npt.NDArray[np.int64]
ComparedBatch = tuple[Queries, ComparedCandidates]

_BATCH: Final = 500


@dataclass(frozen=True)
class HeldOutChain:
    """One chain's items, to be found in a snapshot of the other chains.

    `items` are all that it sells, with hidden codes; `asked` are the rows of the queries, `truth` the
    snapshot's row of each query's master, -1 for negatives.
    """

    snapshot: Snapshot
    items: Queries
    asked: Longs
    truth: Longs

    def compare(self, matcher: Matcher) -> list[ComparedBatch]:
        """The queries in batches, with their candidates."""
        nothing_sold = np.zeros(0, dtype=np.int64)
        batches = self.items.take(self.asked).batches(_BATCH)
        return [(batch, matcher.compare(batch, nothing_sold)) for batch in batches]

    def listing(self, matcher: Matcher, compared: Sequence[ComparedBatch]) -> Listing:
        """All items of the chain: the context of each, given the compared queries."""
        return matcher.listing(self.items, compared)


def held_out(
    rows: Sequence[CatalogueRow], chain: str, folder: Path, limit: int | None = None, model: Model | None = None
) -> HeldOutChain:
    """Build a snapshot of all other chains in `folder`, with the chain's items that have a GTIN as
    queries."""
    build_snapshot((row for row in rows if row.chain_id != chain), folder, model=model)
    snapshot = open_snapshot(folder, check=False)
    own = gather(row for row in rows if row.chain_id == chain)
    asked = np.flatnonzero(own.keys < FIRST_COMPUTED_ID)
    if limit is not None:
        asked = evenly(asked, limit)
    tables, wanted = snapshot.tables, own.keys[asked]
    place = np.minimum(np.searchsorted(tables.gtins, wanted), max(len(tables.gtins) - 1, 0))
    truth = np.where(tables.gtins[place] == wanted, tables.gtin_masters[place], -1)
    facts = replace(own.facts, company=np.zeros_like(own.facts.company))
    hidden = Queries(own.texts, facts, own.keys, np.zeros(len(own), dtype=np.int64))
    return HeldOutChain(snapshot, hidden, asked, truth)
