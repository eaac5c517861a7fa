"""The graph of the ingest job: what a job that runs needs to be updated in place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from apache_beam.runners.pipeline_context import PipelineContext

from gogobe.pipelines.ingest import known_chains
from gogobe.settings import Settings, SettingsError
from tests.pipelines.graphs import ingest_graph

STEPS = (Path(__file__).parent / "data" / "ingest_steps.txt").read_text("utf-8").splitlines()


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The graph's components, as runners get them."""
    return ingest_graph(monkeypatch).to_runner_api().components


def own_steps(graph: Any) -> list[Any]:
    """All but the root and what is inside of the topics' transforms, which is Beam's."""
    return [
        one
        for one in graph.transforms.values()
        if one.unique_name and not re.match(r"ref_|(Read|Publish) [^/]+/", one.unique_name)
    ]


def test_steps_have_the_names_in_the_list(graph: Any):
    """A step that is renamed loses its state when a job is updated in place: change the list with a reason."""
    names = [step.unique_name for step in own_steps(graph)]
    assert sorted(names) == STEPS


def test_names_come_from_no_class_and_no_function():
    made_up = re.compile(r"(^|/)_|lambda|\w\(|Flatten|WindowInto|GroupByKey|Impulse|Map|^ParDo")
    assert [name for name in STEPS if made_up.search(name)] == []
    assert len(set(STEPS)) == len(STEPS)


def test_no_element_is_pickled(graph: Any):
    read_back = PipelineContext(graph).coders
    coders = {
        repr(read_back.get_by_id(graph.pcollections[collection].coder_id))
        for step in own_steps(graph)
        for collection in step.outputs.values()
    }
    messages = ("FileDiscovered", "FileDownloaded", "IngestBatch", "DeadLetter", "LoadResult", "MastersAddress")
    assert coders == {
        *(f"MessageCoder({name})" for name in messages),
        "ListCoder[MessageCoder(Decision)]",
        "BytesCoder",
        "VarIntCoder",
        "TupleCoder[BytesCoder, BytesCoder]",
        "TupleCoder[StrUtf8Coder, BytesCoder]",
        "TupleCoder[StrUtf8Coder, IterableCoder[BytesCoder]]",
        "TupleCoder[StrUtf8Coder, VarIntCoder]",
    }


def test_a_chains_file_that_cannot_be_read_is_a_setting_that_cannot(tmp_path: Path):
    file = tmp_path / "chains.toml"
    file.write_text("[chains.shufersal]\nchain_ids = []")
    with pytest.raises(SettingsError, match=r"chains\.toml: \[chains\.shufersal\]: chain_ids"):
        known_chains(Settings(chains=str(file)))
    assert known_chains(Settings()).get("shufersal") is not None
