"""The graphs of the jobs, with stand-ins for the topics: Beam asks a Java service to build those."""

from __future__ import annotations

from typing import Any

import apache_beam as beam
import pytest

from gogobe.pipelines import connectors, job
from gogobe.pipelines.catalogue import JOBS
from gogobe.settings import Settings

SETTINGS = Settings(
    kafka="127.0.0.1:1", database="postgresql://127.0.0.1:1/none", expansion_service="127.0.0.1:1"
)


class ReadNothing(beam.PTransform):
    """In the place of `ReadTopic`."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        super().__init__()

    def expand(self, begin: Any) -> Any:
        return begin | beam.Create([], reshuffle=False).with_output_types(tuple[bytes, bytes])


class WriteNowhere(beam.PTransform):
    """In the place of `WriteTopic`. Refuses, as Beam does, elements that are not pairs of bytes."""

    def __init__(self, *_arguments: Any, **_named: Any) -> None:
        super().__init__()

    def expand(self, records: Any) -> Any:
        assert records.element_type == beam.typehints.Tuple[bytes, bytes]
        return records | beam.Map(print).with_output_types(int)


def graph_of(monkeypatch: pytest.MonkeyPatch, name: str, settings: Settings = SETTINGS) -> beam.Pipeline:
    """A job as `gogobe run` builds it, not run."""
    monkeypatch.setattr(connectors, "ReadTopic", ReadNothing)
    monkeypatch.setattr(connectors, "WriteTopic", WriteNowhere)
    pipeline = beam.Pipeline()
    source = connectors.KafkaSource(settings, is_native=True)
    JOBS[name].build(job.Job(pipeline, settings, source=source))
    return pipeline
