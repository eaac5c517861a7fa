"""What the CLI and the demo ask of the database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import msgspec
from psycopg import sql
from psycopg.rows import class_row

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, connect
from gogobe.database.offers import best_offers
from gogobe.records.offers import OpenOffer


class ChainPrice(msgspec.Struct, frozen=True):
    """A master's current price in one chain's stores, in the chain's currency; `median` is a price that is
    asked somewhere. `last_seen_at` is the newest file (published, UTC) that lists it. `offer` is the best of
    the promotions that are running now."""

    chain: str
    chain_id: str
    cheapest: Decimal
    median: Decimal
    dearest: Decimal
    stores: int
    last_seen_at: datetime
    offer: OpenOffer | None = None


class MasterComparison(msgspec.Struct, frozen=True):
    """A master and its price by chain, the cheapest chain first."""

    master_id: int
    name: str | None
    brand: str | None
    prices: list[ChainPrice]


class FileLine(msgspec.Struct, frozen=True):
    """A file's line in the ledger; times in UTC. `state`: loading, loaded or incomplete; `announced` and `read`
    are None until the file's last batch is in. `reader_version` is that of the reading that counts, where it
    was asked for."""

    source_url: str
    chain: str
    store_id: str
    kind: str
    state: str
    announced: int | None
    read: int | None
    loaded: int
    unchanged: int
    stale: int
    refused: int
    seen_at: datetime
    first_loaded_at: datetime
    completed_at: datetime | None
    reader_version: int | None = None


class Failure(msgspec.Struct, frozen=True):
    """A dead letter of an announced file, and when it failed last, in UTC."""

    source_url: str
    reason: str
    failed_at: datetime


_BY_CODE: Final = """
    SELECT DISTINCT coalesce(m.merged_into, m.master_id) AS master_id FROM masters m
    WHERE m.master_id IN (
        SELECT %(number)s::bigint
        UNION SELECT a.master_id FROM master_aliases a WHERE a.item_code = ANY(%(codes)s))
    ORDER BY 1 LIMIT %(limit)s
"""

# Masters that have all the words, those sold by most chains first among those that resemble the query most.
_BY_WORDS: Final = """
    SELECT master_id FROM master_search WHERE {conditions}
    ORDER BY round(word_similarity(search_text(%(query)s), words)::numeric, 1) DESC, chains DESC, stores DESC,
             master_id
    LIMIT %(limit)s
"""
_HAS_WORD: Final = "words LIKE search_text({pattern})"

# Of the masters that have all the words, the one sold by weight in most chains.
_BY_WEIGHT: Final = """
    SELECT s.master_id FROM master_search s
    WHERE {conditions} AND EXISTS (
        SELECT 1 FROM masters m JOIN master_aliases a ON a.master_id = m.master_id
        WHERE (m.master_id = s.master_id OR m.merged_into = s.master_id) AND a.is_weighted)
    ORDER BY chains DESC, word_similarity(search_text(%(query)s), words) DESC, stores DESC, master_id
    LIMIT 1
"""

_BY_RESEMBLANCE: Final = """
    SELECT master_id FROM master_search WHERE search_text(%(query)s) <%% words
    ORDER BY word_similarity(search_text(%(query)s), words) DESC, chains DESC, stores DESC, master_id
    LIMIT %(limit)s
"""

_WELL_KNOWN: Final = """
    SELECT master_id FROM master_search ORDER BY chains DESC, stores DESC, master_id LIMIT %(limit)s
"""

_MASTERS: Final = """
    SELECT m.master_id, m.name, m.brand, c.name, v.chain_id, v.cheapest, v.median, v.dearest, v.stores,
           v.last_seen_at
    FROM unnest(%s::bigint[]) WITH ORDINALITY AS wanted (master_id, place)
    JOIN masters m ON m.master_id = wanted.master_id
    JOIN master_chain_prices v ON v.master_id = m.master_id
    JOIN chains c ON c.chain_id = v.chain_id
    ORDER BY wanted.place, v.cheapest, c.name, v.chain_id
"""

_FILES: Final = """
    SELECT a.source_url, f.chain, f.store_id, f.kind, f.state, f.announced, f.read, f.loaded, f.unchanged,
           f.stale, f.refused, a.seen_at, f.first_loaded_at, f.completed_at
    FROM file_addresses a JOIN files f ON f.content_sha256 = a.content_sha256
    WHERE a.source_url = ANY(%s) AND a.discovered_at >= %s ORDER BY a.source_url, f.published_at
"""

_FILES_BY_CONTENT: Final = """
    SELECT content_sha256, source_url, chain, store_id, kind, state, announced, read, loaded, unchanged, stale,
           refused, seen_at, first_loaded_at, completed_at, reader_version
    FROM files WHERE content_sha256 = ANY(%s)
"""

_FAILURES: Final = """
    SELECT source_url, reason, last_failed_at AS failed_at
    FROM dead_letters WHERE source_url = ANY(%s) AND last_failed_at >= %s ORDER BY last_failed_at
"""


def compare_prices(dsn: Dsn, query: str, limit: int = 10) -> list[MasterComparison]:
    """Masters that are sold now and match the query, with their price by chain.

    A query of digits is a barcode (leading zeros do not matter) or a chain's own code; any other is words of a
    name: those that have all of them, ranked by likeness, or, where none has, those that resemble the query.
    """
    text = query.strip()
    with connect(dsn) as connection:
        if text.isascii() and text.isdecimal():
            return _by_code(connection, text, limit)
        words = text.lower().split()
        if not words:
            return []
        values = {"query": " ".join(words), "limit": limit}
        found = _ids(connection, _by_words(_BY_WORDS, len(words)), values | _patterns(words))
        if not found:
            found = _ids(connection, sql.SQL(_BY_RESEMBLANCE), values)
        return _comparisons(connection, found)


def sold_by_weight(dsn: Dsn, names: Sequence[str]) -> list[MasterComparison]:
    """For each of some names, the master with these words that most chains sell by weight, with its price by
    chain. A name without one is left out, and a master of two names comes once."""
    found: list[int] = []
    with connect(dsn) as connection:
        for name in names:
            words = name.lower().split()
            statement = _by_words(_BY_WEIGHT, len(words))
            found += _ids(connection, statement, {"query": " ".join(words)} | _patterns(words))
        return _comparisons(connection, list(dict.fromkeys(found)))


def well_known(dsn: Dsn, n: int) -> list[MasterComparison]:
    """The `n` masters that most chains sell (then most stores), with their price by chain."""
    with connect(dsn) as connection:
        return _comparisons(connection, _ids(connection, sql.SQL(_WELL_KNOWN), {"limit": n}))


def files_report(connection: Connection, source_urls: Sequence[str], since: datetime) -> list[FileLine]:
    """The ledger's lines of the files that were announced under these addresses at `since` (aware) or later."""
    with connection.cursor(row_factory=class_row(FileLine)) as cursor:
        return cursor.execute(_FILES, (list(source_urls), since)).fetchall()


def files_by_content(connection: Connection, hashes: Sequence[str]) -> dict[str, FileLine]:
    """The ledger's lines of the files with these contents (SHA-256, hex), by content."""
    return {row[0]: FileLine(*row[1:]) for row in connection.execute(_FILES_BY_CONTENT, (list(hashes),))}


def failures_report(connection: Connection, source_urls: Sequence[str], since: datetime) -> list[Failure]:
    """The dead letters of these addresses that failed at `since` (aware) or later, in that order."""
    with connection.cursor(row_factory=class_row(Failure)) as cursor:
        return cursor.execute(_FAILURES, (list(source_urls), since)).fetchall()


def _by_code(connection: Connection, digits: str, limit: int) -> list[MasterComparison]:
    bare = digits.lstrip("0") or "0"
    number = int(bare) if len(bare) <= 16 else -1
    codes = sorted({digits, bare, *(bare.zfill(length) for length in (8, 12, 13, 14))})
    return _comparisons(
        connection, _ids(connection, sql.SQL(_BY_CODE), {"number": number, "codes": codes, "limit": limit})
    )


def _by_words(statement: LiteralString, count: int) -> sql.Composed:
    """The statement with one condition for each word, which the trigram index can answer."""
    conditions = [sql.SQL(_HAS_WORD).format(pattern=sql.Placeholder(f"word{n}")) for n in range(count)]
    return sql.SQL(statement).format(conditions=sql.SQL(" AND ").join(conditions))


def _patterns(words: Sequence[str]) -> dict[str, str]:
    return {f"word{n}": _pattern(word) for n, word in enumerate(words)}


def _pattern(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _ids(connection: Connection, statement: sql.SQL | sql.Composed, values: dict[str, Any]) -> list[int]:
    return [row[0] for row in connection.execute(statement, values)]


def _comparisons(connection: Connection, master_ids: Sequence[int]) -> list[MasterComparison]:
    found: dict[int, MasterComparison] = {}
    offers = best_offers(connection, master_ids)
    for master_id, name, brand, *price in connection.execute(_MASTERS, (list(master_ids),)):
        comparison = found.setdefault(master_id, MasterComparison(master_id, name, brand, []))
        one = ChainPrice(*price)
        offer = offers.get((master_id, one.chain_id))
        comparison.prices.append(msgspec.structs.replace(one, offer=offer))
    return list(found.values())
