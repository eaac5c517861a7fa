"""Merges of masters that are one product, and their undo.

A merge changes no alias and no price: the views follow `masters.merged_into`, which always names a master
that is not merged itself, so one step suffices. Merges are made by people, or by a build of the masters
(BUILDER), which clusters goods without a barcode.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.connection import Cursor, connect, fetch_as, with_retries

BUILDER: Final = "gogobe masters build"
"""The user name of builds in merges and undos."""


class Merge(msgspec.Struct, frozen=True):
    """An active merge: the masters that it joined, and the reason."""

    merge_id: int
    from_id: int
    from_name: str | None
    into_id: int
    into_name: str | None
    reason: str
    merged_by: str
    merged_at: datetime


class MergeError(ValueError):
    """An invalid merge, or one that cannot be undone; the message says why."""


_LOCK: Final = """
    SELECT master_id, merged_into FROM masters WHERE master_id = ANY(%(ids)s) OR merged_into = ANY(%(ids)s)
    ORDER BY master_id FOR NO KEY UPDATE
"""
_ACTIVE: Final = """
    SELECT g.merge_id, g.from_id, f.name AS from_name, g.into_id, i.name AS into_name, g.reason, g.merged_by,
           g.merged_at
    FROM master_merges g
    JOIN masters f ON f.master_id = g.from_id
    JOIN masters i ON i.master_id = g.into_id
    WHERE g.undone_at IS NULL ORDER BY g.merge_id
"""
_REDIRECT: Final = "UPDATE masters SET merged_into = %s WHERE master_id = ANY(%s)"


def merge_masters(dsn: Dsn, from_id: int, into_id: int, *, reason: str, by: str) -> int:
    """Redirects one master to another (or to the master which that one is merged into); returns the merge's
    number.

    Raises MergeError if either is unknown, if `from_id` is merged already, or if the two are one already.
    """

    def write() -> int:
        with connect(dsn) as connection, connection.transaction(), connection.cursor() as cursor:
            return merge(cursor, from_id, into_id, reason=reason, by=by)

    return with_retries(write)


def undo_merge(dsn: Dsn, merge_id: int, *, by: str) -> None:
    """Separates what a merge joined; masters that had been merged into the separated master before belong to
    it again. No build repeats a merge that a person has undone.

    Raises MergeError if there is no such merge, or if it is undone already.
    """

    def undo() -> None:
        with connect(dsn) as connection, connection.transaction(), connection.cursor() as cursor:
            undo_one(cursor, merge_id, by=by)

    with_retries(undo)


def active_merges(dsn: Dsn) -> list[Merge]:
    """The merges that have not been undone, oldest first."""
    with connect(dsn) as connection:
        return fetch_as(connection, Merge, _ACTIVE)


def merge(cursor: Cursor, from_id: int, into_id: int, *, reason: str, by: str) -> int:
    """`merge_masters` within the cursor's transaction."""
    masters = _locked(cursor, [from_id, into_id])
    for master_id in (from_id, into_id):
        if master_id not in masters:
            raise MergeError(f"there is no master {master_id}")
    if masters[from_id] is not None:
        raise MergeError(f"master {from_id} is merged into {masters[from_id]} already: undo that first")
    root = masters[into_id] or into_id
    if root == from_id:
        raise MergeError(f"masters {from_id} and {into_id} are one already")
    moved = sorted(master_id for master_id, into in masters.items() if into == from_id)
    cursor.execute(_REDIRECT, (root, [from_id, *moved]))
    cursor.execute(
        "INSERT INTO master_merges (from_id, into_id, moved, reason, merged_by) "
        "VALUES (%s, %s, %s, %s, %s) RETURNING merge_id",
        (from_id, root, moved, reason, by),
    )
    (merge_id,) = cursor.fetchone() or (0,)
    return int(merge_id)


def undo_one(cursor: Cursor, merge_id: int, *, by: str) -> None:
    """`undo_merge` within the cursor's transaction."""
    cursor.execute(
        "UPDATE master_merges SET undone_at = now(), undone_by = %s WHERE merge_id = %s AND undone_at IS NULL "
        "RETURNING from_id, moved",
        (by, merge_id),
    )
    row = cursor.fetchone()
    if row is None:
        raise MergeError(f"there is no merge {merge_id} that could be undone")
    from_id, moved = row
    masters = _locked(cursor, [from_id, *moved])
    # Masters that another undo has separated from it meanwhile stay separate.
    along = [master_id for master_id in moved if masters[master_id] is not None]
    cursor.execute(_REDIRECT, (None, [from_id]))
    cursor.execute(_REDIRECT, (from_id, along))


def active_merge(cursor: Cursor, from_id: int, *, by: str | None = None) -> int | None:
    """The number of the newest active merge of a master into another, made by `by` or (None) by any user;
    None if there is none."""
    cursor.execute(
        "SELECT merge_id FROM master_merges WHERE from_id = %s AND undone_at IS NULL "
        "AND merged_by = coalesce(%s, merged_by) ORDER BY merge_id DESC LIMIT 1",
        (from_id, by),
    )
    row = cursor.fetchone()
    return int(row[0]) if row else None


def effective_master(cursor: Cursor, master_id: int) -> int:
    """The master that a master is merged into, or the master itself."""
    cursor.execute("SELECT coalesce(merged_into, master_id) FROM masters WHERE master_id = %s", (master_id,))
    row = cursor.fetchone()
    return int(row[0]) if row else master_id


def _locked(cursor: Cursor, ids: list[int]) -> dict[int, int | None]:
    cursor.execute(_LOCK, {"ids": ids})
    return dict(cursor.fetchall())
