"""Lets no chain's announcements hold up those of others: what exceeds a chain's share goes to the overflow."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.shared import Shared
from confluent_kafka import KafkaException

from gogobe.io.kafka.lags import Lags
from gogobe.io.kafka.options import Kafka, KafkaOptionsError
from gogobe.io.kafka.publisher import Marked, Publisher
from gogobe.io.objects import ObjectStore
from gogobe.io.shares import Shares, Waiting
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered
from gogobe.secrets import SecretError
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.publish import MAX_VALUE_BYTES, keyed_overflow, too_large
from gogobe.transforms.steps import step

logger = logging.getLogger(__name__)

STAGE: Final = "share"
PUBLISH_SECONDS: Final = 30.0


class ShareFairly(beam.PTransform):
    """`FileDiscovered` → the messages that go on now. The others are in the overflow topic when the bundle
    ends.

    All go on unless many announcements wait. A partition is read in order: without this, a file waits for all
    that another chain announced before it. The step writes to the topic itself: as elements of `WriteTopic`, in
    bundles of two, thousands of messages would take minutes.
    """

    def __init__(self, kafka: Kafka, group: str, store: ObjectStore) -> None:
        super().__init__()
        self._dofn = _Share(kafka, group, DeadLetters(STAGE, store))

    def expand(self, messages: beam.PCollection[FileDiscovered]) -> beam.pvalue.DoOutputsTuple:
        return messages | step("Divide", self._dofn, main="messages", output=FileDiscovered)


class Turns:
    """The shares of one worker process, for all its threads. Without a broker that answers nothing is
    diverted."""

    def __init__(self, kafka: Kafka, group: str) -> None:
        self._lock = threading.Lock()
        self._shares = Shares(self._waiting)
        self._lags: Lags | None = None
        try:
            self._lags = Lags(kafka, group, (DISCOVERED, OVERFLOW))
        except (KafkaOptionsError, SecretError, KafkaException) as error:
            logger.warning("a chain that floods will hold up the others, since no lag can be read: %s", error)

    def admits(self, chain: str) -> bool:
        """As `Shares.admits`."""
        with self._lock:
            return self._shares.admits(chain)

    def _waiting(self) -> Waiting:
        if self._lags is None:
            return Waiting()
        lags = self._lags.now()
        return Waiting(lags[DISCOVERED], lags[OVERFLOW])


class _Share(beam.DoFn):
    def __init__(self, kafka: Kafka, group: str, letters: DeadLetters) -> None:
        self._kafka = kafka
        self._group = group
        self._letters = letters
        # Bundles of one partition may be given to several instances of a process.
        self._process = Shared()
        self._diverted = Metrics.counter("gogobe.share", "diverted")

    def setup(self) -> None:
        self._turns: Turns = self._process.acquire(lambda: Turns(self._kafka, self._group))
        self._overflow = Publisher(self._kafka, OVERFLOW, PUBLISH_SECONDS)

    def start_bundle(self) -> None:
        self._excess: list[Marked] = []

    def process(self, message: FileDiscovered) -> Iterator[FileDiscovered | TaggedOutput]:
        yield from self._letters.guard(message, self._divide(message))

    def _divide(self, message: FileDiscovered) -> Iterator[FileDiscovered | TaggedOutput]:
        if self._turns.admits(message.chain):
            yield message
            return
        key, value = keyed_overflow(message)
        if letter := too_large(message, value, self._letters, "announce it again", MAX_VALUE_BYTES):
            yield letter
        else:
            self._excess.append(Marked(b"", key, value))

    def finish_bundle(self) -> None:
        """Raises PublishError: the runner repeats the bundle."""
        if self._excess:
            self._overflow.publish(self._excess)
            self._diverted.inc(len(self._excess))

    def teardown(self) -> None:
        self._overflow.close()
