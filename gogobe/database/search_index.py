"""The index of the words that masters are found by: updated with the refresh of the views, incrementally.

A master's words depend on its names in all chains and on how widely it is sold
(`gogobe.masters.search.documents`). `master_search` has a digest of the names and the popularity; if one of
them differs, the master's rows of `search_words` are rewritten, and `search_vocabulary` is adjusted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final

from gogobe.database.connection import Connection, Cursor, copy_rows
from gogobe.masters.search.documents import DOCUMENT_VERSION, ChainName, weights
from gogobe.masters.search.sounds import sound
from gogobe.masters.text.morphology import lemma

logger = logging.getLogger(__name__)

MASTERS_AT_ONCE: Final = 5_000
"""Masters per transaction."""

_STAGING: Final = """
    CREATE TEMPORARY TABLE IF NOT EXISTS changed_masters (
        master_id bigint, chains integer, stores integer, popularity integer, digest bigint,
        is_reworded boolean);
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_words (
        master_id bigint, word text, weight real, lemma text, sound text) ON COMMIT DELETE ROWS;
    TRUNCATE changed_masters
"""
# Popularity is logarithmic and rounded, so it changes seldom while the counts grow. The digest includes the
# chain's code, because the XOR of two equal wordings would be 0.
_FIND_CHANGED: Final = """
    INSERT INTO changed_masters
    SELECT s.master_id, s.chains, s.stores, s.popularity, d.digest,
           (d.digest, s.popularity) IS DISTINCT FROM (k.digest, k.popularity)
    FROM (SELECT master_id, count(*)::integer AS chains, sum(stores)::integer AS stores,
                 round(4 * log(2, 1 + count(*)) + log(2, 1 + sum(stores)))::integer AS popularity
          FROM master_chain_prices GROUP BY master_id) s
    JOIN (SELECT coalesce(m.merged_into, m.master_id) AS master_id,
                 bit_xor(hashtextextended(
                     concat_ws(E'\\t', a.chain_id, a.item_code, a.name, a.manufacturer), %s)) AS digest
          FROM masters m JOIN master_aliases a ON a.master_id = m.master_id
          WHERE NOT a.is_service GROUP BY 1) d ON d.master_id = s.master_id
    LEFT JOIN master_search k ON k.master_id = s.master_id
    WHERE (s.chains, s.stores, d.digest, s.popularity)
          IS DISTINCT FROM (k.chains, k.stores, k.digest, k.popularity)
"""
_CHANGED: Final = "SELECT master_id FROM changed_masters WHERE is_reworded ORDER BY master_id"
_UNSOLD: Final = """
    SELECT master_id FROM master_search k
    WHERE NOT EXISTS (SELECT FROM master_chain_prices v WHERE v.master_id = k.master_id) ORDER BY master_id
"""
_NAMES: Final = """
    SELECT c.master_id, c.popularity, coalesce(a.name, ''), coalesce(a.manufacturer, '')
    FROM changed_masters c
    JOIN masters m ON m.master_id = c.master_id OR m.merged_into = c.master_id
    JOIN master_aliases a ON a.master_id = m.master_id
    WHERE c.master_id = ANY(%s) AND NOT a.is_service
    ORDER BY c.master_id, a.chain_id, a.item_code
"""
_COLUMNS: Final = (
    ("master_id", "int8"), ("word", "text"), ("weight", "float4"), ("lemma", "text"), ("sound", "text"),
)  # fmt: skip
_DROP_WORDS: Final = """
    WITH dropped AS (DELETE FROM search_words WHERE master_id = ANY(%s) RETURNING word),
    counted AS (SELECT word, count(*)::integer AS masters FROM dropped GROUP BY word)
    UPDATE search_vocabulary v SET masters = v.masters - c.masters FROM counted c WHERE v.word = c.word
"""
_ADD_WORDS: Final = """
    INSERT INTO search_vocabulary AS v (word, lemma, sound, masters)
    SELECT word, min(lemma), min(sound), count(*)::integer FROM staged_words GROUP BY word
    ON CONFLICT (word) DO UPDATE SET masters = v.masters + excluded.masters
"""
_WRITE_WORDS: Final = """
    INSERT INTO search_words (master_id, word, weight) SELECT master_id, word, weight FROM staged_words
"""
_WRITE_STATE: Final = """
    INSERT INTO master_search (master_id, chains, stores, popularity, digest)
    SELECT master_id, chains, stores, popularity, digest FROM changed_masters WHERE master_id = ANY(%s)
    ON CONFLICT (master_id) DO UPDATE SET chains = excluded.chains, stores = excluded.stores,
        popularity = excluded.popularity, digest = excluded.digest
"""
_RECOUNT: Final = """
    UPDATE master_search k SET chains = c.chains, stores = c.stores FROM changed_masters c
    WHERE c.master_id = k.master_id AND NOT c.is_reworded
"""
_DELETE_STATE: Final = "DELETE FROM master_search WHERE master_id = ANY(%s)"
_DELETE_UNUSED_WORDS: Final = "DELETE FROM search_vocabulary WHERE masters = 0"


def update_search_index(connection: Connection) -> int:
    """Updates the index to the current `master_chain_prices` and aliases. Returns the number of masters whose
    words were written or deleted.

    Only one worker at a time may call it: the refresh of the views holds a lock. Each 5,000 masters are one
    transaction. Raises psycopg.Error.
    """
    connection.execute(_STAGING)
    connection.execute(_FIND_CHANGED, (DOCUMENT_VERSION,))
    count = 0
    for masters in _batches(connection, _UNSOLD):
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_DROP_WORDS, (masters,))
            cursor.execute(_DELETE_STATE, (masters,))
        count += len(masters)
    for masters in _batches(connection, _CHANGED):
        with connection.transaction(), connection.cursor() as cursor:
            _write(cursor, masters)
        count += len(masters)
    connection.execute(_RECOUNT)
    if count:
        connection.execute(_DELETE_UNUSED_WORDS)
        logger.info("search: the words of %d masters were written", count)
    return count


def _batches(connection: Connection, statement: str) -> Iterator[list[int]]:
    ids = [row[0] for row in connection.execute(statement.encode())]
    for start in range(0, len(ids), MASTERS_AT_ONCE):
        yield ids[start : start + MASTERS_AT_ONCE]


def _write(cursor: Cursor, masters: list[int]) -> None:
    """Rewrites the words of these masters."""
    cursor.execute(_DROP_WORDS, (masters,))
    rows = cursor.execute(_NAMES, (masters,)).fetchall()
    copy_rows(cursor, "staged_words", _COLUMNS, _words_of(rows))
    for statement in (_ADD_WORDS, _WRITE_WORDS):
        cursor.execute(statement)
    cursor.execute(_WRITE_STATE, (masters,))


def _words_of(rows: Sequence[tuple[int, int, str, str]]) -> Iterator[tuple[int, str, float, str, str]]:
    """Rows of `staged_words` from rows of `_NAMES`."""
    for (master_id, popularity), names in groupby(rows, key=lambda row: (row[0], row[1])):
        found = weights([ChainName(name, maker) for _, _, name, maker in names], popularity)
        for word, weight in found.items():
            yield master_id, word, weight, lemma(word), sound(word)
