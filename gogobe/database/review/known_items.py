"""What the database knows of products, read in one pass to build a masters snapshot from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from gogobe.database.address import Dsn, maintenance_of
from gogobe.database.connection import connect
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.text.facts import Described, as_float

# The median price in the chain's stores; the unit as `describe_item` takes it from a feed's item.
_ALIASES: Final = """
    SELECT a.chain_id, a.item_code, coalesce(m.merged_into, m.master_id), a.decided_at IS NOT NULL,
           coalesce(a.name, ''), coalesce(a.manufacturer, ''), a.quantity,
           coalesce(nullif(a.unit_qty, ''), a.unit_of_measure, ''), v.median, coalesce(a.is_weighted, false)
    FROM master_aliases a
    JOIN masters m ON m.master_id = a.master_id
    LEFT JOIN master_chain_prices v
           ON v.master_id = coalesce(m.merged_into, m.master_id) AND v.chain_id = a.chain_id
    ORDER BY a.chain_id, a.item_code
"""
_ROWS_AT_ONCE: Final = 5_000


def known_items(dsn: Dsn) -> Iterator[CatalogueRow]:
    """Every code of every chain with the chain's words for it and the master it belongs to, merges followed,
    ordered by chain and code. `decided`: a person said so, be it that it belongs to no other master.

    Streamed: memory does not grow with their number. Prices are the chain's median at the last refresh of the
    views. Raises psycopg.Error.
    """
    # What is done with the rows takes its time between two fetches, all within one transaction.
    patient = replace(maintenance_of(dsn), idle=0.0)
    with (
        connect(dsn, bounds=patient) as connection,
        connection.transaction(),
        connection.cursor("known_items") as cursor,
    ):
        cursor.itersize = _ROWS_AT_ONCE
        for chain_id, code, master_id, decided, name, maker, quantity, unit, price, weighed in cursor.execute(
            _ALIASES
        ):
            described = Described(name, maker, as_float(quantity), unit, as_float(price), is_weighted=weighed)
            yield CatalogueRow(chain_id, code, described, master_id, decided)
