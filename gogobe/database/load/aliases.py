"""Aliases (a chain's descriptions of its codes) and the masters they belong to.

Hundreds of stores of a chain describe the same codes each day, with small differences. Which description wins
does not depend on the order of the files: the newest day, within a day the newer reader, then the better
match, then the longer text, then a checksum. So stores do not rewrite each other's descriptions endlessly.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, date
from typing import Any, Final

from gogobe.database.connection import Cursor, Dialect, copy_rows
from gogobe.database.load.sent import SentHashes
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Item

_WORDS: Final = (
    ("item_type", "int4"),
    ("is_weighted", "bool"),
    ("name", "text"),
    ("manufacturer", "text"),
    ("country", "text"),
    ("description", "text"),
    ("unit_qty", "text"),
    ("quantity", "numeric"),
    ("unit_of_measure", "text"),
    ("qty_in_package", "numeric"),
    ("item_status", "text"),
    ("item_id", "text"),
    ("is_service", "bool"),
)
_COLUMNS: Final = (
    ("chain_id", "text"),
    ("item_code", "text"),
    ("described_on", "date"),
    ("description_rank", "int8"),
    ("master_id", "int8"),
    ("match", "text"),
    ("score", "float4"),
    *_WORDS,
)

STAGING: Final = """
    chain_id text NOT NULL, item_code text NOT NULL, described_on date NOT NULL,
    description_rank bigint NOT NULL, master_id bigint, match text NOT NULL, score real NOT NULL,
    item_type integer, is_weighted boolean, name text, manufacturer text, country text, description text,
    unit_qty text, quantity numeric, unit_of_measure text, qty_in_package numeric, item_status text,
    item_id text, is_service boolean NOT NULL
"""

# OFFSET 0, here and below, forces a look-up for each row instead of a join with the whole table (see
# prices.py).
_DROP_KNOWN: Final = """
    DELETE FROM staged_aliases s WHERE EXISTS (
        SELECT 1 FROM master_aliases a WHERE a.chain_id = s.chain_id AND a.item_code = s.item_code
           AND (a.described_on, a.description_rank) >= (s.described_on, s.description_rank)
        OFFSET 0)
"""

# The masters whose words may have changed: the alias is new, has other words, or another master than before
# (then both masters).
_REWORDED: Final = """
    SELECT DISTINCT m.master_id FROM staged_aliases s
    LEFT JOIN LATERAL (
        SELECT * FROM master_aliases a WHERE a.chain_id = s.chain_id AND a.item_code = s.item_code OFFSET 0
    ) a ON true
    CROSS JOIN LATERAL (
        VALUES (CASE WHEN a.decided_at IS NULL THEN s.master_id END), (a.master_id)
    ) AS m (master_id)
    WHERE m.master_id IS NOT NULL
      AND (a.item_code IS NULL
           OR (a.name, a.manufacturer, a.quantity::text, a.unit_of_measure, a.is_weighted, a.master_id)
              IS DISTINCT FROM
              (s.name, s.manufacturer, s.quantity::text, s.unit_of_measure, s.is_weighted, s.master_id))
"""

_ADD_MASTERS: Final = """
    INSERT INTO masters (master_id, name, brand, quantity, unit_of_measure, is_weighted)
    SELECT DISTINCT ON (master_id) master_id, name, manufacturer, quantity, unit_of_measure, is_weighted
    FROM staged_aliases WHERE master_id IS NOT NULL
    ORDER BY master_id, chain_id, item_code
    ON CONFLICT (master_id) DO NOTHING
    RETURNING master_id
"""

# A person's decision about an alias is kept; the pipeline does not change it.
_WRITE_ALIASES: Final = """
    INSERT INTO master_aliases AS a (chain_id, item_code, described_on, description_rank, master_id, match,
        score, item_type, is_weighted, name, manufacturer, country, description, unit_qty, quantity,
        unit_of_measure, qty_in_package, item_status, item_id, is_service)
    SELECT chain_id, item_code, described_on, description_rank, master_id, match, score,
        item_type, is_weighted, name, manufacturer, country, description, unit_qty, quantity, unit_of_measure,
        qty_in_package, item_status, item_id, is_service
    FROM staged_aliases ORDER BY chain_id, item_code
    ON CONFLICT (chain_id, item_code) DO UPDATE SET
        described_on = excluded.described_on, description_rank = excluded.description_rank,
        master_id = CASE WHEN a.decided_at IS NULL THEN excluded.master_id ELSE a.master_id END,
        match = CASE WHEN a.decided_at IS NULL THEN excluded.match ELSE a.match END,
        score = CASE WHEN a.decided_at IS NULL THEN excluded.score ELSE a.score END,
        item_type = excluded.item_type, is_weighted = excluded.is_weighted, name = excluded.name,
        manufacturer = excluded.manufacturer, country = excluded.country, description = excluded.description,
        unit_qty = excluded.unit_qty, quantity = excluded.quantity, unit_of_measure = excluded.unit_of_measure,
        qty_in_package = excluded.qty_in_package, item_status = excluded.item_status,
        item_id = excluded.item_id, is_service = excluded.is_service
    WHERE (excluded.described_on, excluded.description_rank) > (a.described_on, a.description_rank)
"""

_LOCK_MASTERS: Final = """
    SELECT 1 FROM masters WHERE master_id = ANY(%s) ORDER BY master_id FOR NO KEY UPDATE
"""

# The best name is the most frequent, then the longest. Brand and size come from an alias of that name, else of
# the next best name that has them. All of it comes from the aliases as they are: so neither the order in which
# chains are loaded nor what shares a commit decides. Of equal sizes (1, 1.00) one spelling is taken.
_NAME_MASTERS: Final = """
    UPDATE masters m SET name = best.name, brand = best.manufacturer, quantity = best.quantity,
        unit_of_measure = best.unit_of_measure, is_weighted = best.is_weighted
    FROM unnest(%s::bigint[]) AS wanted (master_id)
    CROSS JOIN LATERAL (
        SELECT count(*) AS names, min(name) FILTER (WHERE place = 1) AS name,
               (array_agg(manufacturer ORDER BY place) FILTER (WHERE manufacturer IS NOT NULL))[1]
                   AS manufacturer,
               (array_agg(quantity ORDER BY place) FILTER (WHERE quantity IS NOT NULL))[1] AS quantity,
               (array_agg(unit_of_measure ORDER BY place) FILTER (WHERE unit_of_measure IS NOT NULL))[1]
                   AS unit_of_measure,
               (array_agg(is_weighted ORDER BY place) FILTER (WHERE is_weighted IS NOT NULL))[1] AS is_weighted
        FROM (
            SELECT a.name, max(a.manufacturer) AS manufacturer,
                   (array_agg(a.quantity ORDER BY a.quantity DESC, a.quantity::text DESC)
                    FILTER (WHERE a.quantity IS NOT NULL))[1] AS quantity,
                   max(a.unit_of_measure) AS unit_of_measure, bool_or(a.is_weighted) AS is_weighted,
                   row_number() OVER (ORDER BY a.name IS NULL, count(*) DESC, length(a.name) DESC, a.name)
                       AS place
            FROM master_aliases a WHERE a.master_id = wanted.master_id GROUP BY a.name
        ) named
    ) best
    WHERE m.master_id = wanted.master_id AND best.names > 0
      AND (m.name, m.brand, m.quantity::text, m.unit_of_measure, m.is_weighted) IS DISTINCT FROM
          (best.name, best.manufacturer, best.quantity::text, best.unit_of_measure, best.is_weighted)
"""

_MASTER_ID: Final = [name for name, _ in _COLUMNS].index("master_id")
_MATCH_RANK: Final = {"gtin": 4, "alias": 3, "vector": 2, "review": 1, "new": 0}


def load_aliases(cursor: Cursor, dialect: Dialect, batches: Iterable[IngestBatch], sent: SentHashes) -> None:
    """Writes the batches' descriptions of their chains' codes, if newer or better, and names the masters."""
    staged = _new_words(batches, sent)
    if not staged:
        return
    if not dialect.empties_on_commit:
        cursor.execute("DELETE FROM staged_aliases")
    copy_rows(cursor, "staged_aliases", _COLUMNS, (staged[key] for key in sorted(staged)))
    cursor.execute(_DROP_KNOWN)
    if cursor.rowcount == len(staged):
        return
    cursor.execute(_REWORDED)
    reworded = {row[0] for row in cursor.fetchall()}
    cursor.execute(_ADD_MASTERS)
    added = {row[0] for row in cursor.fetchall()}
    cursor.execute(_WRITE_ALIASES)
    aliases = Counter(row[_MASTER_ID] for row in staged.values())
    rename = sorted(reworded - {one for one in added if aliases[one] == 1})
    if rename:
        # Two statements: after the lock, the second sees the aliases that the lock's previous holder
        # committed.
        cursor.execute(_LOCK_MASTERS, (rename,))
        cursor.execute(_NAME_MASTERS, (rename,))


def _new_words(batches: Iterable[IngestBatch], sent: SentHashes) -> Mapping[tuple[str, str], tuple[Any, ...]]:
    staged: dict[tuple[str, str], tuple[Any, ...]] = {}
    for batch in batches:
        day = batch.published_at.astimezone(UTC).date()
        chain_id, version = batch.chain_id, batch.reader_version
        for item in batch.items:
            words = (
                item.item_type,
                item.is_weighted,
                item.name,
                item.manufacturer,
                item.country,
                item.description,
                item.unit_qty,
                item.quantity,
                item.unit_of_measure,
                item.qty_in_package,
                item.item_status,
                item.item_id,
                item.is_service,
            )
            if not sent.add(hash((chain_id, item.item_code, day, version, item.master_id, item.match, words))):
                continue
            key = chain_id, item.item_code
            row = _alias_row(key, day, version, item, words)
            previous = staged.get(key)
            if previous is None or row[2:4] > previous[2:4]:
                staged[key] = row
    return staged


def _alias_row(
    key: tuple[str, str], day: date, version: int, item: Item, words: tuple[Any, ...]
) -> tuple[Any, ...]:
    """A staged row. Its rank orders descriptions of one day: by the reader's version, the match, and the
    length of the text; a checksum makes the order independent of the files' order."""
    score = min(max(item.score, 0.0), 1.0)
    text = "\0".join("" if word is None else str(word) for word in words)
    rank = (
        min(version, 63) << 57
        | _MATCH_RANK[item.match] << 54
        | int(score * 1023) << 44
        | min(len(text), 0xFFF) << 32
        | zlib.crc32(f"{item.master_id}\0{text}".encode("utf-8", "surrogatepass"))
    )
    return (*key, day, rank, item.master_id or None, item.match, score, *words)
