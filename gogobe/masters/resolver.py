"""From an item to its master: GTIN, then what is known of the chain's code, then what its name resembles."""

from __future__ import annotations

from gogobe.feeds.rows import Item
from gogobe.masters.decisions import MatchCounts
from gogobe.masters.gtin import computed_master_id, valid_gtins
from gogobe.masters.snapshot import Snapshot


class Resolver:
    """Fills `gtin`, `master_id`, `match` and `score` of items, a batch at a time.

    Without a snapshot GTINs resolve, and whatever has none is `new`, with a computed id. What it fills depends
    on the item, its chain and the snapshot alone. One resolver serves one thread.
    """

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.snapshot = snapshot

    def resolve(self, chain_id: str, items: list[Item]) -> MatchCounts:
        """Match the items of one chain in place. Never raises for what an item holds."""
        gtins: list[int] = valid_gtins([item.item_code for item in items]).tolist()
        counts = MatchCounts()
        for item, gtin in zip(items, gtins, strict=True):
            if gtin:
                item.gtin, item.master_id, item.match, item.score = gtin, gtin, "gtin", 1.0
                counts.gtin += 1
            else:
                item.gtin, item.match, item.score = None, "new", 0.0
                item.master_id = computed_master_id(chain_id, item.item_code)
                counts.new += 1
        return counts
