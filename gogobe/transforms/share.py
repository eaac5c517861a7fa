"""Lets no chain's announcements hold up those of others: what exceeds a chain's share goes to the overflow."""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.shared import Shared
from confluent_kafka import KafkaException

from gogobe.io.kafka.lags import Lags
from gogobe.io.kafka.options import Kafka, KafkaOptionsError
from gogobe.io.kafka.patience import until_answered
from gogobe.io.kafka.publisher import Marked, Publisher
from gogobe.io.kafka.shares import Shares, Waiting
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered
from gogobe.secrets import SecretError
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.publish import MAX_VALUE_BYTES, keyed_overflow
from gogobe.transforms.steps import step

logger = logging.getLogger(__name__)

STAGE: Final = "share"
# As long as the Java producers of the other topics.
PUBLISH_SECONDS: Final = 120.0
# Without a first answer, all that waits would go on at once.
FIRST_SECONDS: Final = 30.0
# A reader takes whole batches before it turns to another partition.
IN_A_BATCH: Final = 8
# Bundles of some runners have any number of elements.
MOST_EXCESS: Final = 1000

Partitions = Mapping[str, Sequence[int]]


class ShareFairly(beam.PTransform):
    """`FileDiscovered` → the messages that go on now. The others are in the overflow topic when the bundle
    ends.

    All go on unless many announcements wait. A partition is read in order: without this, a file waits for all
    that another chain announced before it. The step writes to the topic itself: as elements of `WriteTopic`, in
    bundles of two, thousands of messages would take minutes. `partitions`: the ones that the job reads, by
    topic; None: all.
    """

    def __init__(
        self, kafka: Kafka, group: str, store: ObjectStore, partitions: Partitions | None = None
    ) -> None:
        super().__init__()
        self._dofn = _Share(kafka, group, DeadLetters(STAGE, store), partitions)

    def expand(self, messages: beam.PCollection[FileDiscovered]) -> beam.pvalue.DoOutputsTuple:
        return messages | step("Divide", self._dofn, main="messages", output=FileDiscovered)


class Turns:
    """The shares of one worker process, for all its threads. Without a broker that answers nothing is
    diverted."""

    def __init__(self, kafka: Kafka, group: str, partitions: Partitions | None) -> None:
        self._lock = threading.Lock()
        self._shares = Shares(self._ask)
        self._is_answered = False
        self._lags: Lags | None = None
        topics = (DISCOVERED, OVERFLOW)
        read = dict.fromkeys(topics) if partitions is None else {topic: partitions[topic] for topic in topics}
        try:
            self._lags = Lags(kafka, group, read)
        except (KafkaOptionsError, SecretError, KafkaException) as error:
            logger.warning("a chain that floods will hold up the others, since no lag can be read: %s", error)

    def divert(self, chain: str) -> int | None:
        """As `Shares.divert`."""
        with self._lock:
            return self._shares.divert(chain)

    def arrived(self, chains: Counter[str], ends: Mapping[int, int]) -> None:
        """As `Shares.arrived`."""
        with self._lock:
            self._shares.arrived(chains, ends)

    def _ask(self) -> Waiting | None:
        if self._lags is None:
            return None
        seconds = 0.0 if self._is_answered else FIRST_SECONDS
        try:
            offsets = until_answered(self._lags.now, seconds)
            self._is_answered = True
        except KafkaException as error:
            logger.warning("the lag of %s and %s is unknown: %s", DISCOVERED, OVERFLOW, error)
            return None
        return Waiting(sum(one.lag for one in offsets[DISCOVERED].values()), offsets[OVERFLOW])


class _Share(beam.DoFn):
    def __init__(self, kafka: Kafka, group: str, letters: DeadLetters, partitions: Partitions | None) -> None:
        self._kafka = kafka
        self._group = group
        self._letters = letters
        self._partitions = partitions
        # Bundles of one partition may be given to several instances of a process.
        self._process = Shared()
        self._diverted = Metrics.counter("gogobe.share", "diverted")

    def setup(self) -> None:
        self._turns: Turns = self._process.acquire(lambda: Turns(self._kafka, self._group, self._partitions))
        self._overflow = Publisher(self._kafka, OVERFLOW, PUBLISH_SECONDS, IN_A_BATCH)
        self._excess: list[tuple[str, Marked]] = []

    def process(self, message: FileDiscovered) -> Iterator[FileDiscovered | TaggedOutput]:
        yield from self._letters.guard(message, self._divide(message))
        if len(self._excess) >= MOST_EXCESS:
            self._write()

    def _divide(self, message: FileDiscovered) -> Iterator[FileDiscovered | TaggedOutput]:
        # Before `divert`, which counts the message as under way: an exception after it would leave that count.
        key, value = keyed_overflow(message)
        partition = None if len(value) > MAX_VALUE_BYTES else self._turns.divert(message.chain)
        if partition is None:
            yield message
        else:
            self._excess.append((message.chain, Marked(b"", key, value, partition)))

    def finish_bundle(self) -> None:
        """Raises PublishError: the runner repeats the bundle."""
        if self._excess:
            self._write()

    def _write(self) -> None:
        ends = self._overflow.publish([record for _, record in self._excess])
        self._diverted.inc(len(self._excess))
        self._settle(ends)

    def _settle(self, ends: Mapping[int, int]) -> None:
        if self._excess:
            self._turns.arrived(Counter(chain for chain, _ in self._excess), ends)
            self._excess = []

    def teardown(self) -> None:
        """After a bundle that failed: what was not written comes again."""
        self._settle({})
        self._overflow.close()
