"""The licences of packages are read from installed metadata and from the list of Java packages."""

from __future__ import annotations

from email.message import Message
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from audit.packages import PackagesError, java_packages, locked_names, package_of, python_packages
from audit.policy import Package


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


def test_packages_are_listed_once_by_name_without_the_project(tmp_path: Path):
    for name in ("b-package", "A_package", "gogobe"):
        folder = tmp_path / f"{name.replace('-', '_')}-1.0.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n")
    twice = [*metadata.distributions(path=[str(tmp_path)]), *metadata.distributions(path=[str(tmp_path)])]
    assert [one.name for one in python_packages(twice)] == ["A_package", "b-package"]


def test_the_names_of_a_lock_are_read(tmp_path: Path):
    lock = tmp_path / "requirements.lock"
    lock.write_text(
        "a-b==1 \\\n    --hash=sha256:00\nC.d==2 ; sys_platform == 'win32' \\\n    --hash=sha256:11\n"
    )
    assert locked_names(lock) == {"a-b", "c-d"}


def test_licences_of_a_java_package_are_a_choice(tmp_path: Path):
    file = tmp_path / "java.tsv"
    file.write_text("org.a:a\t1.0\tMIT\tLGPL 2.1\n\norg.b:b\t2-jre\tUnknown license\n")
    assert java_packages(file) == [
        Package("org.a:a", "1.0", (("MIT", "LGPL 2.1"),), is_choice=True),
        Package("org.b:b", "2-jre", (), is_choice=True),
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "has no package"), ("org.a:a\t1\tMIT\n[WARNING] text\n", r"java\.tsv:2: .*WARNING")],
)
def test_another_list_is_refused(tmp_path: Path, text: str, message: str):
    file = tmp_path / "java.tsv"
    file.write_text(text)
    with pytest.raises(PackagesError, match=message):
        java_packages(file)
