"""The manifests of `deploy/flink`, read, and merged as kustomize merges them."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

FLINK = Path(__file__).parents[3] / "deploy" / "flink"
BASE = FLINK / "base"
OVERLAYS = sorted((FLINK / "overlays").iterdir())
Manifest = dict[str, Any]


def read(file: Path) -> list[Manifest]:
    """The documents of a file."""
    return [one for one in yaml.safe_load_all(file.read_text("utf-8")) if one is not None]


def kustomization(folder: Path) -> Manifest:
    (found,) = read(folder / "kustomization.yaml")
    return found


def base() -> dict[tuple[str, str], Manifest]:
    """The objects of the base by kind and name."""
    documents = [one for file in kustomization(BASE)["resources"] for one in read(BASE / file)]
    return {(one["kind"], one["metadata"]["name"]): one for one in documents}


def rendered(overlay: Path) -> dict[tuple[str, str], Manifest]:
    """The objects of an overlay: the base with its patches. Raises KeyError for a patch without an object."""
    objects = copy.deepcopy(base())
    for patch in kustomization(overlay)["patches"]:
        for change in read(overlay / patch["path"]):
            key = (change["kind"], change["metadata"]["name"])
            objects[key] = merged(objects[key], change)
    return objects


def merged(value: Any, change: Any) -> Any:
    """A mapping with another over it. Raises AssertionError for a list: kustomize replaces it in some kinds and
    merges it in others."""
    assert not isinstance(change, list), change
    if not isinstance(change, dict):
        return change
    return {**value, **{name: merged(value.get(name), one) for name, one in change.items()}}


def settings(folder: Path, name: str = "settings") -> dict[str, str]:
    """The variables of `settings.env`, or of another file."""
    lines = (folder / f"{name}.env").read_text("utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines)


def pods(manifest: Manifest) -> Iterator[Manifest]:
    """The pod specifications within an object."""
    spec = manifest.get("spec", {})
    match manifest["kind"]:
        case "FlinkDeployment":
            yield from (spec[part]["podTemplate"]["spec"] for part in ("jobManager", "taskManager"))
        case "CronJob":
            yield spec["jobTemplate"]["spec"]["template"]["spec"]
        case "Job" | "Deployment":
            yield spec["template"]["spec"]


def containers(manifest: Manifest) -> Iterator[Manifest]:
    """All containers of an object, side-cars too."""
    for pod in pods(manifest):
        yield from pod.get("initContainers", ())
        yield from pod["containers"]
