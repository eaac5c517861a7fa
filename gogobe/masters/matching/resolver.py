"""From an item to its master: GTIN, then what is known of the chain's code, then what its name resembles."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Final

import numpy as np

from gogobe.masters.codes.decisions import Decision, MatchCounts
from gogobe.masters.codes.gtin import chain_hash, computed_master_id, valid_gtins
from gogobe.masters.matching.chain_context import LEAST, Listing, listing_of
from gogobe.masters.matching.matcher import Matcher, NamedItem
from gogobe.masters.matching.model import learned_model
from gogobe.masters.snapshot.files import Snapshot
from gogobe.masters.snapshot.known_codes import KnownCodes
from gogobe.masters.text.facts import describe, describe_item
from gogobe.records.rows import Item

_CHAINS_KEPT: Final = 2  # whose listings a worker holds: some 20 MB for 30,000 items


class Resolver:
    """Fills `gtin`, `master_id`, `match` and `score` of items, a batch at a time.

    Without a snapshot GTINs resolve, and whatever has none is `new`, with a computed id. What it fills depends
    on the item, its chain and the snapshot; and on the rest of its batch where the snapshot does not know the
    chain. One resolver serves one thread.
    """

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.snapshot = snapshot
        self._with_snapshot = _WithSnapshot(snapshot) if snapshot else None

    def resolve(self, chain_id: str, items: list[Item]) -> MatchCounts:
        """Match the items of one chain in place. Never raises for what an item holds."""
        gtins = valid_gtins([item.item_code for item in items])
        masters = self._with_snapshot.codes.masters_of(gtins) if self._with_snapshot else gtins
        rest: list[Item] = []
        for item, gtin, master_id in zip(items, gtins.tolist(), masters.tolist(), strict=True):
            if gtin:
                item.gtin, item.master_id, item.match, item.score = gtin, master_id, "gtin", 1.0
            else:
                item.gtin, item.match, item.score = None, "new", 0.0
                item.master_id = computed_master_id(chain_id, item.item_code)
                rest.append(item)
        counts = MatchCounts(gtin=len(items) - len(rest))
        if rest and self._with_snapshot:
            unknown = self._with_snapshot.resolve_by_code(rest, counts)
            if unknown:
                self._with_snapshot.resolve_by_name(chain_id, unknown, items, counts)
        counts.new = len(rest) - counts.alias - counts.vector - counts.review
        return counts


class _WithSnapshot:
    """Matches items that have no GTIN; their `master_id` is the computed one when they come."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._matcher = Matcher(snapshot, learned_model())
        self._listing_of = lru_cache(maxsize=_CHAINS_KEPT)(partial(listing_of, snapshot))
        self.codes = KnownCodes(snapshot.tables)

    def resolve_by_code(self, items: list[Item], counts: MatchCounts) -> list[Item]:
        """Match items whose codes the snapshot knows: all was decided when it was built. The others."""
        unknown: list[Item] = []
        for item, code in zip(items, self.codes.look_up([item.master_id for item in items]), strict=True):
            if code is None:
                unknown.append(item)
            elif code.match == "alias":
                item.master_id, item.match, item.score = code.master_id, "alias", 1.0
                counts.alias += 1
            elif code.decision:
                _take(item, code.master_id, code.decision, counts)
        return unknown

    def resolve_by_name(self, chain_id: str, items: list[Item], batch: list[Item], counts: MatchCounts) -> None:
        """Match items by what they are called, beside what else their chain sells: that is what the snapshot
        knows of it or, where it does not know the chain, the batch that they came in."""
        listing = self._listing_of(chain_hash(chain_id))
        texts, facts = describe([describe_item(item) for item in items])
        keys = np.array([item.master_id for item in items], dtype=np.int64)
        if len(listing) < LEAST:
            listing = self._listing_of_batch(batch)
        judged = self._matcher.judge(texts, facts, keys, listing)
        for place, item in enumerate(items):
            named = NamedItem(chain_id, item.item_code, item.name or "", item.master_id)
            decision = self._matcher.decision(judged, place, named)
            if decision:
                _take(item, decision.candidate_id, decision, counts)

    def _listing_of_batch(self, batch: list[Item]) -> Listing:
        texts, facts = describe([describe_item(item) for item in batch])
        keys = np.array([item.gtin or item.master_id for item in batch], dtype=np.int64)
        return self._matcher.listing(texts, facts, keys)


def _take(item: Item, master_id: int, decision: Decision, counts: MatchCounts) -> None:
    """Fill an item as decided: `vector` gives it the master, `review` leaves it its own."""
    item.match, item.score = decision.match, decision.score
    if decision.match == "vector":
        item.master_id = master_id
        counts.vector += 1
    else:
        counts.review += 1
    counts.decisions.append(decision)
