"""The Dockerfiles, and the script that does their work."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILES = ("Dockerfile.flink", "deploy/dataflow/Dockerfile")


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("hadolint")
    command = [str(program), "--config", str(ROOT / ".hadolint.yaml"), str(file)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", DOCKERFILES)
def test_a_dockerfile_has_no_finding(name: str):
    checked = hadolint(ROOT / name)
    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_fault_of_a_dockerfile_is_found(tmp_path: Path):
    (tmp_path / "Dockerfile").write_text("FROM debian:latest\nRUN cd /tmp && sudo true\n")
    checked = hadolint(tmp_path / "Dockerfile")
    assert checked.returncode == 1
    assert {"DL3007", "DL3004"} <= set(re.findall(r"DL\d+", checked.stdout))


@pytest.mark.parametrize("name", DOCKERFILES)
def test_what_is_copied_into_an_image_exists_and_is_sent_to_the_builder(name: str):
    sent = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert all((ROOT / one).exists() for one in sent)
    text = (ROOT / name).read_text("utf-8")
    copied = [one.split()[0] for one in re.findall(r"^COPY (?!--from)(.*)$", text, re.M)]
    assert copied
    for one in copied:
        assert one == "." or any(one == there or one.startswith(f"{there}/") for there in sent), one


def test_images_have_the_versions_of_the_project():
    pinned = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    (beam,) = [one.partition("==")[2] for one in pinned if one.startswith("apache-beam")]
    text = (ROOT / "deploy/dataflow/Dockerfile").read_text("utf-8")
    assert f"FROM apache/beam_python3.11_sdk:{beam} AS sdk" in text
    for name in DOCKERFILES:
        assert set(re.findall(r"FROM python:([\d.]+)", (ROOT / name).read_text("utf-8"))) == {"3.11"}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_an_image_is_made_by_the_script(name: str):
    text = (ROOT / name).read_text("utf-8")
    steps = re.findall(r"^RUN deploy/install\.sh /opt/gogobe (\w+)(.*)$", text, re.M)
    assert {part for part, _ in steps} == {"java", "python"}
    for module in " ".join(rest for part, rest in steps if part == "java").split():
        assert (ROOT / "java" / module / "pom.xml").is_file()
