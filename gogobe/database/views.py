"""Refreshes the materialized views concurrently, outside any load's transaction."""

from __future__ import annotations

import logging
from typing import Final

from psycopg import sql

from gogobe.database.address import Dsn, maintenance_of
from gogobe.database.connection import Connection
from gogobe.database.maintenance import run_maintenance
from gogobe.database.search_index import update_search_index
from gogobe.database.session import Session

logger = logging.getLogger(__name__)

VIEWS: Final = (
    "master_chain_prices",
    "open_promotions",
    "recent_changes",
    "chain_health",
)
"""In the order of their dependencies."""

_REFRESHED: Final = """
    INSERT INTO view_refreshes (view, refreshed_at) SELECT unnest(%s::text[]), now()
    ON CONFLICT (view) DO UPDATE SET refreshed_at = excluded.refreshed_at
"""
_LOCK: Final = 0x676F676F6265 + 2


def refresh_views(database: Session | Dsn) -> bool:
    """Runs the periodic maintenance (`gogobe.database.maintenance`), refreshes all views, each as its own
    statement, then updates the search index.

    Returns False, and does nothing, if another worker is refreshing them. Raises psycopg.Error.
    """
    if isinstance(database, Session):
        return database.run(_refresh)
    with maintenance_session(database) as session:
        return session.run(_refresh)


def maintenance_session(dsn: Dsn) -> Session:
    """A session with the timeouts of a refresh."""
    return Session(dsn, timeouts=maintenance_of(dsn))


def _refresh(connection: Connection) -> bool:
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (_LOCK,)).fetchone() == (False,):
        logger.info("another worker is refreshing the views")
        return False
    try:
        connection.execute("SET work_mem = '64MB'")
        run_maintenance(connection)
        for view in VIEWS:
            _analyze_unknown(connection)
            _refresh_view(connection, sql.Identifier(view))
        update_search_index(connection)
        _analyze_unknown(connection)
        connection.execute(_REFRESHED, (list(VIEWS),))
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    return True


def _refresh_view(connection: Connection, view: sql.Identifier) -> None:
    # Not concurrently at first: it builds the indexes in bulk, many times faster, and there is nothing to
    # read yet.
    empty = connection.execute(sql.SQL("SELECT NOT EXISTS (SELECT 1 FROM {})").format(view)).fetchone() == (
        True,
    )
    how = sql.SQL("") if empty else sql.SQL("CONCURRENTLY ")
    connection.execute(sql.SQL("REFRESH MATERIALIZED VIEW {}{}").format(how, view))


def _analyze_unknown(connection: Connection) -> None:
    """Analyzes tables and views that have rows and were never analyzed: after a first load a refresh may come
    before autovacuum does, and would be planned as if they were empty."""
    unknown = connection.execute(
        "SELECT oid::regclass::text FROM pg_class WHERE relkind IN ('r', 'm') AND reltuples < 0 "
        "AND relnamespace = current_schema()::regnamespace AND pg_relation_size(oid) > 0 ORDER BY 1"
    ).fetchall()
    for (name,) in unknown:
        connection.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(name)))
