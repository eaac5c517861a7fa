"""Builds the jobs by Beam's own DataflowRunner without Google: against a GCS server of this machine.

The runner stages what the job needs into the bucket, and writes the file of a template instead of asking
Dataflow to run the job: what a Flex template's launcher does, too.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from unittest import mock
from urllib.parse import quote

import requests
from apache_beam.internal.gcp import auth
from apache_beam.portability.api import beam_runner_api_pb2

from gogobe.local.expansion import container_expansion_service
from gogobe.pipelines import dataflow

BUCKET: Final = "gogobe-offline"
PROJECT: Final = "gogobe-offline"
IMAGE: Final = "europe-docker.pkg.dev/gogobe-offline/gogobe/worker:1"
FLAGS: Final = (
    "--kafka=kafka.example.org:9092",
    "--database=postgresql://gogobe@db.example.org/gogobe",
    f"--store=gs://{BUCKET}/store",
    f"--masters=gs://{BUCKET}/masters",
    f"--project={PROJECT}",
    "--region=europe-west1",
    f"--temp_location=gs://{BUCKET}/temp",
    f"--sdk_container_image={IMAGE}",
    "--no_auth",
)
SECONDS: Final = 30


@dataclass(frozen=True)
class OfflineJob:
    """A job as Dataflow would get it: the template's file, the graph, and the names of what was staged."""

    template: dict[str, Any]
    pipeline: Any
    staged: Sequence[str]

    @property
    def options(self) -> dict[str, Any]:
        """The job's options, as Dataflow's page shows them."""
        options: dict[str, Any] = self.template["environment"]["sdkPipelineOptions"]["options"]
        return options


@dataclass(frozen=True)
class Offline:
    """Builds jobs against a GCS server, `http://HOST:PORT`."""

    gcs: str
    java: Path

    def build(self, kind: str, flags: Sequence[str] = ()) -> OfflineJob:
        """One job, by the launcher of the Flex template. Neither Kafka nor a database is asked."""
        template = f"templates/{kind}.json"
        with mock.patch.object(dataflow, "prepare"):
            result = dataflow.launch(
                [
                    f"--job_kind={kind}",
                    *FLAGS,
                    f"--template_location=gs://{BUCKET}/{template}",
                    *flags,
                ],
                self.java,
            )
        assert not result.has_job
        written = json.loads(self.read(template))
        url = written["environment"]["sdkPipelineOptions"]["options"]["pipelineUrl"]
        graph = self.read(url.removeprefix(f"gs://{BUCKET}/"))
        pipeline = beam_runner_api_pb2.Pipeline.FromString(graph)
        folder = url.removeprefix(f"gs://{BUCKET}/").rpartition("/")[0]
        return OfflineJob(written, pipeline, self.names(folder))

    def read(self, name: str) -> bytes:
        """The content of an object."""
        answer = requests.get(f"{self._objects}/{quote(name, safe='')}", {"alt": "media"}, timeout=SECONDS)
        answer.raise_for_status()
        return answer.content

    def names(self, folder: str) -> list[str]:
        """The names of the objects below a folder."""
        answer = requests.get(self._objects, {"prefix": f"{folder}/"}, timeout=SECONDS)
        answer.raise_for_status()
        return sorted(one["name"].removeprefix(f"{folder}/") for one in answer.json().get("items", ()))

    @property
    def _objects(self) -> str:
        return f"{self.gcs}/storage/v1/b/{BUCKET}/o"


@contextlib.contextmanager
def offline(gcs: str, java: Path) -> Iterator[Offline]:
    """Makes a bucket in a GCS server, and runs an expansion service that stages one jar instead of all.

    Nothing outside of this machine is asked, and no credentials are looked for.
    """
    answer = requests.post(f"{gcs}/storage/v1/b", json={"name": BUCKET}, timeout=SECONDS)
    if answer.status_code != requests.codes.conflict:
        answer.raise_for_status()
    environment = {"STORAGE_EMULATOR_HOST": gcs, "NO_GCE_CHECK": "true"}
    with (
        mock.patch.object(auth._Credentials, "_credentials_init", new=True),
        container_expansion_service(java, java.absolute() / "overrides.jar") as address,
        mock.patch.dict(os.environ, {**environment, "GOGOBE_EXPANSION_SERVICE": address}),
    ):
        yield Offline(gcs, java)
