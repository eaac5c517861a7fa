"""Batches to records of the ingest topic, and what becomes of one that no topic takes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import apache_beam as beam
import msgspec

from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import MAX_MESSAGE_BYTES
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch, encode
from gogobe.transforms.dead_letters import failure, now
from gogobe.transforms.steps import step

STAGE: Final = "publish"
# Below the topic's limit, for the record's own frame.
MAX_VALUE_BYTES: Final = MAX_MESSAGE_BYTES - (64 << 10)
# A dead letter quotes the batch, and is a message too.
MAX_QUOTED_BYTES: Final = 4 << 20


def keyed_batch(batch: IngestBatch) -> tuple[bytes, bytes]:
    """A batch's Kafka key and value; keyed by store, so that a store's batches keep their order."""
    return f"{batch.chain}/{batch.chain_id}/{batch.store_id}".encode(), encode(batch)


def batch_text(batch: IngestBatch) -> str:
    """A batch as text for a dead letter. One that is very large is told without its rows: the file that its
    `content_sha256` names has them, and is cut into the same batches again."""
    text = encode(batch)
    if len(text) > MAX_QUOTED_BYTES:
        text = encode(msgspec.structs.replace(batch, items=[], promotions=[], stores=[], refused=[]))
    return text.decode()


def batch_dead_letter(
    stage: str, batch: IngestBatch, reason: str, detail: str, cause: str | None = None
) -> DeadLetter:
    """The dead letter of a batch; its original is the batch, to be replayed."""
    return DeadLetter(
        stage=stage,
        reason=reason,
        detail=detail,
        cause=cause,
        original=batch_text(batch),
        failed_at=now(),
        chain=batch.chain,
        source_url=batch.source_url,
        file=batch.file,
        content_sha256=batch.content_sha256,
        place=f"batch {batch.sequence}",
    )


def keyed_downloaded(file: FileDownloaded) -> tuple[bytes, bytes]:
    """A downloaded file's Kafka key and value; keyed so that a store's files keep their order."""
    return store_of(file).encode(), encode(file)


class KeyDownloaded(beam.PTransform):
    """`FileDownloaded` → key and value for the topic of downloaded files."""

    def expand(self, files: beam.PCollection[FileDownloaded]) -> beam.PCollection[tuple[bytes, bytes]]:
        return files | "Encode" >> beam.Map(keyed_downloaded).with_output_types(tuple[bytes, bytes])


class KeyBatches(beam.PTransform):
    """`IngestBatch` → key and value for the ingest topic; one too large for a message is a dead letter
    `message_too_large` (its rows are loaded all the same)."""

    def __init__(self, max_value_bytes: int = MAX_VALUE_BYTES) -> None:
        super().__init__()
        self._dofn = _KeyBatches(max_value_bytes)

    def expand(self, batches: beam.PCollection[IngestBatch]) -> beam.pvalue.DoOutputsTuple:
        return batches | step("Encode", self._dofn, main="records", output=tuple[bytes, bytes])


class _KeyBatches(beam.DoFn):
    def __init__(self, max_value_bytes: int) -> None:
        self._max_value_bytes = max_value_bytes

    def process(self, batch: IngestBatch) -> Iterator[Any]:
        key, value = keyed_batch(batch)
        if len(value) <= self._max_value_bytes:
            yield key, value
            return
        detail = (
            f"{batch.file}, batch {batch.sequence}: {len(value):,} bytes, a message holds "
            f"{self._max_value_bytes:,}; the rows are loaded, the topic lacks them"
        )
        yield failure(batch_dead_letter(STAGE, batch, "message_too_large", detail))
