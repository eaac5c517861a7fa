"""`deploy/install.sh` in a clean folder: what the images contain."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SENT = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `docker build` sends, in a folder of its own."""
    folder: Path = tmp_path_factory.mktemp("checkout")
    for name in SENT:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "target"))
        else:
            shutil.copy2(source, target)
    return folder


def run(command: list[str], **variables: str) -> str:
    environment = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=280, env={**environment, **variables}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.server
def test_the_class_paths_are_complete_and_the_repaired_classes_come_first(checkout: Path, tmp_path: Path):
    run(["bash", str(checkout / "deploy/install.sh"), str(tmp_path), "java", "expansion", "flink"])
    java = tmp_path / "java"
    for module, parts in (
        (
            "expansion",
            ("beam-sdks-java-harness", "beam-sdks-java-expansion-service", "beam-sdks-java-io-kafka"),
        ),
        ("flink", ("beam-runners-flink-1.19", "flink-runtime-1.19.0", "kafka-clients", "jamm")),
    ):
        names = [jar.name for jar in (java / module).glob("*.jar")]
        for part in parts:
            assert any(name.startswith(part) for name in names), part
    with zipfile.ZipFile(java / "overrides.jar") as jar:
        classes = set(jar.namelist())
    for source in (ROOT / "java" / "overrides").rglob("*.java"):
        assert str(source.relative_to(ROOT / "java" / "overrides").with_suffix(".class")) in classes
    assert "META-INF/services/org.apache.beam.sdk.expansion.ExternalTransformRegistrar" in classes
    assert list(tmp_path.iterdir()) == [java]


@pytest.mark.server
def test_the_project_is_installed_with_the_versions_of_the_lock_and_its_programs_answer(
    checkout: Path, tmp_path: Path
):
    run(["bash", str(checkout / "deploy/install.sh"), str(tmp_path), "python"])
    binaries = tmp_path / "venv" / "bin"
    assert "gogobe, version" in run([str(binaries / "gogobe"), "--version"])
    assert "--flink-master" in run([str(binaries / "gogobe"), "run", "ingest", "--help"])
    where = run([str(binaries / "python"), "-c", "import gogobe; print(gogobe.__file__)"], PYTHONSAFEPATH="1")
    assert where.startswith(str(tmp_path / "venv"))
    data = "from gogobe.chains.load import load_chains as c; from gogobe.database.migrations import schema_steps as s"
    counted = run(
        [str(binaries / "python"), "-c", f"{data}; print(len(list(c())), len(s()))"], PYTHONSAFEPATH="1"
    )
    assert int(counted.split()[1]) == len(list((checkout / "gogobe/database/schema").glob("*.sql")))
    serve = run([str(binaries / "python"), "-m", "gogobe.local.serve", "--help"])
    assert "java-worker" in serve
    installed = set(run([str(binaries / "uv"), "pip", "freeze", "--python", str(binaries / "python")]).split())
    locked = {
        line.split(" ")[0] for line in (checkout / "requirements.lock").read_text().splitlines() if "==" in line
    }
    own = {
        one for one in installed if "==" in one and not one.startswith(("pip==", "setuptools=="))
    }  # of `venv`
    assert own <= locked
    assert not any(one.startswith(("pytest==", "sphinx==", "moto==")) for one in installed)
