"""The Kubernetes manifests: valid by their schemas, and naming what exists."""

from __future__ import annotations

import gzip
import importlib.util
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import kubernetes_validate
import pytest
import yaml

from gogobe.local.flink_services import ADD_OPENS, COMMON_SETTINGS
from gogobe.secrets import secrets_of
from gogobe.settings import load_settings
from tests.deploy.flink.manifests import (
    BASE,
    FLINK,
    OVERLAYS,
    Manifest,
    base,
    containers,
    kustomization,
    pods,
    rendered,
    settings,
)
from tests.docs.commands import check

ROOT = FLINK.parents[1]
KUBERNETES = "1.31"
CRD = Path(__file__).parent / "data" / "flinkdeployments.flink.apache.org-v1.yml.gz"
OBJECTS = base()
PLACES = [BASE, *OVERLAYS]


def strict(schema: Any) -> Any:
    """A schema of a CustomResourceDefinition that refuses unknown fields, as the API server prunes them."""
    if isinstance(schema, list):
        return [strict(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(one) for name, one in schema.items()}
    is_closed = "properties" in made and not made.get("x-kubernetes-preserve-unknown-fields")
    if is_closed and isinstance(made["properties"], dict):
        made.setdefault("additionalProperties", False)
    return made


@pytest.fixture(scope="module")
def flink_schema() -> Any:
    definition = yaml.load(gzip.decompress(CRD.read_bytes()), Loader=yaml.CSafeLoader)
    (version,) = [one for one in definition["spec"]["versions"] if one["name"] == "v1beta1"]
    schema = strict(version["schema"]["openAPIV3Schema"])
    top = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    schema["properties"] = {**schema["properties"], **top}
    return schema


def of(place: Path) -> dict[tuple[str, str], Manifest]:
    return OBJECTS if place == BASE else rendered(place)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_every_object_is_valid(place: Path, flink_schema: Any):
    objects = of(place)
    assert len(objects) >= 7
    for (kind, _), manifest in objects.items():
        if kind == "FlinkDeployment":
            jsonschema.Draft202012Validator(flink_schema).validate(manifest)
        else:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
        for pod in pods(manifest):
            as_pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}, "spec": pod}
            if kind != "FlinkDeployment":
                kubernetes_validate.validate(as_pod, KUBERNETES, strict=True)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "flinkVersions"), "v1_19"),
        (("spec", "flinkVersion"), "v9_9"),
        (("spec", "taskManager", "podTemplate", "spec", "containers"), [{"nam": "x"}]),
        (("spec", "taskManager", "replicas"), "two"),
    ],
)
def test_a_wrong_field_of_flink_s_is_noticed(flink_schema: Any, path: tuple[str, ...], value: Any):
    wrong = yaml.safe_load(yaml.safe_dump(OBJECTS["FlinkDeployment", "gogobe"]))
    place = wrong
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(flink_schema).validate(wrong)


def test_a_wrong_field_of_kubernetes_own_is_noticed():
    wrong = yaml.safe_load(yaml.safe_dump(OBJECTS["Deployment", "gogobe-crawl"]))
    wrong["spec"]["template"]["spec"]["containers"][0]["livenesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, KUBERNETES, strict=True)


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_a_kustomization_names_files_and_objects_that_exist(place: Path):
    found = kustomization(place)
    for name in (*found["resources"], *(one["path"] for one in found.get("patches", ()))):
        assert (place / name).exists(), name
    for name in found.get("configurations", ()):
        assert (place / name).is_file()
    generated = {one["name"]: one["envs"] for one in found["configMapGenerator"]}
    assert generated == {"gogobe-settings": ["settings.env"], "gogobe-owner": ["owner.env"]}
    used = {one["image"] for manifest in OBJECTS.values() for one in containers(manifest) if "image" in one}
    used.add(OBJECTS["FlinkDeployment", "gogobe"]["spec"]["image"])
    assert used == {"gogobe-flink", "gogobe-worker"}
    if place != BASE:
        assert {one["name"] for one in found["images"]} == used


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.name)
def test_settings_are_valid_and_hold_no_secret(place: Path):
    environment = {**settings(BASE), **settings(place)}
    loaded = load_settings({}, environment)
    assert [secret.reference for _, secret in secrets_of(loaded)] == [
        "secret://file/run/secrets/gogobe/database"
    ]
    for name in environment:
        assert name.removeprefix("GOGOBE_").lower() in type(loaded).__struct_fields__
    owner = load_settings({}, {**environment, **settings(BASE, "owner"), **settings(place, "owner")})
    assert {secret.reference for _, secret in secrets_of(owner)} == {
        "secret://file/run/secrets/gogobe/database",
        "secret://file/run/secrets/gogobe-owner/database",
        "secret://file/run/secrets/gogobe-owner/reader",
    }
    assert owner.as_loader() == loaded, "workers have the loader's address"
    assert [role.name for role in owner.database_roles] == ["gogobe_loader", "gogobe_reader"]


def test_only_what_migrates_has_the_owner_s_secret():
    named = {
        name
        for (_, name), manifest in OBJECTS.items()
        for pod in pods(manifest)
        if any(one.get("secret", {}).get("secretName") == "gogobe-owner" for one in pod.get("volumes", ()))
    }
    assert named == {"gogobe-ingest", "gogobe-retention"}


def test_every_container_has_resources_probes_and_known_volumes():
    for manifest in OBJECTS.values():
        for pod in pods(manifest):
            volumes = {one["name"] for one in pod.get("volumes", ())}
            for one in (*pod.get("initContainers", ()), *pod["containers"]):
                assert {mount["name"] for mount in one.get("volumeMounts", ())} <= volumes, one["name"]
                is_flink = one["name"] == "flink-main-container"
                if not is_flink:
                    assert {"requests", "limits"} <= set(one["resources"]), one["name"]
                stays = one["name"] in ("python-workers", "java-worker", "agent", "expansion")
                assert ("startupProbe" in one) == stays, one["name"]


def test_no_manifest_has_a_secret():
    for manifest in OBJECTS.values():
        assert manifest["kind"] != "Secret"
        for one in containers(manifest):
            for variable in one.get("env", ()):
                assert not re.search("PASSWORD|SECRET|TOKEN|KEY", variable["name"]) or "valueFrom" in variable


def test_commands_and_ports_are_those_of_the_code():
    ran = set()
    ports = {}
    for manifest in OBJECTS.values():
        for one in containers(manifest):
            if "args" in one:
                check(" ".join(one["args"]), is_whole=True)
                ran.add(one["args"][0])
            elif "command" in one:
                assert one["command"][:2] == ["python", "-m"]
                assert importlib.util.find_spec(one["command"][2]) is not None
            if "startupProbe" in one:
                (port,) = re.findall(r"127\.0\.0\.1/(\d+)", str(one["startupProbe"]))
                assert port in " ".join(one.get("command") or one["args"]), one["name"]
                ports[one["name"]] = port
    assert ran == {"run", "crawl", "masters", "retention"}
    submit = " ".join(next(containers(OBJECTS["Job", "gogobe-ingest"]))["command"])
    assert f"expansion {ports['expansion']} --java-worker {ports['java-worker']}" in submit
    assert settings(BASE)["GOGOBE_EXPANSION_SERVICE"] == f"127.0.0.1:{ports['expansion']}"
    args = OBJECTS["Job", "gogobe-ingest"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"--worker-pool=localhost:{ports['python-workers']}" in args
    assert "--flink-master=gogobe-rest:8081" in args


def test_flink_is_set_as_the_local_cluster_is():
    flink = OBJECTS["FlinkDeployment", "gogobe"]["spec"]["flinkConfiguration"]
    of_one_machine = re.compile(r"rest\.|.*\.(bind-)?host$")
    expected = {name: str(value) for name, value in COMMON_SETTINGS.items() if not of_one_machine.match(name)}
    assert {name: flink.get(name) for name in expected} == expected
    assert set(ADD_OPENS) <= set(flink["env.java.opts.all"].split())


def test_slots_are_as_many_as_the_job_asks_for():
    spec = OBJECTS["FlinkDeployment", "gogobe"]["spec"]
    slots = spec["taskManager"]["replicas"] * int(spec["flinkConfiguration"]["taskmanager.numberOfTaskSlots"])
    args = OBJECTS["Job", "gogobe-ingest"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert f"--parallelism={slots}" in args


def test_versions_are_those_of_the_project():
    pom = ElementTree.parse(ROOT / "java" / "pom.xml").getroot()
    flink = pom.findtext(".//{*}flink.version") or ""
    dockerfile = (ROOT / "Dockerfile.flink").read_text("utf-8")
    assert f"FROM flink:{flink}-java17" in dockerfile
    assert set(re.findall(r"1\.\d+\.\d+", dockerfile)) == {flink}
    version = OBJECTS["FlinkDeployment", "gogobe"]["spec"]["flinkVersion"]
    assert version == "v" + "_".join(flink.split(".")[:2])
