"""Applies a build's clusters to the database, as redirects of masters that can be undone.

A build assigns goods without a barcode to clusters. Running pipelines use that from the next file of each
store; until then, and for masters that no file mentions any more, the database redirects each master to its
cluster. If a later build decides otherwise, its redirects are undone. Decisions and merges of people stay.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, Cursor, connect
from gogobe.database.review.merges import BUILDER, active_merge, effective_master, merge, undo_one
from gogobe.database.session import Session

MastersOf = Callable[[Sequence[tuple[str, str]]], list[int]]
"""Returns the masters of chains' codes in a build; 0 for an unknown code."""

REASON: Final = "one product by its names, its price or its codes"
_ROWS_AT_ONCE: Final = 5_000

_ALIASES: Final = """
    SELECT a.chain_id, a.item_code, a.master_id, coalesce(m.merged_into, m.master_id)
    FROM master_aliases a JOIN masters m ON m.master_id = a.master_id
    WHERE a.decided_at IS NULL AND NOT a.is_service
    ORDER BY a.chain_id, a.item_code
"""
_OF_MASTER: Final = """
    SELECT chain_id, item_code FROM master_aliases
    WHERE master_id = %s AND decided_at IS NULL AND NOT is_service ORDER BY chain_id, item_code FOR UPDATE
"""
_ENSURE: Final = """
    INSERT INTO masters (master_id, name) SELECT %s, name FROM masters WHERE master_id = %s
    ON CONFLICT DO NOTHING
"""
_MOVE: Final = """
    UPDATE master_aliases SET master_id = %s WHERE chain_id = %s AND item_code = %s AND decided_at IS NULL
"""


class Redirected(msgspec.Struct, frozen=True):
    """The number of masters redirected to their cluster, of redirects undone, and of codes moved from a
    master that was split."""

    merged: int
    undone: int
    moved: int


def redirect_masters(dsn: Dsn, masters_of: MastersOf) -> Redirected:
    """Gives every code the master of a build. Each master is one transaction; idempotent. Raises
    psycopg.Error."""
    stale = sorted(set(_stale(dsn, masters_of)))
    with Session(dsn) as session:
        done = [session.run(partial(_redirect, master_id, masters_of)) for master_id in stale]
    merged, undone, moved = (sum(counts) for counts in zip(*done, strict=True)) if done else (0, 0, 0)
    return Redirected(merged, undone, moved)


def _stale(dsn: Dsn, masters_of: MastersOf) -> Iterator[int]:
    """The masters with codes that a build assigns to another master."""
    with connect(dsn) as connection, connection.transaction(), connection.cursor("aliases") as cursor:
        cursor.execute(_ALIASES)
        while rows := cursor.fetchmany(_ROWS_AT_ONCE):
            wanted = masters_of([(chain_id, code) for chain_id, code, _, _ in rows])
            for (_, _, master_id, current), target in zip(rows, wanted, strict=True):
                if target and target != current:
                    yield master_id


def _redirect(master_id: int, masters_of: MastersOf, connection: Connection) -> tuple[int, int, int]:
    """Redirects one master in one transaction; returns the counts of `Redirected`."""
    with connection.transaction(), connection.cursor() as cursor:
        codes: list[tuple[str, str]] = cursor.execute(_OF_MASTER, (master_id,)).fetchall()
        wanted = [target or master_id for target in masters_of(codes)]
        undone = _undo_own(cursor, master_id)
        if active_merge(cursor, master_id) is not None:  # a person's
            return 0, undone, 0
        targets = sorted(set(wanted) - {master_id})
        for target in targets:
            cursor.execute(_ENSURE, (target, master_id))
        if len(set(wanted)) == 1 and targets:
            return int(_merge(cursor, master_id, targets[0])), undone, 0
        moved = [(target, *code) for code, target in zip(codes, wanted, strict=True) if target != master_id]
        cursor.executemany(_MOVE, moved)
        return 0, undone, len(moved)


def _undo_own(cursor: Cursor, master_id: int) -> int:
    """Undoes the build's redirect of a master, if there is one."""
    merge_id = active_merge(cursor, master_id, by=BUILDER)
    if merge_id is None:
        return 0
    undo_one(cursor, merge_id, by=BUILDER)
    return 1


def _merge(cursor: Cursor, master_id: int, target: int) -> bool:
    """Redirects a master to its cluster, unless a person has merged the two in the other direction."""
    _undo_own(cursor, target)
    if effective_master(cursor, target) == master_id:
        return False
    merge(cursor, master_id, target, reason=REASON, by=BUILDER)
    return True
