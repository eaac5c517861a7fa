"""Dead letters: how every step says what could not go on, and why.

Each step's main output carries what went well, its tagged output `FAILURES` the dead letters.
"""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import apache_beam as beam
import msgspec
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from gogobe.records.addresses import public_address, without_credentials
from gogobe.records.messages import DeadLetter, FileDownloaded, encode
from gogobe.transforms.steps import FAILURES


def now() -> datetime:
    """The time of day, in UTC."""
    return datetime.now(UTC)


def original_text(message: bytes | msgspec.Struct) -> str:
    """A message as text for a dead letter: bytes that are not UTF-8 are shown with replacement characters."""
    raw = message if isinstance(message, bytes) else encode(message)
    return raw.decode("utf-8", errors="replace")


def original_base64(message: bytes) -> str | None:
    """A message's bytes for a dead letter, where its text does not hold them all; else None."""
    try:
        message.decode("utf-8")
    except UnicodeDecodeError:
        return base64.b64encode(message).decode("ascii")
    return None


def file_dead_letter(
    stage: str, file: FileDownloaded, reason: str, detail: str, place: str | None = None
) -> DeadLetter:
    """The dead letter of a file that lies in the store, or of a part of it."""
    return DeadLetter(
        stage=stage,
        reason=reason,
        detail=detail,
        original=original_text(file),
        failed_at=now(),
        chain=file.chain,
        source_url=file.source_url,
        file=file.file_name,
        content_sha256=file.content_sha256,
        place=place,
    )


def failure(letter: DeadLetter) -> TaggedOutput:
    """A dead letter on its way out of a DoFn, without credentials, counted by stage and reason."""
    Metrics.counter(f"gogobe.{letter.stage}", f"dead_letters.{letter.reason}").inc()
    return TaggedOutput(FAILURES, redacted(letter))


def redacted(letter: DeadLetter) -> DeadLetter:
    """A dead letter without the user and password of any address in it. `source_url` also loses its signature;
    the original keeps signatures, so that it can be replayed while they hold."""
    return msgspec.structs.replace(
        letter,
        detail=without_credentials(letter.detail),
        cause=letter.cause and without_credentials(letter.cause),
        original=without_credentials(letter.original),
        original_base64=letter.original_base64 and _redacted_base64(letter.original_base64),
        source_url=letter.source_url and public_address(letter.source_url),
    )


def _redacted_base64(encoded: str) -> str:
    text = base64.b64decode(encoded).decode("latin-1")
    kept = without_credentials(text)
    return encoded if kept == text else base64.b64encode(kept.encode("latin-1")).decode("ascii")


class EncodeDeadLetters(beam.PTransform):
    """Dead letters → key and value for their topic, keyed by source so that a file's letters keep order."""

    def expand(self, letters: beam.PCollection[DeadLetter]) -> beam.PCollection[tuple[bytes, bytes]]:
        return letters | "Encode" >> beam.Map(keyed_dead_letter).with_output_types(tuple[bytes, bytes])


def keyed_dead_letter(letter: DeadLetter) -> tuple[bytes, bytes]:
    """A dead letter's Kafka key and value."""
    key = letter.source_url or letter.file or letter.stage
    return key.encode(), encode(letter)
