"""Spreading: what makes a store's files stay in order on a runner that has many workers.

A single process keeps the order by itself, so these tests look at the graph that a runner gets.
"""

from __future__ import annotations

from typing import Any

import pytest
from apache_beam.portability.api import beam_runner_api_pb2

from gogobe.feeds.ordering import store_of
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import FileDiscovered
from gogobe.transforms.order import ByHost, InStoreOrder, SpreadBy, host_key
from tests.database.samples import at
from tests.pipelines.graphs import graph_of

STORE = ObjectStore("/nowhere")
GROUP_BY_KEY = "beam:transform:group_by_key:v1"


def below(graph: Any, name: str) -> set[str]:
    """The ids of the transforms whose output reaches the input of the step `name`, directly or not."""
    producers: dict[str, set[str]] = {}
    for key, one in graph.transforms.items():
        if not one.subtransforms:
            for collection in one.outputs.values():
                producers.setdefault(collection, set()).add(key)
    (step,) = [one for one in graph.transforms.values() if one.unique_name == name]
    found: set[str] = set()
    waiting = list(step.inputs.values())
    while waiting:
        for producer in producers.get(waiting.pop(), set()) - found:
            found.add(producer)
            waiting += graph.transforms[producer].inputs.values()
    return found


@pytest.mark.parametrize(
    ("job", "step", "spread"),
    [
        ("ingest", "Parse and match/Cut into batches", "Spread files"),
        ("parse", "Parse and match/Cut into batches", "Spread files"),
        ("ingest", "Download/Fetch", "Spread downloads"),
        ("download", "Download/Fetch", "Spread downloads"),
    ],
)
def test_a_runner_groups_by_key_before_the_step(
    monkeypatch: pytest.MonkeyPatch, job: str, step: str, spread: str
):
    graph = graph_of(monkeypatch, job).to_runner_api().components
    groupings = [
        graph.transforms[one] for one in below(graph, step) if graph.transforms[one].spec.urn == GROUP_BY_KEY
    ]
    (grouping,) = [one for one in groupings if one.unique_name.startswith(f"{spread}/")]
    (collection,) = grouping.inputs.values()
    windowing = graph.windowing_strategies[graph.pcollections[collection].windowing_strategy_id]
    assert windowing.trigger.repeat.subtrigger.element_count.element_count == 1, "no element waits for another"
    assert windowing.accumulation_mode == beam_runner_api_pb2.AccumulationMode.DISCARDING


@pytest.mark.parametrize(
    ("made", "key_of"), [(InStoreOrder(FileDiscovered, STORE), store_of), (ByHost(STORE), host_key)]
)
def test_the_key_is_the_store_or_the_host(made: SpreadBy, key_of: Any):
    assert made._key_of is key_of


def test_a_store_s_files_have_one_key_and_stores_have_keys_of_their_own():
    names = [
        "Price7290-001-202501010000.gz",
        "PriceFull7290-001-202501020000.gz",
        "Price7290-002-202501010000.gz",
    ]
    first, second, other = (FileDiscovered("chain", f"http://p.example/{name}", at(0)) for name in names)
    assert store_of(first) == store_of(second) != store_of(other)
    assert host_key(first) == host_key(other)
