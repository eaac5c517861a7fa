"""Retries of requests that a broker cannot answer yet, as after its start or while a leader is elected."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

from confluent_kafka import KafkaError, KafkaException

from gogobe.io.backoff import Patience

FIRST_PAUSE_SECONDS: Final = 0.05
LONGEST_PAUSE_SECONDS: Final = 0.5
_NOT_YET: Final = (
    KafkaError._NOENT,  # no partition has a leader yet
    KafkaError._TIMED_OUT,
    KafkaError.NOT_LEADER_FOR_PARTITION,
    KafkaError.LEADER_NOT_AVAILABLE,
    KafkaError.UNKNOWN_LEADER_EPOCH,
    KafkaError.FENCED_LEADER_EPOCH,
    KafkaError.UNKNOWN_TOPIC_OR_PART,
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)

Result = TypeVar("Result")


def until_answered(request: Callable[[], Result], seconds: float) -> Result:
    """The answer of a request, which is repeated for `seconds` while the broker has none yet.

    Raises the request's KafkaException: at once for other errors, after `seconds` for these.
    """
    for pause in Patience(FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS, seconds=seconds).pauses():
        try:
            return request()
        except KafkaException as error:
            if error.args[0].code() not in _NOT_YET:
                raise
        time.sleep(pause)
    return request()
