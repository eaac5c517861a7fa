"""The distributions have every file of the package: `pip install .` brings feeds, schema and chains along."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def package_files() -> set[str]:
    files = (
        file for file in (ROOT / "gogobe").rglob("*") if file.is_file() and "__pycache__" not in file.parts
    )
    return {str(file.relative_to(ROOT)) for file in files}


@pytest.mark.slow
def test_sdist_and_wheel_have_all_files(tmp_path: Path):
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source)
    shutil.copytree(ROOT / "gogobe", source / "gogobe", ignore=shutil.ignore_patterns("__pycache__"))
    uv = Path(sys.executable).with_name("uv")
    built = subprocess.run(
        [str(uv), "build", "--quiet", "--out-dir", str(tmp_path / "dist"), str(source)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    (sdist,) = (tmp_path / "dist").glob("*.tar.gz")
    with zipfile.ZipFile(wheel) as archive:
        in_wheel = {name for name in archive.namelist() if name.startswith("gogobe/")}
        (entry_points,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "gogobe = gogobe.cli:main" in archive.read(entry_points).decode()
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert in_wheel == package_files()
    assert package_files() | {"pyproject.toml", "setup.py", "README.md", "LICENSE"} <= names
    assert "gogobe/chains/chains.toml" in in_wheel
