"""Periodic maintenance of tables, run before each refresh of the views."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Final

from psycopg import errors

from gogobe.database.connection import Connection, dialect_of
from gogobe.database.migrations import prepare_months

logger = logging.getLogger(__name__)

LISTS_KEPT: Final = timedelta(days=7)
"""How long the lists of an incomplete full file are kept."""

# A superseded description of an item may have been the only one of its master. Which descriptions were loaded
# in between depends on the order of the files; the final state must not.
_DROP_UNNAMED: Final = """
    DELETE FROM masters WHERE master_id IN (
        SELECT m.master_id FROM masters m
        WHERE NOT EXISTS (SELECT 1 FROM master_aliases a WHERE a.master_id = m.master_id)
          AND NOT EXISTS (SELECT 1 FROM master_merges g WHERE g.from_id = m.master_id)
          AND NOT EXISTS (SELECT 1 FROM master_merges g WHERE g.into_id = m.master_id)
          AND NOT EXISTS (SELECT 1 FROM masters o WHERE o.merged_into = m.master_id)
        ORDER BY m.master_id FOR UPDATE SKIP LOCKED)
"""

# Lists that a loader has locked stay until the next run; a file that completes without its lists ends
# nothing.
_DROP_OLD_LISTS: Final = """
    DELETE FROM listed_codes WHERE (content_sha256, sequence) IN (
        SELECT content_sha256, sequence FROM listed_codes WHERE listed_at < now() - %s::interval
        ORDER BY content_sha256, sequence FOR UPDATE SKIP LOCKED)
"""


def run_maintenance(connection: Connection) -> None:
    """Creates the partitions of this month and the next, deletes masters without an alias, and deletes the
    lists of full files that have not completed for a week. Each is a transaction of its own."""
    _prepare_months(connection)
    _drop_unnamed_masters(connection)
    connection.execute(_DROP_OLD_LISTS, (LISTS_KEPT,))


def _prepare_months(connection: Connection) -> None:
    # A longer wait for the lock on the default partition would block the loaders that write to it.
    try:
        with connection.transaction():
            connection.execute("SET LOCAL lock_timeout = '1s'")
            prepare_months(connection, dialect_of(connection))
    except errors.LockNotAvailable as error:
        logger.info("changes stay in the default partition until the next refresh: %s", error)


def _drop_unnamed_masters(connection: Connection) -> None:
    try:
        connection.execute(_DROP_UNNAMED)
    except errors.ForeignKeyViolation as error:
        # A loader has just added an alias to one of them; the next refresh deletes the others.
        logger.info("masters without an alias stay until the next refresh: %s", error)
