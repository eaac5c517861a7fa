"""The jobs as Dataflow gets them, built by its own runner against a GCS server of this machine."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from apache_beam.portability.api import beam_runner_api_pb2

from deploy.dataflow.graph import FOLDER, problems, steps_of
from deploy.dataflow.offline import BUCKET, FLAGS, IMAGE, Offline, OfflineJob, offline
from gogobe.pipelines.catalogue import JOBS
from gogobe.pipelines.dataflow import MASTERS_CACHE, launch
from gogobe.settings import SettingsError

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[3]
PLANTED = "planted-7f3a-secret"
FLAGS_OF_A_TEST = (
    "--database_password=secret://env/PLANTED_PASSWORD",
    '--kafka_options={"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "u", '
    '"sasl.password": "secret://env/PLANTED_PASSWORD"}',
    "--update_compatibility_version=",  # a template passes what was left empty
    "--worker_machine_type=n2-standard-2",
)


@pytest.fixture(scope="module")
def runner(gcs_endpoint: str) -> Iterator[Offline]:
    with offline(gcs_endpoint, ROOT / "var" / "java") as running:
        yield running


@pytest.fixture(scope="module")
def ingest(runner: Offline) -> OfflineJob:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PLANTED_PASSWORD", PLANTED)
        return runner.build("ingest", FLAGS_OF_A_TEST)


def kept(kind: str) -> dict[str, Any]:
    steps: dict[str, Any] = json.loads((FOLDER / f"{kind}.json").read_text("utf-8"))
    return steps


def test_the_graph_of_ingest_is_the_one_that_is_kept(ingest: OfflineJob):
    """A difference is a job that runs and cannot be updated in place: see docs/deploy-dataflow.md."""
    found = steps_of(ingest.pipeline)
    assert list(problems(kept("ingest"), found)) == []
    assert found == kept("ingest"), "write it anew: python -m deploy.dataflow.graph"


@pytest.mark.parametrize("kind", [kind for kind in JOBS if kind != "ingest"])
def test_the_graphs_of_the_stages_are_those_that_are_kept(runner: Offline, kind: str):
    found = steps_of(runner.build(kind).pipeline)
    assert list(problems(kept(kind), found)) == []
    assert found == kept(kind), "write it anew: python -m deploy.dataflow.graph"


def test_a_step_that_is_renamed_or_writes_another_coder_is_a_problem():
    old = kept("load")
    renamed = {name.replace("Load/Commit", "Load/Write"): step for name, step in old.items()}
    assert any("'Load/Commit/ParDo' is missing" in one for one in problems(old, renamed))
    recoded = copy.deepcopy(old)
    recoded["Decode/Validate/ParDo"]["outputs"] = {"messages": "pickled"}
    (problem,) = problems(old, recoded)
    assert problem.startswith("step 'Decode/Validate/ParDo': outputs was ")
    assert list(problems(old, {**old, "Another": {}})) == []


def in_another_image(environment: Any) -> None:
    environment.payload = beam_runner_api_pb2.DockerPayload(container_image="another").SerializeToString()


def in_a_process(environment: Any) -> None:
    environment.urn = "beam:env:process:v1"
    environment.payload = beam_runner_api_pb2.ProcessPayload(command="worker").SerializeToString()


def with_more_memory(environment: Any) -> None:
    environment.resource_hints["beam:resources:min_ram_bytes:v1"] = b"1000"


@pytest.mark.parametrize("change", [in_another_image, in_a_process, with_more_memory])
def test_another_environment_is_another_graph(ingest: OfflineJob, change: Callable[[Any], None]):
    """Each environment of the job is changed, one at a time."""
    for name in ingest.pipeline.components.environments:
        changed = copy.deepcopy(ingest.pipeline)
        change(changed.components.environments[name])
        assert steps_of(changed) != kept("ingest"), name


def test_kafka_is_read_and_written_by_java_steps(ingest: OfflineJob):
    steps = steps_of(ingest.pipeline)
    java = {name for name, step in steps.items() if "java" in step["image"]}
    assert any(re.match(r"Read discovered/Read/.*ReadFromKafkaViaSDF.*\(Unbounded\)", name) for name in java)
    for topic in ("gogobe.files.downloaded", "gogobe.products.ingest", "gogobe.files.deadletter"):
        assert any(re.match(rf"Publish {re.escape(topic)}/Write/.*KafkaWriter", name) for name in java)


def test_every_environment_is_a_container_image(ingest: OfflineJob):
    environments = ingest.pipeline.components.environments.values()
    assert {one.urn for one in environments} == {"beam:env:docker:v1"}
    images = {beam_runner_api_pb2.DockerPayload.FromString(one.payload).container_image for one in environments}
    assert images - {IMAGE} == {"gcr.io/cloud-dataflow/v1beta3/beam_java17_sdk:2.70.0"}
    assert IMAGE in images
    assert {image for step in steps_of(ingest.pipeline).values() if (image := step["image"])} == images


def test_what_workers_fetch_is_in_the_bucket(ingest: OfflineJob):
    artifacts = [
        one
        for environment in ingest.pipeline.components.environments.values()
        for one in environment.dependencies
    ]
    assert {one.type_urn for one in artifacts} == {"beam:artifact:type:url:v1"}
    urls = [beam_runner_api_pb2.ArtifactUrlPayload.FromString(one.type_payload).url for one in artifacts]
    names = {url.rpartition("/")[2] for url in urls}
    assert all(url.startswith(f"gs://{BUCKET}/temp/") for url in urls)
    # Of Python nothing: it is in the image.
    assert [name.partition("-")[0] for name in names] == ["overrides"]
    assert names < set(ingest.staged)


def test_the_job_has_no_path_no_address_of_the_launcher_and_no_secret(ingest: OfflineJob, runner: Offline):
    folder = ingest.options["pipelineUrl"].removeprefix(f"gs://{BUCKET}/").rpartition("/")[0]
    texts = [json.dumps(ingest.template).encode(), *(runner.read(f"{folder}/{name}") for name in ingest.staged)]
    for forbidden in (PLANTED, str(ROOT), str(Path.home()) + "/", "127.0.0.1", "localhost:", "/tmp/"):
        # Beam has defaults of its own for options of other runners.
        of_beam = b'"bootstrap_servers": "localhost:9092"'
        assert [text for text in texts if forbidden.encode() in text.replace(of_beam, b"")] == [], forbidden
    assert ingest.options["database_password"] == "secret://env/PLANTED_PASSWORD"
    assert "expansion_service" not in ingest.options


def test_the_template_is_a_streaming_job_with_bounds(ingest: OfflineJob):
    assert ingest.template["type"] == "JOB_TYPE_STREAMING"
    assert ingest.template["name"] == "gogobe-ingest"
    environment = ingest.template["environment"]
    assert {"enable_streaming_engine", "use_runner_v2"} <= set(environment["experiments"])
    (pool,) = environment["workerPools"]
    assert pool["autoscalingSettings"] == {"algorithm": "AUTOSCALING_ALGORITHM_BASIC", "maxNumWorkers": 8}
    assert (pool["diskSizeGb"], pool["machineType"]) == (50, "n2-standard-2")
    images = {one["containerImage"] for one in pool["sdkHarnessContainerImages"]}
    assert IMAGE in images
    assert len(images) == 2
    options = ingest.options
    assert "update_compatibility_version" not in options  # an empty one makes Dataflow refuse the update
    assert (options["masters_cache"], options["save_main_session"]) == (MASTERS_CACHE, False)


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--store=var/store", r"store: .*/var/store is a folder, which Dataflow's workers do not have"),
        ("--masters=/masters", r"masters: /masters is a folder"),
        ("--sdk_container_image=", r"sdk_container_image is not set, .*deploy/dataflow/Dockerfile"),
        ("--kafka=", r"kafka is not set"),
    ],
)
def test_what_workers_would_not_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, flag: str, message: str
):
    monkeypatch.chdir(tmp_path)
    name = flag.partition("=")[0]
    flags = [one for one in FLAGS if not one.startswith(f"{name}=")]
    with pytest.raises(SettingsError, match=message):
        launch([*flags, flag], tmp_path)
