"""What the database knows of products, read in one pass to build a masters snapshot from."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

import msgspec
from psycopg.rows import class_row

from gogobe.io.postgres import connect


class KnownAlias(msgspec.Struct, frozen=True, gc=False):
    """A chain's code with the chain's words for it, and the master it belongs to, merges followed. `decided`: a
    person said so. `price` is the median price in the chain's stores, None where it is not sold now."""

    chain_id: str
    item_code: str
    master_id: int
    match: str
    decided: bool
    name: str | None
    manufacturer: str | None
    quantity: Decimal | None
    unit_qty: str | None
    unit_of_measure: str | None
    is_weighted: bool | None
    price: Decimal | None


_ALIASES: Final = """
    SELECT a.chain_id, a.item_code, coalesce(m.merged_into, m.master_id) AS master_id, a.match,
           a.decided_at IS NOT NULL AS decided, a.name, a.manufacturer, a.quantity, a.unit_qty,
           a.unit_of_measure, a.is_weighted, v.median AS price
    FROM master_aliases a
    JOIN masters m ON m.master_id = a.master_id
    LEFT JOIN master_chain_prices v
           ON v.master_id = coalesce(m.merged_into, m.master_id) AND v.chain_id = a.chain_id
    ORDER BY a.chain_id, a.item_code
"""


def known_aliases(dsn: str) -> Iterator[KnownAlias]:
    """All aliases, ordered by chain and code, streamed: memory does not grow with their number. Prices are
    those of the last refresh of the views. Raises psycopg.Error."""
    with (
        connect(dsn) as connection,
        connection.transaction(),
        connection.cursor("known_aliases", row_factory=class_row(KnownAlias)) as cursor,
    ):
        cursor.itersize = 5_000
        yield from cursor.execute(_ALIASES)
