"""Decodes Kafka records to typed messages."""

from __future__ import annotations

from collections.abc import Iterator

import apache_beam as beam
import msgspec
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from gogobe.io.kafka.joined import split
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import decoder
from gogobe.transforms.dead_letters import DeadLetters, failure
from gogobe.transforms.steps import step


class DecodeMessages(beam.PTransform):
    """(key, value) → messages of one type. `is_joined`: a value may be several that were joined.

    An invalid message is a dead letter `invalid_message`.
    """

    def __init__(
        self,
        message_type: type[msgspec.Struct],
        store: ObjectStore,
        stage: str = "decode",
        *,
        is_joined: bool = False,
    ) -> None:
        super().__init__()
        self._message_type = message_type
        self._is_joined = is_joined
        self._letters = DeadLetters(stage, store)

    def expand(
        self, records: beam.PCollection[tuple[bytes | None, bytes | None]]
    ) -> beam.pvalue.DoOutputsTuple:
        decode = _Decode(self._message_type, self._letters, is_joined=self._is_joined)
        return records | step("Validate", decode, main="messages", output=self._message_type)


class _Decode(beam.DoFn):
    def __init__(
        self, message_type: type[msgspec.Struct], letters: DeadLetters, *, is_joined: bool = False
    ) -> None:
        self._message_type = message_type
        self._is_joined = is_joined
        self._letters = letters
        self._messages = Metrics.counter("gogobe.decode", "messages")

    def setup(self) -> None:
        self._decoder = decoder(self._message_type)

    def process(self, record: tuple[bytes | None, bytes | None]) -> Iterator[msgspec.Struct | TaggedOutput]:
        yield from self._letters.guard(record, self._messages_of(record))

    def _messages_of(
        self, record: tuple[bytes | None, bytes | None]
    ) -> Iterator[msgspec.Struct | TaggedOutput]:
        whole = record[1] or b""  # a Kafka record may have no value
        for value in split(whole) if self._is_joined else (whole,):
            yield from self._letters.guard(value, self._decode(value))
            self._messages.inc()

    def _decode(self, value: bytes) -> Iterator[msgspec.Struct | TaggedOutput]:
        try:
            yield self._decoder.decode(value)
        except (ValueError, RecursionError) as error:  # msgspec bounds the nesting depth
            detail = f"not a {self._message_type.__name__}: {error}"
            yield failure(self._letters.letter(value, "invalid_message", detail))
