"""The metrics of the pipeline's steps, which Beam reports to Flink, from Flink's REST interface.

Flink names a metric `SUBTASK.OPERATOR.NAME`, where NAME is Beam's namespace and name with `_` for each dot:
`gogobe_load_rows`. The value of a counter is a number, that of a distribution or a gauge the text of Beam's
`DistributionResult` or `GaugeResult`. Flink refreshes values every ten seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

import msgspec
import requests

from gogobe.local.flink import REST_SECONDS, FlinkJob

# Flink refuses a request line above 4,096 bytes, and an operator's name alone may have 100.
MAX_QUERY: Final = 3000
_NAME: Final = re.compile(r"\d+\..*\.gogobe_(\w+)")
_FIELD: Final = re.compile(r"(sum|count|value)=(-?\d+)")


@dataclass
class StepMetric:
    """A metric of a step, over all its workers, as `load_rows`. Of a distribution, `total` is the sum of its
    `count` values; of a counter, `total` is its value; of a gauge, the maximum."""

    name: str
    kind: str
    total: int = 0
    count: int = 0


class _Vertex(msgspec.Struct):
    id: str


class _Job(msgspec.Struct):
    vertices: list[_Vertex]


class _Value(msgspec.Struct):
    id: str
    value: str = ""


def step_metrics(job: FlinkJob) -> list[StepMetric]:
    """The metrics of a running job, by name. Raises requests.RequestException."""
    return merged(value for vertex in _vertices(job) for value in _values(job, vertex))


def merged(values: Iterable[tuple[str, str]]) -> list[StepMetric]:
    """Metrics from pairs of Flink's name and value; those of subtasks and operators are combined. Metrics of
    others than Gogobe's steps are left out."""
    found: dict[str, StepMetric] = {}
    for flink_name, value in values:
        match = _NAME.fullmatch(flink_name)
        if match is None:
            continue
        fields = {name: int(number) for name, number in _FIELD.findall(value)}
        kind = "distribution" if "sum" in fields else "gauge" if "value" in fields else "counter"
        metric = found.setdefault(match[1], StepMetric(match[1], kind))
        if kind == "distribution":
            metric.total += fields["sum"]
            metric.count += fields["count"]
        elif kind == "gauge":
            metric.total = max(metric.total, fields["value"])
        elif value.isdigit():
            metric.total += int(value)
    return [found[key] for key in sorted(found)]


def _vertices(job: FlinkJob) -> list[str]:
    answer = requests.get(f"http://{job.rest}/jobs/{job.id}", timeout=REST_SECONDS)
    answer.raise_for_status()
    return [vertex.id for vertex in msgspec.json.decode(answer.content, type=_Job).vertices]


def _values(job: FlinkJob, vertex: str) -> Iterator[tuple[str, str]]:
    address = f"http://{job.rest}/jobs/{job.id}/vertices/{vertex}/metrics"
    names = [one.id for one in _read(address, {}) if _NAME.fullmatch(one.id)]
    for part in _parts(names):
        for one in _read(address, {"get": ",".join(part)}):
            yield one.id, one.value


def _parts(names: Iterable[str]) -> Iterator[list[str]]:
    """The names in parts that fit into a request."""
    part: list[str] = []
    size = 0
    for name in names:
        length = len(quote(name, safe="")) + 3
        if part and size + length > MAX_QUERY:
            yield part
            part, size = [], 0
        part.append(name)
        size += length
    if part:
        yield part


def _read(address: str, parameters: dict[str, str]) -> list[_Value]:
    answer = requests.get(address, parameters, timeout=REST_SECONDS)
    answer.raise_for_status()
    return msgspec.json.decode(answer.content, type=list[_Value])
