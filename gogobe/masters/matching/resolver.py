"""Resolves items to masters: by GTIN, then by a known code of the chain, then by name."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Final

import numpy as np

from gogobe.masters.codes.decisions import MatchCounts
from gogobe.masters.codes.gtin import chain_hash, computed_master_id, valid_gtins
from gogobe.masters.matching.chain_context import MIN_CHAIN_ITEMS, listing_of
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.matching.model import Model, learned_model
from gogobe.masters.matching.queries import NamedItem, Queries, queries_of
from gogobe.masters.snapshot.files import Snapshot
from gogobe.masters.snapshot.known_codes import KnownCodes
from gogobe.masters.text.facts import describe_item
from gogobe.records.rows import Item

_CHAINS_KEPT: Final = 2  # whose listings a worker holds: some 20 MB for 30,000 items


class Resolver:
    """Fills `gtin`, `master_id`, `match` and `score` of items, a batch at a time.

    Without a snapshot only GTINs resolve; other items are `new`, with a computed id, and so are rows that are
    not goods. The result depends on the item, its chain and the snapshot; and on the other items of the batch
    if the snapshot does not know the chain, or if two of them belong to one cluster. A resolver is for one
    thread. In this example `snapshot` has matched the code 101 of chain 2 by name:

    >>> codes = ("7290000042435", "101", "9")
    >>> items = [Item(item_code=code, name="תות", price=Decimal("5.90"), row=1) for code in codes]
    >>> counts = Resolver(snapshot).resolve("2", items)
    >>> [(item.match, item.master_id == item.gtin) for item in items]
    [('gtin', True), ('vector', False), ('new', False)]
    >>> counts.gtin, counts.vector, counts.new
    (1, 1, 1)
    """

    def __init__(self, snapshot: Snapshot | None = None, model: Model | None = None) -> None:
        """`model` has the weights and thresholds, the built-in ones by default."""
        self.snapshot = snapshot
        self._with_snapshot = _WithSnapshot(snapshot, model or learned_model()) if snapshot else None

    def resolve(self, chain_id: str, items: list[Item]) -> MatchCounts:
        """Match the items of one chain in place. Never raises because of an item's content."""
        gtins = valid_gtins([item.item_code for item in items])
        codes = self._with_snapshot.codes if self._with_snapshot else None
        masters = codes.masters_of(gtins) if codes else gtins
        rest: list[Item] = []
        weighed: list[Item] = []
        for item, gtin, master_id in zip(items, gtins.tolist(), masters.tolist(), strict=True):
            if master_id:
                item.gtin, item.master_id, item.match, item.score = gtin, master_id, "gtin", 1.0
                if item.is_weighted:
                    weighed.append(item)
            else:
                item.gtin, item.match, item.score = None, "new", 0.0
                item.master_id = computed_master_id(chain_id, item.item_code)
                rest.append(item)
        if codes:
            # A GTIN that ends in a code of loose goods may be a chain's own number, as that of weighed goods.
            own = [items[place] for place in np.flatnonzero(codes.have_cores(gtins)).tolist()]
            weighed += [item for item in own if item.match == "gtin" and not item.is_weighted]
        counts = MatchCounts(gtin=len(items) - len(rest))
        if self._with_snapshot and (rest or weighed):
            unknown = self._with_snapshot.resolve_by_code(rest, counts)
            unknown += self._with_snapshot.unknown_gtins(weighed)
            goods = [item for item in unknown if not item.is_service]
            if goods:
                self._with_snapshot.resolve_by_name(chain_id, goods, items, counts)
        counts.new = len(items) - counts.gtin - counts.alias - counts.vector - counts.review
        return counts


class _WithSnapshot:
    """Matches items with a snapshot. On entry their `master_id` is the GTIN or the computed id."""

    def __init__(self, snapshot: Snapshot, model: Model) -> None:
        self._matcher = Matcher(snapshot, model)
        self._listing_of = lru_cache(maxsize=_CHAINS_KEPT)(partial(listing_of, snapshot))
        self.codes = KnownCodes(snapshot.tables)

    def resolve_by_code(self, items: list[Item], counts: MatchCounts) -> list[Item]:
        """Match items whose codes the snapshot has, as decided when it was built; returns the other items."""
        unknown: list[Item] = []
        for item, code in zip(items, self.codes.look_up([item.master_id for item in items]), strict=True):
            if code is None:
                unknown.append(item)
                continue
            item.master_id = code.master_id
            counts.decisions += code.decisions
            if code.match == "alias":
                item.match, item.score = "alias", 1.0
                counts.alias += 1
            elif code.match != "new":
                _count(item, code.match, code.decisions[0].score, counts)
        return unknown

    def unknown_gtins(self, items: list[Item]) -> list[Item]:
        """The items whose GTIN the snapshot does not have."""
        if not items:
            return []
        known = self.codes.knows(np.array([item.gtin or 0 for item in items], dtype=np.int64))
        return [item for item, is_known in zip(items, known.tolist(), strict=True) if not is_known]

    def resolve_by_name(self, chain_id: str, items: list[Item], batch: list[Item], counts: MatchCounts) -> None:
        """Match items by name in the context of their chain: the chain's items in the snapshot or, if it does
        not know the chain, the batch."""
        if not len(self._matcher.masters.tables.masters):
            return
        listing = self._listing_of(chain_hash(chain_id))
        queries = _queries(items)
        if len(listing) < MIN_CHAIN_ITEMS:
            listing = self._matcher.listing(_queries(batch))
        judged = self._matcher.match(queries, listing)
        for place, item in enumerate(items):
            if item.match == "gtin" and not judged.is_cluster[place]:
                continue
            named = NamedItem(chain_id, item.item_code, item.name or "", item.master_id)
            decisions = self._matcher.decisions(judged, place, named)
            if not decisions:
                continue
            counts.decisions += decisions
            decision = decisions[0]
            if decision.match == "vector":
                counts.gtin -= item.match == "gtin"
                item.master_id = decision.candidate_id
            if decision.match == "vector" or item.match != "gtin":
                _count(item, decision.match, decision.score, counts)


def _queries(items: list[Item]) -> Queries:
    keys = np.array([item.gtin or item.master_id for item in items], dtype=np.int64)
    return queries_of([describe_item(item) for item in items], keys, [item.item_code for item in items])


def _count(item: Item, match: str, score: float, counts: MatchCounts) -> None:
    """Record how an item was matched by name: accepted, or left for review."""
    item.score = score
    if match == "vector":
        item.match = "vector"
        counts.vector += 1
    else:
        item.match = "review"
        counts.review += 1
