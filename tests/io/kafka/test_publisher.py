"""The producer of announcements: what it asks of the broker."""

from __future__ import annotations

from gogobe.io.kafka.publisher import Publisher


def test_a_message_is_confirmed_by_all_replicas_and_stored_once():
    config = Publisher("127.0.0.1:1", "t", seconds=7)._config()
    assert (config["acks"], config["enable.idempotence"]) == ("all", True)
    assert config["message.timeout.ms"] == 7000, "what is not confirmed by then is looked up, not sent later"


def test_a_record_batch_is_bounded():
    """A consumer takes it as a whole before it turns to another partition."""
    assert Publisher("127.0.0.1:1", "t", seconds=7, batch=8)._config()["batch.num.messages"] == 8
