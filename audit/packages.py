"""The installed packages and their licences: from metadata of Python packages and POMs of Java packages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Final

from packaging.utils import canonicalize_name

from audit.policy import Package

OWN: Final = "gogobe"
UNKNOWN: Final = ("", "UNKNOWN", "Unknown license")
"""Texts for no licence: of setuptools and of license-maven-plugin."""


class PackagesError(ValueError):
    """A list of packages that cannot be read; the message has the file and the line."""


def python_packages(distributions: Iterable[metadata.Distribution]) -> list[Package]:
    """The packages of an environment by name, without the project itself. Of a name found twice, the first
    counts, as in an import."""
    packages: dict[str, Package] = {}
    for one in distributions:
        if canonicalize_name(one.metadata["Name"]) != OWN:
            packages.setdefault(canonicalize_name(one.metadata["Name"]), package_of(one.metadata))
    return [packages[name] for name in sorted(packages)]


def package_of(described: metadata.PackageMetadata) -> Package:
    """A package from its core metadata: `License-Expression`, the text `License`, classifiers."""
    parts = (one.split(" :: ") for one in described.get_all("Classifier") or [])
    # "License :: OSI Approved" alone names no licence, and neither does "DFSG approved".
    classifiers = tuple(one[-1] for one in parts if one[0] == "License" and "approved" not in one[-1].lower())
    texts = [text for field in ("License-Expression", "License") for text in described.get_all(field) or []]
    named = [(text.strip(),) for text in texts if text.strip() not in UNKNOWN]
    return Package(described["Name"], described["Version"], (*named, *([classifiers] if classifiers else [])))


def locked_names(lock: Path) -> set[str]:
    """The names of a lock's packages, for every platform."""
    return {canonicalize_name(name) for name in re.findall(r"^([\w.-]+)==", lock.read_text("utf-8"), re.M)}


def java_packages(file: Path) -> list[Package]:
    """The packages of a list that `java/licences.ftl` makes: GROUP:ARTIFACT, version and licences of a line,
    between tabs. Raises PackagesError for another line, and for a list without packages."""
    packages = []
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        if not line.strip():
            continue
        name, *rest = line.split("\t")
        if not rest or name.count(":") != 1:
            raise PackagesError(f"{file}:{number}: no package, version and licences: {line!r}")
        licences = tuple(text for text in rest[1:] if text.strip() not in UNKNOWN)
        packages.append(Package(name, rest[0], (licences,) if licences else (), is_choice=True))
    if not packages:
        raise PackagesError(f"{file} has no package: remove it and run `make licences`")
    return packages
