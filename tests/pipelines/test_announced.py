"""The announcements of a job: its topic, and the overflow that is read beside it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipelines.graphs import graph_of


def sources_of(components: Any, collection: str) -> set[str]:
    """The names of the steps whose outputs lead into a collection, through flattens and windows."""
    (maker,) = [
        one
        for one in components.transforms.values()
        if not one.subtransforms and collection in one.outputs.values()
    ]
    if maker.spec.urn in ("beam:transform:flatten:v1",):
        return set().union(*(sources_of(components, one) for one in maker.inputs.values()))
    return {maker.unique_name}


@pytest.mark.parametrize("name", ["ingest", "download"])
def test_what_goes_on_and_what_comes_from_the_overflow_is_downloaded(
    monkeypatch: pytest.MonkeyPatch, name: str
):
    components = graph_of(monkeypatch, name).to_runner_api().components
    (spread,) = [
        one for one in components.transforms.values() if one.unique_name == "Spread downloads/Key/ParDo"
    ]
    (taken,) = spread.inputs.values()
    assert sources_of(components, taken) == {"Share/Divide/ParDo", "Decode overflow/Validate/ParDo"}
