"""Spreading files over the workers while each store's files keep their order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, Repeatedly
from apache_beam.transforms.window import GlobalWindows

from gogobe.feeds.ordering import store_of
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, decoder, encode
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.steps import step

STAGE: Final = "order"


class InOrder(NamedTuple):
    """The outputs of `InStoreOrder`."""

    messages: beam.PCollection[Any]
    failures: beam.PCollection[DeadLetter]


class InStoreOrder(beam.PTransform):
    """Redistributes messages over all workers: a store's go to one worker at a time, in their order.

    A grouping by store that fires at every element, in processing time, so that an idle partition's watermark
    holds nothing up. What travels is the message's JSON, a few hundred bytes.
    """

    def __init__(self, message_type: type[FileDiscovered] | type[FileDownloaded], store: ObjectStore) -> None:
        super().__init__()
        self._message_type = message_type
        self._letters = DeadLetters(STAGE, store)

    def expand(self, messages: beam.PCollection[FileDiscovered] | beam.PCollection[FileDownloaded]) -> InOrder:
        keyed = messages | step(
            "Key by store", _KeyByStore(self._letters), main="keyed", output=tuple[str, bytes]
        )
        grouped = (
            keyed.keyed
            | "One by one"
            >> beam.WindowInto(
                GlobalWindows(),
                trigger=Repeatedly(AfterCount(1)),
                accumulation_mode=AccumulationMode.DISCARDING,
            )
            | "Group by store" >> beam.GroupByKey()
        )
        ungrouped = grouped | step(
            "Ungroup", _Ungroup(self._message_type, self._letters), main="messages", output=self._message_type
        )
        failures = ungrouped.failures | "Failures as before" >> beam.WindowInto(GlobalWindows())
        return InOrder(
            messages=ungrouped.messages | "As before" >> beam.WindowInto(GlobalWindows()),
            failures=(keyed.failures, failures) | "Failures" >> beam.Flatten(),
        )


class _KeyByStore(beam.DoFn):
    def __init__(self, letters: DeadLetters) -> None:
        self._letters = letters

    def process(self, message: FileDiscovered | FileDownloaded) -> Iterator[tuple[str, bytes] | TaggedOutput]:
        yield from self._letters.guard(message, self._keyed(message))

    def _keyed(self, message: FileDiscovered | FileDownloaded) -> Iterator[tuple[str, bytes]]:
        yield store_of(message), encode(message)


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
        for message in messages:
            yield from self._letters.guard(message, self._decoded(message))

    def _decoded(self, message: bytes) -> Iterator[FileDiscovered | FileDownloaded]:
        yield self._decoder.decode(message)
