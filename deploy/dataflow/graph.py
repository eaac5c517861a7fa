"""The graph of a job, as far as a job that runs depends on it: names and types of steps, coders, images.

    python -m deploy.dataflow.graph          writes graphs/JOB.json anew for each job

Dataflow updates a job in place where every step of the old graph is in the new one, under its name, and the
elements between them keep their coders. `graphs/` has the graphs of the last release, and a test compares them.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.pipeline_context import PipelineContext

from deploy.dataflow.offline import Offline, offline
from deploy.gcs import running_gcs
from gogobe.pipelines.catalogue import JOBS

FOLDER: Final = Path(__file__).with_name("graphs")
PICKLED: Final = "beam:coder:pickled_python:v1"
DOCKER: Final = "beam:env:docker:v1"

Steps = Mapping[str, Mapping[str, Any]]


def steps_of(pipeline: Any) -> dict[str, dict[str, Any]]:
    """The steps of a graph by name: type, container image with resource hints, and the coders of their
    outputs."""
    components = pipeline.components
    context = PipelineContext(components)
    inner = {child for one in components.transforms.values() for child in one.subtransforms}
    return {
        one.unique_name: {
            "type": one.spec.urn or "composite",
            "image": _environment(components, one.environment_id) if one.spec.urn else "",
            "outputs": {
                _tag(tag, number): _coder(components.coders, context, components.pcollections[name].coder_id)
                for number, (tag, name) in enumerate(sorted(one.outputs.items()))
            },
        }
        for key, one in sorted(components.transforms.items(), key=lambda item: str(item[1].unique_name))
        if key in inner
    }


def _environment(components: Any, name: str) -> str:
    """The container image of an environment, or the type of one without an image; its resource hints."""
    if not name:
        return ""
    found = components.environments[name]
    hints = [f"{urn}={value!r}" for urn, value in sorted(found.resource_hints.items())]
    return " ".join([_image(found), *hints])


def _image(environment: Any) -> str:
    if environment.urn != DOCKER:
        return str(environment.urn)
    return str(beam_runner_api_pb2.DockerPayload.FromString(environment.payload).container_image)


def _tag(tag: str, number: int) -> str:
    """An output's name; Java's generated ones differ from build to build."""
    return f"output {number}" if "#" in tag or tag.startswith("org.apache") else tag


def _coder(coders: Any, context: Any, name: str) -> str:
    coder = coders[name]
    if coder.spec.urn == PICKLED:
        return repr(context.coders.get_by_id(name))
    inner = ", ".join(_coder(coders, context, one) for one in coder.component_coder_ids)
    kind = coder.spec.urn.removeprefix("beam:coder:").removesuffix(":v1")
    return f"{kind}({inner})" if inner else kind


def problems(old: Steps, new: Steps) -> Iterator[str]:
    """Why a job with the old graph could not be updated to the new one. Steps that are added are no reason."""
    for name, step in old.items():
        found = new.get(name)
        if found is None:
            yield f"step {name!r} is missing: it was renamed or removed"
            continue
        for what in ("type", "outputs"):
            if found[what] != step[what]:
                yield f"step {name!r}: {what} was {step[what]}, and is {found[what]}"


def text_of(steps: Steps) -> str:
    """The content of a file in `graphs/`."""
    return json.dumps(steps, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


def write(built: Offline, folder: Path = FOLDER) -> None:
    """Writes the graph of every job."""
    folder.mkdir(exist_ok=True)
    for kind in JOBS:
        steps = steps_of(built.build(kind).pipeline)
        (folder / f"{kind}.json").write_text(text_of(steps), "utf-8")


if __name__ == "__main__":
    with (
        tempfile.TemporaryDirectory() as scratch,
        running_gcs(Path(scratch)) as gcs,
        offline(gcs, Path("var/java")) as local,
    ):
        write(local)
