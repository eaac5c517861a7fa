"""Requests that a broker cannot answer yet."""

from __future__ import annotations

import pytest
from confluent_kafka import KafkaError, KafkaException

from gogobe.io.kafka.patience import until_answered


class Broker:
    """Fails with each error once, then answers."""

    def __init__(self, *errors: int) -> None:
        self.errors = list(errors)

    def __call__(self) -> str:
        if self.errors:
            raise KafkaException(KafkaError(self.errors.pop(0)))
        return "answer"


def test_a_coordinator_that_is_elected_meanwhile_answers():
    broker = Broker(KafkaError.NOT_COORDINATOR, KafkaError.COORDINATOR_LOAD_IN_PROGRESS, KafkaError._TIMED_OUT)
    assert until_answered(broker, 30.0) == "answer"


def test_a_refusal_is_raised_at_once():
    broker = Broker(KafkaError.GROUP_AUTHORIZATION_FAILED, KafkaError.NOT_COORDINATOR)
    with pytest.raises(KafkaException, match="GROUP_AUTHORIZATION_FAILED"):
        until_answered(broker, 30.0)
    assert len(broker.errors) == 1


def test_the_last_error_is_raised_when_the_time_is_over():
    with pytest.raises(KafkaException, match="NOT_COORDINATOR"):
        until_answered(Broker(*[KafkaError.NOT_COORDINATOR] * 9), -1.0)
