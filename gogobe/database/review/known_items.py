"""Reads the catalogue from the database in one pass, as the input of a masters snapshot."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Final

from gogobe.database.address import Dsn, maintenance_of
from gogobe.database.connection import Connection, connect
from gogobe.database.review.merges import BUILDER
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.text.facts import Described, as_float

# The median price in the chain's stores; the unit as in `describe_item`. `decided`: a person has decided
# about the alias, or has merged its master.
_ALIASES: Final = """
    SELECT a.chain_id, a.item_code, a.master_id, coalesce(m.merged_into, m.master_id),
           a.decided_at IS NOT NULL OR EXISTS (
               SELECT 1 FROM master_merges g
               WHERE g.from_id = m.master_id AND g.undone_at IS NULL AND g.merged_by <> %(builder)s),
           coalesce(a.name, ''), coalesce(a.manufacturer, ''), a.quantity,
           coalesce(nullif(a.unit_qty, ''), a.unit_of_measure, ''), v.median, coalesce(a.is_weighted, false)
    FROM master_aliases a
    JOIN masters m ON m.master_id = a.master_id
    LEFT JOIN master_chain_prices v
           ON v.master_id = coalesce(m.merged_into, m.master_id) AND v.chain_id = a.chain_id
    WHERE NOT a.is_service
    ORDER BY a.chain_id, a.item_code
"""
_CODES_APART: Final = "SELECT chain_id, item_code, candidate_id FROM review_pairs WHERE is_same = false"
# A "no" keeps two masters apart, and so does a person's undo of a build's merge.
_MASTERS_APART: Final = """
    SELECT own_master_id, candidate_id FROM review_pairs WHERE is_same = false AND match = 'review'
    UNION SELECT from_id, into_id FROM master_merges WHERE merged_by = %(builder)s AND undone_by <> %(builder)s
"""
_ROWS_AT_ONCE: Final = 5_000


def known_items(dsn: Dsn) -> Iterator[CatalogueRow]:
    """Every code of every chain that is goods, with the chain's description and its master (merges followed),
    ordered by chain and code. `decided`: a person assigned the master, or rejected all others; `apart_from`:
    masters that a person rejected.

    Streamed: memory grows with the number of decisions only. Prices are the chain's median at the last
    refresh of the views. Raises psycopg.Error.
    """
    # No idle timeout: the consumer may pause for long between two fetches of the transaction.
    patient = replace(maintenance_of(dsn), idle=0.0)
    with connect(dsn, timeouts=patient) as connection, connection.transaction():
        apart = _apart(connection)
        with connection.cursor("known_items") as cursor:
            cursor.itersize = _ROWS_AT_ONCE
            cursor.execute(_ALIASES, {"builder": BUILDER})
            for (
                chain_id,
                code,
                own_id,
                master_id,
                decided,
                name,
                maker,
                quantity,
                unit,
                price,
                weighed,
            ) in cursor:
                described = Described(
                    name, maker, as_float(quantity), unit, as_float(price), is_weighted=weighed
                )
                others = apart.get((chain_id, code), set()) | apart.get(own_id, set())
                yield CatalogueRow(chain_id, code, described, master_id, decided, tuple(sorted(others)))


def _apart(connection: Connection) -> Mapping[Hashable, set[int]]:
    """Rejected masters, by chain and code, and by the other master's id."""
    apart: defaultdict[Hashable, set[int]] = defaultdict(set)
    for chain_id, code, candidate_id in connection.execute(_CODES_APART):
        apart[chain_id, code].add(candidate_id)
    for own_id, candidate_id in connection.execute(_MASTERS_APART, {"builder": BUILDER}):
        apart[own_id].add(candidate_id)
    return apart
