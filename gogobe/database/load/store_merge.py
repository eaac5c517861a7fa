"""Merges two rows of `stores` that are one store, with their prices, promotions and files.

The result equals that of loading all files into one row. If both rows have an item, the newer state counts. A
complete full file states all items of its row, also that it does not list an item.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from psycopg import sql

from gogobe.database.connection import Cursor
from gogobe.database.load.marks import MARK, RECENCY
from gogobe.database.load.subjects import TABLES, SubjectTable

# `one` and `other` are rows of the two stores; the parameters `one_…` and `other_…` are their stores' keys
# and the marks of their full files.
_FULL: Final = "(%({side}_at)s::timestamptz, %({side}_row)s::bigint)"

# A row of known time is valid until its store's full file. A row of unknown time is not in that file:
# otherwise the file's own row would have replaced it.
_KNOWN_UNTIL: Final = f"""
    (CASE WHEN {{side}}.source_row >= 0 AND {_FULL} > {MARK.format(row="{side}")}
          THEN (true, %({{side}}_at)s::timestamptz, %({{side}}_row)s::bigint)
          ELSE {RECENCY.format(row="{side}")} END)
"""
_IS_NEWER: Final = f"{_KNOWN_UNTIL.format(side='other')} > {_KNOWN_UNTIL.format(side='one')}"

_BOTH: Final = """
    one.store_key = %(one_key)s AND other.store_key = %(other_key)s AND one.{code} = other.{code}
"""

_FIRST_SEEN: Final = f"""
    UPDATE {{table}} one SET first_seen_at = other.first_seen_at FROM {{table}} other
    WHERE {_BOTH} AND other.first_seen_at < one.first_seen_at
"""

_DROP_OLDER: Final = f"""
    DELETE FROM {{table}} one USING {{table}} other WHERE {_BOTH} AND {_IS_NEWER}
"""

# Of two rows that are valid until the same moment the target's stays.
_DROP_SAME: Final = f"""
    DELETE FROM {{table}} one USING {{table}} other WHERE {_BOTH}
"""

# A row that the other store's full file does not list, unless its own store's newer one does.
_END_UNLISTED: Final = f"""
    UPDATE {{table}} one SET ended_at = %(other_at)s
    WHERE one.store_key = %(one_key)s AND one.ended_at IS NULL
      AND {_FULL.format(side="other")} > {MARK.format(row="one")}
      AND (one.source_row < 0 OR %(one_at)s::timestamptz IS NULL
           OR {_FULL.format(side="other")} > {_FULL.format(side="one")})
"""

_CHANGE: Final = f"""
    INSERT INTO price_changes (store_key, item_code, changed_at, old_price, new_price)
    SELECT %(target)s, one.item_code, other.published_at, one.price, other.price
    FROM {{table}} one JOIN {{table}} other ON {_BOTH}
    WHERE {_IS_NEWER} AND other.published_at > one.published_at AND other.price <> one.price
      AND one.first_seen_at < other.published_at
    ON CONFLICT (store_key, item_code, changed_at) DO NOTHING
"""

_DROP_KNOWN_CHANGES: Final = """
    DELETE FROM price_changes old USING price_changes kept
    WHERE old.store_key = %(source)s AND kept.store_key = %(target)s
      AND kept.item_code = old.item_code AND kept.changed_at = old.changed_at
"""

_MARKS: Final = "SELECT {full_at}, {full_row} FROM stores WHERE store_key = %s"
_NEWER_MARK: Final = """
    UPDATE stores SET {full_at} = %(at)s, {full_row} = %(row)s
    WHERE store_key = %(target)s AND ({full_at} IS NULL OR ({full_at}, {full_row}) < (%(at)s, %(row)s))
"""

_MOVED_TABLES: Final = ("prices", "promotions", "price_changes", "listed_codes", "files", "store_identities")


def merge_stores(cursor: Cursor, source: int, target: int) -> None:
    """Moves all rows that refer to `source`, a key of `stores`, to `target`, and deletes `source`. The caller
    has locked both rows."""
    for subject in TABLES.values():
        _resolve_duplicates(cursor, subject, source, target)
    cursor.execute(_DROP_KNOWN_CHANGES, {"source": source, "target": target})
    for table in _MOVED_TABLES:
        move = sql.SQL("UPDATE {} SET store_key = %s WHERE store_key = %s").format(sql.Identifier(table))
        cursor.execute(move, (target, source))
    cursor.execute("DELETE FROM stores WHERE store_key = %s", (source,))


def _resolve_duplicates(cursor: Cursor, subject: SubjectTable, source: int, target: int) -> None:
    """Leaves at most one row of an item or promotion in the two stores, and the newer mark in the target."""
    source_mark, target_mark = (_mark(cursor, subject, key) for key in (source, target))
    ways = (
        _values((source, *source_mark), (target, *target_mark), target),
        _values((target, *target_mark), (source, *source_mark), target),
    )
    for statement in (_FIRST_SEEN, _DROP_OLDER):
        for values in ways:
            if subject.table == "prices" and statement is _DROP_OLDER:
                cursor.execute(subject.fill(_CHANGE), values)
            cursor.execute(subject.fill(statement), values)
    cursor.execute(subject.fill(_DROP_SAME), ways[0])
    for values in ways:
        cursor.execute(subject.fill(_END_UNLISTED), values)
    if source_mark[0] is not None:
        values = {"at": source_mark[0], "row": source_mark[1], "target": target}
        cursor.execute(subject.fill(_NEWER_MARK), values)


def _mark(cursor: Cursor, subject: SubjectTable, store_key: int) -> tuple[datetime | None, int | None]:
    found = cursor.execute(subject.fill(_MARKS), (store_key,)).fetchone()
    return (None, None) if found is None else (found[0], found[1])


def _values(one: tuple[Any, ...], other: tuple[Any, ...], target: int) -> dict[str, Any]:
    names = ("key", "at", "row")
    return {
        **{f"one_{name}": value for name, value in zip(names, one, strict=True)},
        **{f"other_{name}": value for name, value in zip(names, other, strict=True)},
        "target": target,
    }
