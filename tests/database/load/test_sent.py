"""What has been sent to the database already."""

from __future__ import annotations

from gogobe.database.load.sent import Offered


def test_what_was_rolled_back_is_offered_again() -> None:
    offered = Offered(limit=2)
    assert not offered.is_known(1)
    offered.rollback()
    assert not offered.is_known(1)
    offered.commit()
    assert offered.is_known(1)
    assert not offered.is_known(2)
    assert not offered.is_known(3)
    offered.commit()
    assert not offered.is_known(1), "beyond its limit it starts anew"
