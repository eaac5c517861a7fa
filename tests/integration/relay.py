"""A job that tests can look through: messages from one topic to another, slowly, in their keys' order.

A module of its own, because Flink's Python workers import it.
"""

import os
import time
from collections.abc import Iterable, Iterator

import apache_beam as beam
import msgspec
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineResult
from apache_beam.transforms.trigger import AccumulationMode, AfterCount, Repeatedly
from apache_beam.transforms.window import GlobalWindows

from gogobe.io.kafka.beam import ReadTopic, WriteTopic
from gogobe.io.kafka.topics import read_to_end
from gogobe.local.stack import StackAddresses
from gogobe.pipelines.options import flink_flags


class Relayed(msgspec.Struct, frozen=True):
    """One message as it came out: its number, and the process that had it."""

    number: int
    pid: int


def submit(stack: StackAddresses, name: str, seconds: float) -> PipelineResult:
    """Starts a job from topic `NAME.in` to `NAME.out` that spends `seconds` on every message."""
    flags = flink_flags(stack.job_endpoint, stack.worker_pool, name)
    pipeline = beam.Pipeline(options=PipelineOptions(list(flags)))
    received = pipeline | ReadTopic(f"{name}.in", stack.kafka, name, stack.expansion_service)
    (
        received
        | "Text keys" >> beam.Map(_text_key).with_output_types(tuple[str, bytes])
        | "One by one"
        >> beam.WindowInto(
            GlobalWindows(), trigger=Repeatedly(AfterCount(1)), accumulation_mode=AccumulationMode.DISCARDING
        )
        | "In key order" >> beam.GroupByKey()
        | "Work" >> beam.ParDo(_Work(seconds)).with_output_types(tuple[bytes, bytes])
        | WriteTopic(f"{name}.out", stack.kafka, stack.expansion_service)
    )
    return pipeline.run()


def relayed(stack: StackAddresses, name: str) -> list[Relayed]:
    """What has come out so far; in order within a key."""
    return [msgspec.json.decode(value, type=Relayed) for _, value in read_to_end(stack.kafka, f"{name}.out")]


def _text_key(record: tuple[bytes | None, bytes | None]) -> tuple[str, bytes]:
    key, value = record
    assert key is not None
    assert value is not None
    return key.decode(), value


class _Work(beam.DoFn):
    def __init__(self, seconds: float) -> None:
        self._seconds = seconds

    def process(self, group: tuple[str, Iterable[bytes]]) -> Iterator[tuple[bytes, bytes]]:
        key, values = group
        for value in values:
            time.sleep(self._seconds)
            yield key.encode(), msgspec.json.encode(Relayed(int(value), os.getpid()))
