"""Deduplication of a worker's writes."""

from __future__ import annotations

from gogobe.database.load.sent import SentEvidence, SentHashes


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


def test_only_stronger_evidence_is_sent() -> None:
    sent = SentEvidence(limit=1)
    assert sent.add(7, 0.5, 1)
    sent.rollback()
    assert sent.add(7, 0.5, 1)
    assert not sent.add(7, 0.4, 2)
    sent.commit()
    assert not sent.add(7, 0.5, 1)
    assert not sent.add(7, 0.3, 3)
    assert sent.add(7, 0.5, 2), "as strong, with other words: the database decides"
    assert sent.add(7, 0.9, 4)
    assert sent.add(8, 0.1, 5)
    sent.commit()
    assert sent.add(7, 0.2, 6) is False
    sent.add(9, 0.1, 7)
    sent.commit()
    assert sent.add(7, 0.2, 6), "beyond its limit it is emptied"
