"""Files that are announced again after they were loaded: the ledger records it, and they need not be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gogobe.database.connection import Connection, Cursor
from gogobe.database.dead_letters import resolve_loaded
from gogobe.database.load.files import add_address, update_announcement
from gogobe.database.session import Session
from gogobe.records.messages import FileDownloaded

_LOADED: Final = """
    SELECT content_sha256, chain FROM files
    WHERE content_sha256 = ANY(%s) AND state = 'loaded' AND reader_version >= %s
    ORDER BY content_sha256 FOR NO KEY UPDATE
"""


def record_announced_again(
    session: Session, files: Sequence[FileDownloaded], reader_version: int
) -> frozenset[int]:
    """Records announcements of files whose content is loaded for their chain, by this reader or a newer one,
    with the same effect as loading them again. Returns their positions; all others have to be read. Raises
    psycopg.Error."""
    return session.run(lambda connection: _note(connection, files, reader_version))


def _note(connection: Connection, files: Sequence[FileDownloaded], reader_version: int) -> frozenset[int]:
    hashes = sorted({file.content_sha256 for file in files})
    with connection.transaction(), connection.cursor() as cursor:
        loaded = set(cursor.execute(_LOADED, (hashes, reader_version)).fetchall())
        again = [number for number, file in enumerate(files) if (file.content_sha256, file.chain) in loaded]
        if again:
            _follow(cursor, [files[number] for number in again])
    return frozenset(again)


def _follow(cursor: Cursor, files: Sequence[FileDownloaded]) -> None:
    for file in sorted(files, key=lambda one: (one.content_sha256, one.source_url)):
        add_address(cursor, file)
        update_announcement(cursor, file)
    resolve_loaded(cursor, files)
