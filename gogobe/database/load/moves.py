"""Inserts, merges and renames rows of `stores`, as the rule of `grouping` requires."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gogobe.database.connection import Cursor
from gogobe.database.load.grouping import Name, Placement
from gogobe.database.load.store_ids import Number
from gogobe.database.load.store_merge import merge_stores


@dataclass(frozen=True)
class Change:
    """New placements of the names of one number.

    `names`: the names with all evidence. `keys`: the rows that each name meant before. `sub_chain_ids`: the
    sub-chain in the natural key of each row.
    """

    number: Number
    names: Sequence[Name]
    placements: Sequence[Placement]
    keys: Mapping[str, set[int]]
    sub_chain_ids: Mapping[int, str]

    def leaving(self) -> Iterator[tuple[str, int, Placement]]:
        """Names that leave a row which another store keeps: name, old row, new placement."""
        staying = {placement.keep for placement in self.placements}
        for placement in self.placements:
            for name in placement.names:
                for key in self.keys.get(name, ()):
                    if key in staying and key != placement.keep:
                        yield name, key, placement


_LOCK: Final = "SELECT 1 FROM stores WHERE store_key = ANY(%s) ORDER BY store_key FOR UPDATE"

_ADD: Final = """
    INSERT INTO stores (chain_id, store_id, sub_chain_id)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
    RETURNING chain_id, store_id, sub_chain_id, store_key
"""

# In two steps, because another row that is renamed as well may still have the new natural key.
_FREE_NATURAL_KEYS: Final = """
    UPDATE stores SET sub_chain_id = sub_chain_id || ' ' || store_key WHERE store_key = ANY(%s)
"""
_RENAME: Final = """
    UPDATE stores SET sub_chain_id = renamed.sub_chain_id
    FROM unnest(%s::integer[], %s::text[]) AS renamed (store_key, sub_chain_id)
    WHERE stores.store_key = renamed.store_key
"""

_LEAVE: Final = "UPDATE stores SET identity_version = identity_version + 1 WHERE store_key = ANY(%s)"

# Files that are still loading continue under the row that their name means now. Loaded rows stay.
_MOVE_LISTS: Final = """
    UPDATE listed_codes SET store_key = %(to)s
    WHERE store_key = %(from)s AND EXISTS (
        SELECT 1 FROM files f WHERE f.content_sha256 = listed_codes.content_sha256
           AND f.state = 'loading' AND f.sub_chain_id = %(name)s OFFSET 0)
"""
_MOVE_FILES: Final = """
    UPDATE files SET store_key = %(to)s
    WHERE store_key = %(from)s AND state = 'loading' AND sub_chain_id = %(name)s
"""


def apply_moves(cursor: Cursor, changes: Sequence[Change]) -> dict[tuple[Number, str], int]:
    """Inserts, merges and renames rows by the placements; returns the row of each name. The caller has locked
    the chains and writes the names afterwards."""
    known = sorted({key for change in changes for key in change.sub_chain_ids})
    if known:
        cursor.execute(_LOCK, (known,))
    for change in changes:
        for placement in change.placements:
            for source in placement.merge:
                assert placement.keep is not None, "rows are joined to one that stays"
                merge_stores(cursor, source, placement.keep)
    _rename(cursor, changes)
    rows = _add(cursor, changes)
    for change in changes:
        _move_names(cursor, change, rows)
    return {
        (change.number, name): rows[change.number, placement.sub_chain_id]
        for change in changes
        for placement in change.placements
        for name in placement.names
    }


def _rename(cursor: Cursor, changes: Iterable[Change]) -> None:
    renamed = [
        (placement.keep, placement.sub_chain_id)
        for change in changes
        for placement in change.placements
        if placement.keep is not None and change.sub_chain_ids[placement.keep] != placement.sub_chain_id
    ]
    if renamed:
        keys, sub_chain_ids = (list(column) for column in zip(*renamed, strict=True))
        cursor.execute(_FREE_NATURAL_KEYS, (keys,))
        cursor.execute(_RENAME, (keys, sub_chain_ids))


def _add(cursor: Cursor, changes: Iterable[Change]) -> dict[tuple[Number, str], int]:
    """Returns the row of each placement, by number and sub-chain; inserts missing rows."""
    rows: dict[tuple[Number, str], int] = {}
    new: list[tuple[str, str, str]] = []
    for change in changes:
        for placement in change.placements:
            if placement.keep is None:
                new.append((*change.number, placement.sub_chain_id))
            else:
                rows[change.number, placement.sub_chain_id] = placement.keep
    if new:
        cursor.execute(_ADD, [list(column) for column in zip(*new, strict=True)])
        for chain_id, store_id, sub_chain_id, key in cursor.fetchall():
            rows[(chain_id, store_id), sub_chain_id] = key
    return rows


def _move_names(cursor: Cursor, change: Change, rows: Mapping[tuple[Number, str], int]) -> None:
    """Moves files that are loading to the new row of a name that leaves its row. The old row's new version
    invalidates the caches of other loaders."""
    for name, key, placement in change.leaving():
        to = rows[change.number, placement.sub_chain_id]
        for statement in (_MOVE_LISTS, _MOVE_FILES):
            cursor.execute(statement, {"from": key, "to": to, "name": name})
        cursor.execute(_LEAVE, ([key],))
