"""Kafka bytes to typed messages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apache_beam as beam
import msgspec

from gogobe.records.messages import DeadLetter, decoder
from gogobe.transforms.dead_letters import failure, now, original_base64, original_text
from gogobe.transforms.steps import step


class DecodeMessages(beam.PTransform):
    """Key and value → messages of one type; what does not validate is a dead letter `invalid_message`."""

    def __init__(self, message_type: type[msgspec.Struct], stage: str = "decode") -> None:
        super().__init__()
        self._message_type = message_type
        self._stage = stage

    def expand(
        self, records: beam.PCollection[tuple[bytes | None, bytes | None]]
    ) -> beam.pvalue.DoOutputsTuple:
        decode = _Decode(self._message_type, self._stage)
        return records | step("Validate", decode, main="messages", output=self._message_type)


class _Decode(beam.DoFn):
    def __init__(self, message_type: type[msgspec.Struct], stage: str) -> None:
        self._message_type = message_type
        self._stage = stage

    def setup(self) -> None:
        self._decoder = decoder(self._message_type)

    def process(self, record: tuple[bytes | None, bytes | None]) -> Iterator[Any]:
        value = record[1] or b""  # Kafka's records may be empty
        try:
            yield self._decoder.decode(value)
        except ValueError as error:
            yield failure(
                DeadLetter(
                    stage=self._stage,
                    reason="invalid_message",
                    detail=f"not a {self._message_type.__name__}: {error}",
                    original=original_text(value),
                    original_base64=original_base64(value),
                    failed_at=now(),
                )
            )
