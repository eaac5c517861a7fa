"""What happens in the database at present."""

from __future__ import annotations

from gogobe.database.activity import read_activity
from gogobe.database.connection import Connection
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.database.portals import PortalHealth, write_health
from gogobe.database.views import VIEWS, refresh_views
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item


def test_of_an_empty_database(db: Connection):
    found = read_activity(db)
    assert (found.recent, found.under_way_count, found.letters, found.waiting) == ({}, 0, [], [])
    assert (found.loaded_at, found.views_at, found.portals) == (None, None, 0)


def test_files_letters_and_portals(dsn: str, db: Connection):
    loader = Loader(dsn)
    loader.load(file_batches([item("1", "5.90")]))
    first, _ = file_batches([item("1", "6.90"), item("2", "7.90")], size=1, hour=1)
    loader.load([first])
    letter = DeadLetter("parse", "truncated", "cut short", "{}", at(2), chain="a", source_url="https://b/2.gz")
    record_dead_letters(dsn, [letter])
    healthy = PortalHealth(portal="well", chain="well", engine="bina", agent="x")
    ill = PortalHealth(
        portal="ill", chain="ill", engine="bina", agent="x", circuit="open", failures=4, last_error="no answer"
    )
    write_health(db, [healthy, ill], [])
    found = read_activity(db)
    assert found.recent == {"loaded": 1, "loading": 1}
    assert found.under_way_count == 1
    assert 0 <= found.under_way[0].seconds < 600
    assert [(one.stage, one.reason, one.letters) for one in found.letters] == [("parse", "truncated", 1)]
    assert found.portals == 2
    assert [(one.portal, one.error) for one in found.ill_portals] == [("ill", "no answer")]
    assert found.loaded_at is not None
    assert found.loaded_at <= found.now


def test_the_views_have_the_time_of_their_refresh(dsn: str, db: Connection):
    assert refresh_views(dsn)
    first = read_activity(db).views_at
    assert refresh_views(dsn)
    second = read_activity(db).views_at
    assert first is not None
    assert second is not None
    assert first < second
    names = [name for (name,) in db.execute("SELECT view FROM view_refreshes ORDER BY view")]
    assert names == sorted(VIEWS)
