"""Encodes messages to the keys and values of their topics. A key preserves the order of related messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import MAX_MESSAGE_BYTES
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, IngestBatch, encode
from gogobe.transforms.dead_letters import MAX_LETTER_BYTES, DeadLetters, failure
from gogobe.transforms.outages import is_outage
from gogobe.transforms.steps import step

STAGE: Final = "publish"
# Below the limit of the topic, to leave room for the record's overhead.
MAX_VALUE_BYTES: Final = MAX_MESSAGE_BYTES - (64 << 10)

ROWS_LOADED: Final = "the rows are loaded all the same"
ROWS_MISSING: Final = "and the job `load` its rows: `gogobe load` takes the file"

Record = tuple[bytes, bytes]


def keyed_batch(batch: IngestBatch) -> Record:
    """The key and value of a batch; the key is the store, so that the batches of a store keep their order."""
    return f"{batch.chain}/{batch.chain_id}/{batch.store_id}".encode(), encode(batch)


def keyed_downloaded(file: FileDownloaded) -> Record:
    """The key and value of a downloaded file; the key preserves the order of a store's files."""
    return store_of(file).encode(), encode(file)


def keyed_overflow(message: FileDiscovered) -> Record:
    """The key and value of an announcement in the overflow. The key is the chain (`Shares` chooses its
    partition)."""
    return message.chain.encode(), encode(message)


def keyed_dead_letter(letter: DeadLetter, letters: DeadLetters) -> Record:
    """The key and value of a dead letter; the key is the source, so that the letters of a file keep their
    order. A letter that cannot be encoded, or is too large, is replaced by a letter about it."""
    try:
        key, value = (letter.source_url or letter.file or letter.stage).encode(), encode(letter)
    except Exception as error:
        if is_outage(error):
            raise
        letter = letters.internal_error(letter, error)
        return letters.stage.encode(), encode(letter)
    if len(value) > MAX_LETTER_BYTES:
        detail = f"a dead letter of {len(value):,} bytes; at most {MAX_LETTER_BYTES:,} are published"
        value = encode(letters.letter(letter, "message_too_large", detail))
    return key, value


class KeyDownloaded(beam.PTransform):
    """`FileDownloaded` → key and value for the topic of downloaded files."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__()
        self._dofn = _Key(keyed_downloaded, DeadLetters(STAGE, store), MAX_VALUE_BYTES, "announce it again")

    def expand(self, files: beam.PCollection[FileDownloaded]) -> beam.pvalue.DoOutputsTuple:
        return files | step("Encode", self._dofn, main="records", output=Record)


class KeyBatches(beam.PTransform):
    """`IngestBatch` → key and value for the ingest topic. A batch that is too large for a message is a dead
    letter `message_too_large`; `effect` describes the consequence for its rows."""

    def __init__(self, store: ObjectStore, effect: str, max_value_bytes: int = MAX_VALUE_BYTES) -> None:
        super().__init__()
        self._dofn = _Key(keyed_batch, DeadLetters(STAGE, store), max_value_bytes, effect)

    def expand(self, batches: beam.PCollection[IngestBatch]) -> beam.pvalue.DoOutputsTuple:
        return batches | step("Encode", self._dofn, main="records", output=Record)


class EncodeDeadLetters(beam.PTransform):
    """`DeadLetter` → key and value for their topic. A letter that cannot be encoded is replaced by a letter
    about it."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__()
        self._dofn = _EncodeDeadLetters(DeadLetters(STAGE, store))

    def expand(self, letters: beam.PCollection[DeadLetter]) -> beam.PCollection[Record]:
        return letters | "Encode" >> beam.ParDo(self._dofn).with_output_types(Record)


class _EncodeDeadLetters(beam.DoFn):
    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    def process(self, letter: DeadLetter) -> Iterator[Record]:
        yield keyed_dead_letter(letter, self._letters)


class _Key(beam.DoFn):
    def __init__(
        self, keyed: Callable[[Any], Record], letters: DeadLetters, max_value_bytes: int, effect: str
    ) -> None:
        self._effect = effect
        self._keyed = keyed
        self._letters = letters
        self._max_value_bytes = max_value_bytes

    def process(
        self, message: FileDiscovered | FileDownloaded | IngestBatch
    ) -> Iterator[Record | TaggedOutput]:
        yield from self._letters.guard(message, self._record(message))

    def _record(
        self, message: FileDiscovered | FileDownloaded | IngestBatch
    ) -> Iterator[Record | TaggedOutput]:
        key, value = self._keyed(message)
        if len(value) <= self._max_value_bytes:
            yield key, value
            return
        size = f"{len(value):,} bytes, a message holds {self._max_value_bytes:,}"
        detail = f"{size}: the topic lacks it, {self._effect}"
        yield failure(self._letters.letter(message, "message_too_large", detail))
