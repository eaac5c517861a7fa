"""Two rows of `stores` that turn out to be one store: joined with their prices, promotions and files.

The result is what loading all files into one row would have come to. Of an item that both rows have, the state
that is known later counts: that of the newer file, where a complete full file speaks for all items of its row,
also for those it does not list.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from psycopg import sql

from gogobe.database.connection import Cursor


@dataclass(frozen=True)
class _Subject:
    table: LiteralString
    code: LiteralString
    full_at: LiteralString
    full_row: LiteralString


_SUBJECTS: Final = (
    _Subject("prices", "item_code", "prices_full_at", "prices_full_row"),
    _Subject("promotions", "promotion_id", "promotions_full_at", "promotions_full_row"),
)

# Until when a row's state is known: its own time, or that of its store's newest complete full file. `one` and
# `other` are rows of the two stores; the parameters `one_…` and `other_…` are their stores' keys and marks.
# Times are compared as `marks.recency` says: a row whose time of publication is not known is older than all
# others.
_ROW: Final = "({side}.source_row >= 0, {side}.published_at, {side}.source_row)"
_MARK: Final = "(%({side}_at)s::timestamptz IS NOT NULL, %({side}_at)s::timestamptz, %({side}_row)s::bigint)"
_KNOWN_UNTIL: Final = f"(CASE WHEN {_MARK} > {_ROW} THEN {_MARK} ELSE {_ROW} END)"
_ONE: Final = _KNOWN_UNTIL.format(side="one")
_OTHER: Final = _KNOWN_UNTIL.format(side="other")

_BOTH: Final = """
    one.store_key = %(one_key)s AND other.store_key = %(other_key)s AND one.{code} = other.{code}
"""

_FIRST_SEEN: Final = f"""
    UPDATE {{table}} one SET first_seen_at = other.first_seen_at FROM {{table}} other
    WHERE {_BOTH} AND other.first_seen_at < one.first_seen_at
"""

_DROP_OLDER: Final = f"""
    DELETE FROM {{table}} one USING {{table}} other WHERE {_BOTH} AND {_OTHER} > {_ONE}
"""

# Of rows that are known until the same moment the one that stays, does.
_DROP_SAME: Final = f"""
    DELETE FROM {{table}} one USING {{table}} other WHERE {_BOTH}
"""

# What the other row's full file, newer than anything known of this row, does not list.
_END_UNLISTED: Final = f"""
    UPDATE {{table}} one SET ended_at = %(other_at)s
    WHERE one.store_key = %(one_key)s AND one.ended_at IS NULL
      AND {_MARK.format(side="other")} > {_ONE}
"""

_CHANGE: Final = f"""
    INSERT INTO price_changes (store_key, item_code, changed_at, old_price, new_price)
    SELECT %(target)s, one.item_code, other.published_at, one.price, other.price
    FROM prices one JOIN prices other ON {_BOTH.format(code="item_code")}
    WHERE {_OTHER} > {_ONE} AND other.published_at > one.published_at AND other.price <> one.price
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

_FOLLOW: Final = ("prices", "promotions", "price_changes", "listed_codes", "files", "store_identities")


def join_stores(cursor: Cursor, source: int, target: int) -> None:
    """Moves all that the row `source` of `stores` has to the row `target`, and deletes `source`. Both rows are
    locked by the caller."""
    for subject in _SUBJECTS:
        _settle_both(cursor, subject, source, target)
    cursor.execute(_DROP_KNOWN_CHANGES, {"source": source, "target": target})
    for table in _FOLLOW:
        move = sql.SQL("UPDATE {} SET store_key = %s WHERE store_key = %s").format(sql.Identifier(table))
        cursor.execute(move, (target, source))
    cursor.execute("DELETE FROM stores WHERE store_key = %s", (source,))


def _settle_both(cursor: Cursor, subject: _Subject, source: int, target: int) -> None:
    """Leaves at most one row of an item or promotion in the two stores, and the newer mark in the target."""
    source_mark, target_mark = (_mark(cursor, subject, key) for key in (source, target))
    ways = (
        _values((source, *source_mark), (target, *target_mark), target),
        _values((target, *target_mark), (source, *source_mark), target),
    )
    for statement in (_FIRST_SEEN, _DROP_OLDER):
        for values in ways:
            if subject.table == "prices" and statement is _DROP_OLDER:
                cursor.execute(_CHANGE, values)
            cursor.execute(_of(statement, subject), values)
    cursor.execute(_of(_DROP_SAME, subject), ways[0])
    for values in ways:
        cursor.execute(_of(_END_UNLISTED, subject), values)
    if source_mark[0] is not None:
        values = {"at": source_mark[0], "row": source_mark[1], "target": target}
        cursor.execute(_of(_NEWER_MARK, subject), values)


def _mark(cursor: Cursor, subject: _Subject, store_key: int) -> tuple[datetime | None, int | None]:
    found = cursor.execute(_of(_MARKS, subject), (store_key,)).fetchone()
    return (None, None) if found is None else (found[0], found[1])


def _values(one: tuple[Any, ...], other: tuple[Any, ...], target: int) -> dict[str, Any]:
    names = ("key", "at", "row")
    return {
        **{f"one_{name}": value for name, value in zip(names, one, strict=True)},
        **{f"other_{name}": value for name, value in zip(names, other, strict=True)},
        "target": target,
    }


def _of(statement: LiteralString, subject: _Subject) -> bytes:
    names = {"table": subject.table, "code": subject.code}
    return statement.format(**names, full_at=subject.full_at, full_row=subject.full_row).encode()
