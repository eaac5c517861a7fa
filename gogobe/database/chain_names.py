"""Renames a chain: every row with its name gets the new one, in one transaction."""

from __future__ import annotations

from typing import Final, LiteralString

import msgspec

from gogobe.chains.chain import Chains
from gogobe.database.connection import Connection, Cursor
from gogobe.database.dead_letters import letter_key
from gogobe.records.addresses import identity_of
from gogobe.records.messages import DeadLetter


class RenameError(ValueError):
    """A rename that would mix two chains, or that matches no row; the message says which."""


class Renamed(msgspec.Struct):
    """How many rows got the new name, by table."""

    chain_ids: list[str]
    files: int
    dead_letters: int
    announcements: int
    waiting_files: int
    portals: int


_IDS: Final = "SELECT chain_id FROM chains WHERE name = %s ORDER BY chain_id FOR UPDATE"
_LETTERS: Final = """
    SELECT letter_key, stage, reason, batch_id, source_url, original, original_base64, original_sha256,
           last_failed_at
    FROM dead_letters WHERE chain = %s ORDER BY letter_key FOR UPDATE
"""
_MERGE_LETTER: Final = """
    UPDATE dead_letters d SET attempts = d.attempts + o.attempts,
        first_failed_at = least(d.first_failed_at, o.first_failed_at),
        last_failed_at = greatest(d.last_failed_at, o.last_failed_at),
        resolved_at = CASE WHEN d.resolved_at IS NULL OR o.resolved_at IS NULL THEN NULL ELSE d.resolved_at END
    FROM dead_letters o WHERE d.letter_key = %(new)s AND o.letter_key = %(old)s
"""
_MOVE_LETTER: Final = (
    "UPDATE dead_letters SET chain = %(chain)s, letter_key = %(new)s WHERE letter_key = %(old)s"
)
_DROP_LETTER: Final = "DELETE FROM dead_letters WHERE letter_key = %(old)s"
# Their key is a hash of chain, address and file name.
_BY_IDENTITY: Final[dict[str, tuple[LiteralString, LiteralString, LiteralString]]] = {
    table: (
        "SELECT identity, url, file_name FROM " + table + " WHERE chain = %s ORDER BY identity FOR UPDATE",
        "UPDATE " + table + " SET chain = %(chain)s, identity = %(new)s WHERE identity = %(old)s "
        "AND NOT EXISTS (SELECT FROM " + table + " other WHERE other.identity = %(new)s)",
        "DELETE FROM " + table + " WHERE identity = %(old)s",
    )
    for table in ("announcements", "waiting_files")
}
# Agents write them again for the portals of the new name.
_PORTALS: Final = (
    "DELETE FROM portal_errors WHERE portal IN (SELECT portal FROM portals WHERE chain = %s)",
    "DELETE FROM portals WHERE chain = %s",
)


def rename_chain(connection: Connection, chains: Chains, old: str, new: str) -> Renamed:
    """Gives all rows of chain `old` the name `new`, in one transaction: ledger, dead letters, announcements,
    waiting files.

    Prices, stores and masters are stored by ChainId and do not change. Objects in the store keep their paths,
    which the ledger has. Two dead letters that become the same are merged. Raises RenameError.
    """
    with connection.transaction(), connection.cursor() as cursor:
        ids = [row[0] for row in cursor.execute(_IDS, (old,))]
        _check(chains, old, new, ids)
        cursor.execute("UPDATE chains SET name = %s WHERE name = %s", (new, old))
        files = cursor.execute("UPDATE files SET chain = %s WHERE chain = %s", (new, old)).rowcount
        letters = _rename_letters(cursor, old, new)
        announcements, waiting = (_rename_identities(cursor, table, old, new) for table in _BY_IDENTITY)
        portals = [cursor.execute(statement, (old,)).rowcount for statement in _PORTALS][-1]
        renamed = Renamed(ids, files, letters, announcements, waiting, portals)
        if not ids and not any((files, letters, announcements, waiting, portals)):
            raise RenameError(f"no row has the chain {old}: `gogobe files` shows the chains of files")
    return renamed


def _check(chains: Chains, old: str, new: str, ids: list[str]) -> None:
    """Raises RenameError if rows are stored under a ChainId that is not the new chain's."""
    if old == new:
        raise RenameError(f"{old} has this name already")
    known = chains.get(new)
    for chain_id in ids:
        owners = chains.owners(chain_id)
        if known is not None and not known.lists(chain_id):
            raise RenameError(
                f"rows of {old} are stored under ChainId {chain_id}, which {new} does not list: they are "
                f"another chain's. If not, add it to chain_ids of [chains.{new}] in the file that "
                "the setting `chains` names"
            )
        if known is None and owners:
            raise RenameError(f"ChainId {chain_id} of {old} is {' and '.join(owners)}'s: rename {old} to that")


def _rename_letters(cursor: Cursor, old: str, new: str) -> int:
    rows = cursor.execute(_LETTERS, (old,)).fetchall()
    for key, stage, reason, batch_id, source_url, original, base64, sha256, failed_at in rows:
        letter = DeadLetter(
            stage, reason, "", original, failed_at, chain=new, source_url=source_url, batch_id=batch_id,
            original_base64=base64, original_sha256=sha256,
        )  # fmt: skip
        values = {"old": key, "new": letter_key(letter), "chain": new}
        if values["new"] != key and cursor.execute(_MERGE_LETTER, values).rowcount:
            cursor.execute(_DROP_LETTER, values)
        else:
            cursor.execute(_MOVE_LETTER, values)
    return len(rows)


def _rename_identities(cursor: Cursor, table: str, old: str, new: str) -> int:
    select, move, drop = _BY_IDENTITY[table]
    rows = cursor.execute(select, (old,)).fetchall()
    for identity, url, file_name in rows:
        values = {"old": identity, "new": identity_of(new, url, file_name), "chain": new}
        if not cursor.execute(move, values).rowcount:
            cursor.execute(drop, values)
    return len(rows)
