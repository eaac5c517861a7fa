"""`make licences` reads the metadata of the installed packages and fails on one that is not accepted."""

from __future__ import annotations

from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit import licences
from audit.licences import installed, locked, package_of


def described(**fields: Any) -> Any:
    message = Message()
    message["Name"], message["Version"] = "package", "1.0"
    for name, values in fields.items():
        for value in values if isinstance(values, list) else [values]:
            message[name.replace("_", "-")] = value
    return message


@pytest.mark.parametrize(
    ("fields", "statements"),
    [
        ({"License_Expression": "MIT", "Classifier": ["Topic :: Internet"]}, (("MIT",),)),
        (
            {"License": "BSD", "Classifier": ["License :: OSI Approved :: BSD License"]},
            (("BSD",), ("BSD License",)),
        ),
        ({"License": "UNKNOWN"}, ()),
        (
            {"Classifier": ["License :: OSI Approved", "License :: DFSG approved", "License :: Public Domain"]},
            (("Public Domain",),),
        ),
        (
            {"Classifier": ["License :: OSI Approved :: MIT License", "License :: OSI Approved :: Zope"]},
            (("MIT License", "Zope"),),
        ),
        ({}, ()),
    ],
)
def test_statements_come_from_expression_text_and_classifiers(fields: dict[str, Any], statements: Any):
    assert package_of(described(**fields)).statements == statements


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder of installed packages: one free, one not, and the project itself."""
    for name, licence in (("free-one", "MIT"), ("Closed_one", "AGPL-3.0-only"), ("gogobe", "Apache-2.0")):
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        text = f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\nLicense-Expression: {licence}\n"
        (folder / "METADATA").write_text(text)
    return tmp_path


def test_packages_are_listed_once_by_name_without_the_project(site: Path):
    twice = [*metadata.distributions(path=[str(site)]), *metadata.distributions(path=[str(site)])]
    assert [one.name for one in installed(twice)] == ["Closed_one", "free-one"]


def test_a_licence_that_is_not_accepted_fails(site: Path, monkeypatch: pytest.MonkeyPatch):
    found = list(metadata.distributions(path=[str(site)]))
    monkeypatch.setattr(metadata, "distributions", lambda: found)
    done = CliRunner().invoke(licences.main)
    assert done.exit_code == 1
    assert "Closed_one 1.0: AGPL-3.0-only is not accepted" in done.stderr
    assert "free-one    1.0      MIT\n" in done.stdout
    assert done.stdout.endswith("2 Python packages: 1 not accepted (0 by an exception with a reason)\n")


def test_every_installed_package_has_an_accepted_licence():
    done = CliRunner().invoke(licences.main)
    assert done.exit_code == 0, done.output
    assert "psycopg-binary" in done.stdout


def test_the_names_of_a_lock_are_read(tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "a-b==1 \\\n    --hash=sha256:00\nC.d==2 ; sys_platform == 'win32' \\\n    --hash=sha256:11\n"
    )
    assert locked(lock) == {"a-b", "c-d"}
