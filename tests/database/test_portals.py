"""Portals' health: the newest row, sums of what was counted."""

from datetime import UTC, datetime, timedelta

import msgspec

from gogobe.database.connection import Connection
from gogobe.database.portals import PortalErrors, PortalHealth, read_errors, read_health, write_health

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
