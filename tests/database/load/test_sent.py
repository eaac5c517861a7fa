"""A worker's memory of what it has written."""

from __future__ import annotations

from gogobe.database.load.sent import SentHashes


def test_hashes_of_a_rolled_back_transaction_are_new_again() -> None:
    sent = SentHashes(limit=2)
    assert sent.add(1)
    sent.rollback()
    assert sent.add(1)
    sent.commit()
    assert not sent.add(1)
    assert sent.add(2)
    assert sent.add(3)
    sent.commit()
    assert sent.add(1), "beyond its limit it is emptied"
