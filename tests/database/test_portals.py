"""Portals' health: the newest row, and sums of counts."""

from datetime import UTC, datetime, timedelta

import msgspec

from gogobe.database.connection import Connection
from gogobe.database.portals import PortalErrors, PortalHealth, read_errors, read_health, write_health
from gogobe.database.views import refresh_views

NOW = datetime(2026, 8, 11, 6, tzinfo=UTC)


def test_a_row_is_replaced_and_counts_add_up(db: Connection):
    row = PortalHealth(portal="a", chain="a", engine="bina", agent="one", files=10, announced=10, listed_at=NOW)
    error = PortalErrors("a", "timeout", 1, NOW, "no answer")
    write_health(db, [row, PortalHealth(portal="b", chain="b", engine="wolt", agent="one")], [error])
    later = NOW + timedelta(minutes=5)
    newer = msgspec.structs.replace(row, agent="two", files=12, announced=2, listed_at=later, circuit="open")
    write_health(
        db, [newer], [PortalErrors("a", "timeout", 2, later, "none"), PortalErrors("a", "tls", 1, NOW, "bad")]
    )
    found = read_health(db)
    assert [portal.portal for portal in found] == ["a", "b"]
    assert found[0] == msgspec.structs.replace(newer, announced=12)
    assert read_errors(db) == [
        PortalErrors("a", "timeout", 3, later, "none"),
        PortalErrors("a", "tls", 1, NOW, "bad"),
    ]


def test_a_chain_s_health_has_that_of_its_portals(dsn: str, db: Connection):
    db.execute("INSERT INTO chains (chain_id, name) VALUES ('7', 'a'), ('8', 'b')")
    late = PortalHealth(
        portal="a", chain="a", engine="bina", agent="one", succeeded_at=NOW, announced_at=NOW, late_median=60.0
    )
    ill = PortalHealth(
        portal="a/2", chain="a", engine="bina", agent="one", circuit="open", last_error="tls: bad"
    )
    write_health(db, [late, ill], [])
    refresh_views(dsn)
    rows = db.execute(
        "SELECT name, listed_at, late_median, portals_ill, portal_error FROM chain_health ORDER BY name"
    ).fetchall()
    assert rows == [("a", NOW, 60.0, 1, "tls: bad"), ("b", None, None, None, None)]
