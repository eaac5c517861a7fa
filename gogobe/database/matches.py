"""Match statistics for people: counts by chain, and the products that were joined by name."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.connection import connect, fetch_as


class ChainMatches(msgspec.Struct, frozen=True):
    """The number of a chain's codes by kind of match: by barcode, by a known code, by name, left for review,
    and new (a master of their own)."""

    chain: str
    gtin: int
    alias: int
    vector: int
    review: int
    new: int


class MatchedCode(msgspec.Struct, frozen=True):
    """One chain's code of a product that chains have under different codes, with its cheapest price there.

    `match` is how the code got its master; for `vector`, `score` (0 to 1) and `reasons` are the evidence.
    """

    master_id: int
    chain: str
    item_code: str
    name: str | None
    cheapest: Decimal
    match: str
    score: float
    reasons: list[str]


_BY_CHAIN: Final = """
    SELECT c.name AS chain,
           count(*) FILTER (WHERE a.match = 'gtin') AS gtin, count(*) FILTER (WHERE a.match = 'alias') AS alias,
           count(*) FILTER (WHERE a.match = 'vector') AS vector,
           count(*) FILTER (WHERE a.match = 'review') AS review, count(*) FILTER (WHERE a.match = 'new') AS new
    FROM master_aliases a JOIN chains c ON c.chain_id = a.chain_id
    GROUP BY c.name ORDER BY c.name
"""

_JOINED_BY_NAME: Final = """
    WITH sold AS (
        SELECT v.master_id, a.chain_id, a.item_code, a.name, v.cheapest, a.match, a.score,
               a.master_id AS candidate_id
        FROM master_aliases a
        JOIN masters m ON m.master_id = a.master_id
        JOIN master_chain_prices v
          ON v.master_id = coalesce(m.merged_into, m.master_id) AND v.chain_id = a.chain_id
    ), chosen AS (
        SELECT master_id, count(DISTINCT chain_id) AS chains, max(score) FILTER (WHERE match = 'vector') AS best
        FROM sold GROUP BY master_id
        HAVING count(DISTINCT chain_id) > 1 AND bool_or(match = 'vector')
        ORDER BY chains DESC, best DESC, master_id LIMIT %s
    )
    SELECT s.master_id, c.name AS chain, s.item_code, s.name, s.cheapest, s.match, s.score,
           coalesce(p.reasons, '{}') AS reasons
    FROM chosen JOIN sold s ON s.master_id = chosen.master_id
    JOIN chains c ON c.chain_id = s.chain_id
    LEFT JOIN review_pairs p
           ON p.chain_id = s.chain_id AND p.item_code = s.item_code AND p.candidate_id = s.candidate_id
    ORDER BY chosen.chains DESC, chosen.best DESC, s.master_id, s.match = 'vector', c.name, s.item_code
"""


def matches_by_chain(dsn: Dsn) -> list[ChainMatches]:
    """The counts of every chain with prices, by name."""
    with connect(dsn) as connection:
        return fetch_as(connection, ChainMatches, _BY_CHAIN)


def joined_by_name(dsn: Dsn, masters: int) -> list[MatchedCode]:
    """The codes of products that were joined across chains by name, at most `masters` products: those of most
    chains first, then those with the highest score. A product's codes are adjacent, the master's own first.
    Prices are those of the last refresh of the views."""
    with connect(dsn) as connection:
        return fetch_as(connection, MatchedCode, _JOINED_BY_NAME, (masters,))
