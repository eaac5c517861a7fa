"""Spreading files over the workers while each store's files keep their order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, Repeatedly
from apache_beam.transforms.window import GlobalWindows

from gogobe.feeds.ordering import store_of
from gogobe.records.messages import FileDiscovered, FileDownloaded, decoder, encode


class InStoreOrder(beam.PTransform):
    """Redistributes messages over all workers: a store's go to one worker at a time, in their order.

    A grouping by store that fires at every element, in processing time, so that an idle partition's watermark
    holds nothing up. What travels is the message's JSON, a few hundred bytes.
    """

    def __init__(self, message_type: type[FileDiscovered] | type[FileDownloaded]) -> None:
        super().__init__()
        self._message_type = message_type

    def expand(self, messages: Any) -> Any:
        return (
            messages
            | "Key by store" >> beam.Map(_keyed).with_output_types(tuple[str, bytes])
            | "One by one"
            >> beam.WindowInto(
                GlobalWindows(),
                trigger=Repeatedly(AfterCount(1)),
                accumulation_mode=AccumulationMode.DISCARDING,
            )
            | "Group by store" >> beam.GroupByKey()
            | "Ungroup" >> beam.ParDo(_Ungroup(self._message_type)).with_output_types(self._message_type)
            | "As before" >> beam.WindowInto(GlobalWindows())
        )


def _keyed(message: FileDiscovered | FileDownloaded) -> tuple[str, bytes]:
    return store_of(message), encode(message)


class _Ungroup(beam.DoFn):
    def __init__(self, message_type: type[FileDiscovered] | type[FileDownloaded]) -> None:
        self._message_type = message_type

    def setup(self) -> None:
        self._decoder = decoder(self._message_type)

    def process(self, group: tuple[str, Iterable[bytes]]) -> Iterable[FileDiscovered | FileDownloaded]:
        _, messages = group
        for message in messages:
            yield self._decoder.decode(message)
