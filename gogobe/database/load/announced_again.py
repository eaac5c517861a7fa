"""Files that are announced again after they were loaded: the ledger records it, and they need not be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from gogobe.database.connection import Connection, Cursor
from gogobe.database.dead_letters import resolve_loaded
from gogobe.database.load.files import add_address, update_announcement
from gogobe.database.session import Session
from gogobe.records.messages import FileDownloaded

# After a restart an announcement is delivered again. The rows of its file may be committed while its messages
# to the topics are not, so it is read again: the announcement that the ledger has, for a day.
_LOADED: Final = """
    SELECT content_sha256, chain, CASE WHEN completed_at > now() - interval '1 day' THEN discovered_at END
    FROM files
    WHERE content_sha256 = ANY(%s) AND state = 'loaded' AND reader_version >= %s
    ORDER BY content_sha256 FOR NO KEY UPDATE
"""


def record_announced_again(
    session: Session, files: Sequence[FileDownloaded], reader_version: int
) -> frozenset[int]:
    """Records announcements of files whose content is loaded for their chain, by this reader or a newer one,
    with the same effect as loading them again. Returns their positions; all others have to be read, also a file
    whose announcement is delivered again. Raises psycopg.Error."""
    return session.run(lambda connection: _note(connection, files, reader_version))


def _note(connection: Connection, files: Sequence[FileDownloaded], reader_version: int) -> frozenset[int]:
    hashes = sorted({file.content_sha256 for file in files})
    with connection.transaction(), connection.cursor() as cursor:
        loaded = {
            (sha256, chain): announced_at
            for sha256, chain, announced_at in cursor.execute(_LOADED, (hashes, reader_version)).fetchall()
        }
        again = [number for number, file in enumerate(files) if _is_announced_again(file, loaded)]
        if again:
            _follow(cursor, [files[number] for number in again])
    return frozenset(again)


def _is_announced_again(file: FileDownloaded, loaded: Mapping[tuple[str, str], datetime | None]) -> bool:
    """Whether a file is loaded, and its announcement is a newer one than that of `loaded`, if there is one."""
    key = (file.content_sha256, file.chain)
    if key not in loaded:
        return False
    announced_at = loaded[key]
    return announced_at is None or file.discovered_at > announced_at


def _follow(cursor: Cursor, files: Sequence[FileDownloaded]) -> None:
    for file in sorted(files, key=lambda one: (one.content_sha256, one.source_url)):
        add_address(cursor, file)
        update_announcement(cursor, file)
    resolve_loaded(cursor, files)
