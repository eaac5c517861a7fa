"""Which licences are accepted: `policy.toml`, and the judgement of one package by it.

A Python package states its licence in up to three places: an SPDX expression (PEP 639), a text, classifiers.
The first one that can be read as an SPDX expression counts. Several classifiers count as a conjunction, since
metadata does not say whether they are a choice. Several licences of a Maven POM are a choice
(https://maven.apache.org/pom.html#Licenses).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import msgspec
from license_expression import ExpressionError, Licensing, get_spdx_licensing
from packaging.utils import canonicalize_name

POLICY: Final = Path(__file__).with_name("policy.toml")


class PolicyError(ValueError):
    """An invalid policy file; the message has the file and the place."""


@dataclass(frozen=True)
class Package:
    """An installed package. `statements`: the places where it names its licence, the most exact first; each
    has the names of licences that all apply, or of which the user chooses one (`is_choice`)."""

    name: str
    version: str
    statements: tuple[tuple[str, ...], ...]
    is_choice: bool = False

    @property
    def stated(self) -> str:
        """Its own words, for messages."""
        return "; ".join(", ".join(names) for names in self.statements) or "none"


@dataclass(frozen=True)
class Verdict:
    """A package's licence as an SPDX expression (or in its own words, if they cannot be read as one).
    `exception`: the reason for which a licence is accepted that is not allowed in general."""

    package: Package
    licence: str
    is_accepted: bool
    exception: str = ""


class Exemption(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A licence of some packages, with the reason why it is accepted or known."""

    packages: tuple[str, ...]
    licence: str
    reason: str


class Advisory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An advisory that is not reported, with the reason."""

    id: str
    reason: str


class PolicyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The contents of `policy.toml`."""

    allowed: tuple[str, ...]
    names: dict[str, str] = {}
    exceptions: tuple[Exemption, ...] = ()
    unnamed: tuple[Exemption, ...] = ()
    advisories: tuple[Advisory, ...] = ()


@dataclass(frozen=True)
class Policy:
    """Judges packages by the contents of a policy file."""

    file: PolicyFile

    def judge(self, package: Package) -> Verdict:
        """The licence of a package and whether it is accepted."""
        tree = self._tree(package)
        licence = tree.render() if tree is not None else package.stated
        exception = _of(package, self.file.exceptions)
        if exception is not None and exception.licence == licence:
            return Verdict(package, licence, True, exception.reason)
        return Verdict(package, licence, tree is not None and self._is_allowed(tree))

    @cached_property
    def _licensing(self) -> Licensing:
        return get_spdx_licensing()

    @cached_property
    def _names(self) -> Mapping[str, str]:
        return {_folded(name): expression for name, expression in self.file.names.items()}

    def _tree(self, package: Package) -> Any:
        """The licence as a tree of the license-expression library; None if no statement can be read."""
        statements = package.statements
        if not statements and (known := _of(package, self.file.unnamed)):
            statements = ((known.licence,),)
        for names in statements:
            trees = [self.parsed(name) for name in names]
            if trees and None not in trees:
                joined = self._licensing.OR if package.is_choice else self._licensing.AND
                return trees[0] if len(trees) == 1 else joined(*trees).simplify()
        return None

    def parsed(self, name: str) -> Any:
        """A name or SPDX expression as a tree of the license-expression library; None if it is neither."""
        try:
            return self._licensing.parse(self._names.get(_folded(name), name), validate=True)
        except ExpressionError:
            return None

    def _is_allowed(self, tree: Any) -> bool:
        if isinstance(tree, self._licensing.AND):
            return all(map(self._is_allowed, tree.args))
        if isinstance(tree, self._licensing.OR):
            return any(map(self._is_allowed, tree.args))
        return tree.render() in self.file.allowed


def load_policy(file: Path = POLICY) -> Policy:
    """Reads a policy file. Raises PolicyError for a file that is none, or that names an unknown SPDX id."""
    try:
        policy = Policy(msgspec.toml.decode(file.read_bytes(), type=PolicyFile))
    except (OSError, msgspec.DecodeError) as error:
        raise PolicyError(f"{file}: {error}") from error
    unnamed = [one.licence for one in policy.file.unnamed]
    for licence in (*policy.file.allowed, *policy.file.names.values(), *unnamed):
        if policy.parsed(licence) is None:
            raise PolicyError(f"{file}: {licence!r} is not an SPDX id or expression")
    return policy


def _of(package: Package, exemptions: Sequence[Exemption]) -> Exemption | None:
    name = canonicalize_name(package.name)
    return next((one for one in exemptions if name in map(canonicalize_name, one.packages)), None)


def _folded(name: str) -> str:
    return " ".join(name.split()).casefold()
