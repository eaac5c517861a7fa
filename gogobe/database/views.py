"""The materialized views: refreshed while they are read, outside any load's transaction."""

from __future__ import annotations

import logging
from typing import Final

from psycopg import errors, sql

from gogobe.database.address import Dsn
from gogobe.database.bounds import MAINTENANCE
from gogobe.database.connection import Connection, dialect_of
from gogobe.database.migrations import prepare_months
from gogobe.database.session import Session, session_of

logger = logging.getLogger(__name__)

VIEWS: Final = (
    "master_chain_prices",
    "master_search",
    "open_promotions",
    "recent_changes",
    "chain_health",
)
"""In the order in which they read each other."""

# A wording of an item that was overtaken may have led to a master that nothing else led to. Which wordings were
# seen on the way depends on the order of the files; what stands in the end should not.
_DROP_UNNAMED: Final = """
    DELETE FROM masters WHERE master_id IN (
        SELECT m.master_id FROM masters m
        WHERE NOT EXISTS (SELECT 1 FROM master_aliases a WHERE a.master_id = m.master_id)
          AND NOT EXISTS (SELECT 1 FROM master_merges g WHERE g.from_id = m.master_id)
          AND NOT EXISTS (SELECT 1 FROM master_merges g WHERE g.into_id = m.master_id)
          AND NOT EXISTS (SELECT 1 FROM masters o WHERE o.merged_into = m.master_id)
        ORDER BY m.master_id FOR UPDATE SKIP LOCKED)
"""

_LOCK: Final = 0x676F676F6265 + 2


def refresh_views(database: Session | Dsn) -> bool:
    """Refreshes all views, each as a statement of its own, and does what else is due from time to time: makes
    the next month's partition, drops masters that no alias names any more.

    Returns False, having done nothing, where another worker is refreshing them now. Raises psycopg.Error.
    """
    with session_of(database, MAINTENANCE) as session:
        return session.run(_refresh)


def _refresh(connection: Connection) -> bool:
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() == (False,):
        logger.info("another worker is refreshing the views")
        return False
    try:
        connection.execute("SET work_mem = '64MB'")
        prepare_months(connection, dialect_of(connection))
        _drop_unnamed_masters(connection)
        for view in VIEWS:
            _analyze_unknown(connection)
            _refresh_view(connection, sql.Identifier(view))
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    return True


def _drop_unnamed_masters(connection: Connection) -> None:
    try:
        connection.execute(_DROP_UNNAMED)
    except errors.ForeignKeyViolation as error:
        # A loader has just come to one of them; the next refresh drops the others.
        logger.info("masters without an alias stay until the next refresh: %s", error)


def _refresh_view(connection: Connection, view: sql.Identifier) -> None:
    # The first filling builds the indexes in one go, many times faster; there is nothing to read meanwhile.
    empty = connection.execute(sql.SQL("SELECT NOT EXISTS (SELECT 1 FROM {})").format(view)).fetchone() == (
        True,
    )
    how = sql.SQL("") if empty else sql.SQL("CONCURRENTLY ")
    connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}{}").format(how, view))


def _analyze_unknown(connection: Connection) -> None:
    """Gathers statistics of tables and views that have rows and were never analyzed: after a first load a
    refresh may come before autovacuum does, and would be planned as if they were empty."""
    unknown = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm') AND reltuples < 0 "
        "AND relnamespace = current_schema()::regnamespace AND pg_relation_size(oid) > 0 ORDER BY 1"
    ).fetchall()
    for (name,) in unknown:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
