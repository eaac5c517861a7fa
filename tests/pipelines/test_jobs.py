"""The graphs of the jobs: what a job that runs needs to be updated in place."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from apache_beam.runners.pipeline_context import PipelineContext

from gogobe.pipelines.catalogue import JOBS
from gogobe.pipelines.job import known_chains
from gogobe.settings import Settings, SettingsError
from tests.pipelines.graphs import graph_of

DATA = Path(__file__).parent / "data"
STEPS = {name: (DATA / f"{name}_steps.txt").read_text("utf-8").splitlines() for name in JOBS}
CODERS = {
    "download": {"FileDiscovered", "FileDownloaded", "WaitingFile", "DeadLetter"},
    "parse": {"FileDownloaded", "IngestBatch", "DeadLetter", "MastersAddress"},
    "load": {"IngestBatch", "LoadResult", "DeadLetter"},
}
CODERS["ingest"] = set.union(*CODERS.values())


@pytest.fixture(params=JOBS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def graph(monkeypatch: pytest.MonkeyPatch, name: str) -> Any:
    """The graph's components, as runners get them."""
    return graph_of(monkeypatch, name).to_runner_api().components


def own_steps(graph: Any) -> list[Any]:
    """All but the root and what is inside of the topics' transforms, which is Beam's."""
    return [
        one
        for one in graph.transforms.values()
        if one.unique_name and not re.match(r"ref_|(Read|Publish) [^/]+/", one.unique_name)
    ]


def test_steps_have_the_names_in_the_list(graph: Any, name: str):
    """A step that is renamed loses its state when a job is updated in place: change the list with a reason."""
    assert sorted(step.unique_name for step in own_steps(graph)) == STEPS[name]


def test_ingest_is_the_three_stages(name: str):
    of_stages = {step for one in ("download", "parse", "load") for step in STEPS[one]}
    assert of_stages - set(STEPS["ingest"]) == {"Read downloaded", "Read ingest"}
    assert set(STEPS["ingest"]) < of_stages


def test_names_come_from_no_class_and_no_function(name: str):
    made_up = re.compile(r"(^|/)_|lambda|\w\(|Flatten|WindowInto|GroupByKey|Impulse|Map|^ParDo")
    assert [step for step in STEPS[name] if made_up.search(step)] == []
    assert len(set(STEPS[name])) == len(STEPS[name])


def test_no_element_is_pickled(graph: Any, name: str):
    read_back = PipelineContext(graph).coders
    coders = {
        repr(read_back.get_by_id(graph.pcollections[collection].coder_id))
        for step in own_steps(graph)
        for collection in step.outputs.values()
    }
    others = {
        "ListCoder[MessageCoder(Decision)]",
        "BytesCoder",
        "VarIntCoder",
        "TupleCoder[BytesCoder, BytesCoder]",
        "TupleCoder[StrUtf8Coder, BytesCoder]",
        "TupleCoder[StrUtf8Coder, IterableCoder[BytesCoder]]",
        "TupleCoder[StrUtf8Coder, VarIntCoder]",
    }
    assert coders - others == {f"MessageCoder({message})" for message in CODERS[name]}
    if name == "ingest":
        assert coders >= others


def test_a_chains_file_that_cannot_be_read_is_a_setting_that_cannot(tmp_path: Path):
    file = tmp_path / "chains.toml"
    file.write_text("[chains.shufersal]\nchain_ids = []")
    with pytest.raises(SettingsError, match=r"chains\.toml: \[chains\.shufersal\]: chain_ids"):
        known_chains(Settings(chains=str(file)))
    assert known_chains(Settings()).get("shufersal") is not None
