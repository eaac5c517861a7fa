"""Distributes files over the workers: by store, so that the files of a store keep their order, or by host."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, Repeatedly
from apache_beam.transforms.window import GlobalWindows

from gogobe.feeds.ordering import store_of
from gogobe.io.objects import ObjectStore
from gogobe.records.addresses import authority_of
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, decoder, encode
from gogobe.transforms.coders import PADDED_BYTES
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.steps import step

STAGE: Final = "order"
# A grouping by key keeps some state for every key, so the number of keys is bounded.
HOST_KEYS: Final = 1024


class InOrder(NamedTuple):
    """The outputs of a redistribution."""

    messages: beam.PCollection[Any]
    failures: beam.PCollection[DeadLetter]


def host_key(message: FileDiscovered | FileDownloaded) -> str:
    """The key of a file's host, one of `HOST_KEYS` keys. Raises nothing."""
    url = message.url if isinstance(message, FileDiscovered) else message.source_url
    return f"host {zlib.crc32(authority_of(url).encode('utf-8', 'replace')) % HOST_KEYS}"


class SpreadBy(beam.PTransform):
    """Redistributes messages over all workers. Messages with the same key go to one worker at a time, in
    order.

    A grouping that fires for every element, in processing time, so that the watermark of an idle partition
    delays nothing. Elements are the messages' JSON, padded to `PADDED_BYTES`. `key_of` must be a module-level
    function, because it is pickled by name.
    """

    def __init__(
        self,
        key_of: Callable[[FileDiscovered | FileDownloaded], str],
        message_type: type[FileDiscovered] | type[FileDownloaded],
        store: ObjectStore,
    ) -> None:
        super().__init__()
        self._key_of = key_of
        self._message_type = message_type
        self._letters = DeadLetters(STAGE, store)

    def expand(self, messages: beam.PCollection[FileDiscovered] | beam.PCollection[FileDownloaded]) -> InOrder:
        keyed = messages | step(
            "Key", _Key(self._key_of, self._letters), main="keyed", output=tuple[str, bytes]
        )
        grouped = (
            keyed.keyed
            | "One by one"
            >> beam.WindowInto(
                GlobalWindows(),
                trigger=Repeatedly(AfterCount(1)),
                accumulation_mode=AccumulationMode.DISCARDING,
            )
            | "Group" >> beam.GroupByKey()
        )
        ungrouped = grouped | step(
            "Ungroup", _Ungroup(self._message_type, self._letters), main="messages", output=self._message_type
        )
        failures = ungrouped.failures | "Failures as before" >> beam.WindowInto(GlobalWindows())
        return InOrder(
            messages=ungrouped.messages | "As before" >> beam.WindowInto(GlobalWindows()),
            failures=(keyed.failures, failures) | "Failures" >> beam.Flatten(),
        )


class InStoreOrder(SpreadBy):
    """Messages by store: the files of a store are read in the order of their announcements."""

    def __init__(self, message_type: type[FileDiscovered] | type[FileDownloaded], store: ObjectStore) -> None:
        super().__init__(store_of, message_type, store)


class ByHost(SpreadBy):
    """Announcements by host, so that one worker enforces the limits of a host. The files of a store are on
    one host, so they keep their order."""

    def __init__(self, store: ObjectStore) -> None:
        super().__init__(host_key, FileDiscovered, store)


class _Key(beam.DoFn):
    def __init__(self, key_of: Callable[[FileDiscovered | FileDownloaded], str], letters: DeadLetters) -> None:
        self._key_of = key_of
        self._letters = letters

    def process(self, message: FileDiscovered | FileDownloaded) -> Iterator[tuple[str, bytes] | TaggedOutput]:
        yield from self._letters.guard(message, self._keyed(message))

    def _keyed(self, message: FileDiscovered | FileDownloaded) -> Iterator[tuple[str, bytes]]:
        yield self._key_of(message), encode(message).ljust(PADDED_BYTES)


class _Ungroup(beam.DoFn):
    def __init__(self, message_type: type[FileDiscovered] | type[FileDownloaded], letters: DeadLetters) -> None:
        self._message_type = message_type
        self._letters = letters

    def setup(self) -> None:
        self._decoder = decoder(self._message_type)

    def process(
        self, group: tuple[str, Iterable[bytes]]
    ) -> Iterator[FileDiscovered | FileDownloaded | TaggedOutput]:
        yield from self._letters.guard(group, self._ungrouped(group))

    def _ungrouped(
        self, group: tuple[str, Iterable[bytes]]
    ) -> Iterator[FileDiscovered | FileDownloaded | TaggedOutput]:
        _, messages = group
        for padded in messages:
            message = padded.rstrip()
            yield from self._letters.guard(message, self._decoded(message))

    def _decoded(self, message: bytes) -> Iterator[FileDiscovered | FileDownloaded]:
        yield self._decoder.decode(message)
