"""`make licences` prints a table of packages and fails on a licence that is not accepted."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.licences import main


def checked(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def install(monkeypatch: pytest.MonkeyPatch, site: Path, **licences: str) -> None:
    """Replaces the environment by one of these packages."""
    for name, licence in licences.items():
        folder = site / f"{name}-1.0.dist-info"
        folder.mkdir()
        text = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n"
        (folder / "METADATA").write_text(text)
    found = list(metadata.distributions(path=[str(site)]))
    monkeypatch.setattr(metadata, "distributions", lambda: found)


def test_a_licence_that_is_not_accepted_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(monkeypatch, tmp_path, free_one="MIT", closed_one="AGPL-3.0-only")
    done = checked()
    assert done.exit_code == 1
    assert "closed_one 1.0: AGPL-3.0-only is not accepted: replace the package" in done.stderr
    assert "free_one        1.0      MIT\n" in done.stdout
    assert done.stdout.endswith("2 Python packages: 1 not accepted (0 by an exception with a reason)\n")


def test_java_packages_are_judged_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    install(monkeypatch, tmp_path, psycopg="LGPL-3.0-only")
    java = tmp_path / "java.tsv"
    java.write_text("org.a:a\t1\tGPL-3.0-only\tThe MIT License\n")
    done = checked("--java", str(java))
    assert (done.exit_code, done.stderr) == (0, "")
    assert "org.a:a       1        GPL-3.0-only OR MIT\n" in done.stdout
    assert done.stdout.splitlines()[-2:] == [
        "1 Python packages: every licence allows commercial use (1 by an exception with a reason)",
        "1 Java packages: every licence allows commercial use (0 by an exception with a reason)",
    ]
    java.write_text("org.a:a\t1\tGPL-3.0-only\n")
    done = checked("--java", str(java))
    assert (done.exit_code, "org.a:a 1: GPL-3.0-only is not accepted" in done.stderr) == (1, True)


def test_a_list_without_java_packages_is_no_success(tmp_path: Path):
    (tmp_path / "java.tsv").write_text("")
    done = checked("--java", str(tmp_path / "java.tsv"))
    assert (done.exit_code, "java.tsv has no package" in done.stderr) == (1, True)


def test_every_installed_package_has_an_accepted_licence():
    done = checked()
    assert done.exit_code == 0, done.output
    assert "psycopg-binary" in done.stdout
