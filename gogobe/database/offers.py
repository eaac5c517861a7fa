"""The best open offer of masters in chains, from promotions that are running now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from gogobe.database.connection import Connection
from gogobe.records.offers import OpenOffer

# Of offers with equal prices, the one with fewer conditions is better.
_BEST: Final = """
    SELECT DISTINCT ON (wanted.master_id, o.chain_id)
           wanted.master_id, o.chain_id, o.promotion_id, o.description, o.offer_kind, o.offer_quantity,
           o.offer_per, o.offer_total, o.price, o.shelf_price, o.needs_club, o.needs_coupon,
           o.needs_payment_means, o.least_basket, o.least_purchase, o.redemption_limit,
           o.days, o.daily_from, o.daily_to
    FROM unnest(%(ids)s::bigint[]) AS wanted (master_id)
    JOIN masters m ON m.master_id = wanted.master_id OR m.merged_into = wanted.master_id
    JOIN master_aliases a ON a.master_id = m.master_id
    JOIN item_promotions o ON o.chain_id = a.chain_id AND o.item_code = a.item_code
    JOIN promotions p ON p.store_key = o.store_key AND p.promotion_id = o.promotion_id
    JOIN stores s ON s.store_key = o.store_key
    WHERE o.is_running AND o.price < o.shelf_price
      AND greatest(p.published_at, s.promotions_full_at) >= coalesce(%(as_of)s, now()) - price_max_age()
    ORDER BY wanted.master_id, o.chain_id, o.price,
             o.needs_club::integer + o.needs_coupon::integer + o.needs_payment_means::integer
               + (o.least_basket IS NOT NULL)::integer + (o.least_purchase IS NOT NULL)::integer,
             o.offer_quantity, o.promotion_id, o.store_key
"""


def best_offers(
    connection: Connection, master_ids: Sequence[int], as_of: datetime | None = None
) -> Mapping[tuple[int, str], OpenOffer]:
    """The best open offer by master and chain id; pairs without one are left out. Excluded are offers of
    stores without a shelf price of the item, since nothing shows that they are below it, and offers that no
    file has confirmed for longer than `price_max_age` before `as_of` (aware; None: now)."""
    rows = connection.execute(_BEST, {"ids": list(master_ids), "as_of": as_of})
    return {(master_id, chain_id): OpenOffer(*rest) for master_id, chain_id, *rest in rows}
