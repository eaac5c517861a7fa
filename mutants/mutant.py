"""A mutant: one mechanism taken out of the code, as a replacement of one piece of text in one file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

CATALOGUE: Final = Path(__file__).with_name("catalogue.toml")


class CatalogueError(Exception):
    """An entry of the catalogue that does not fit the code; the message names it and says what to change."""


class Mutant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`name` says which mechanism is taken out, `promise` what rests on it. In `file`, `old` (which occurs
    once) becomes `new`; one of the `tests` (pytest's ids) has to fail then."""

    name: str
    promise: str
    file: str
    old: str
    new: str
    tests: list[str]

    def applied(self, content: str) -> str:
        """The file's content with the mechanism taken out. Raises CatalogueError."""
        count = content.count(self.old)
        if count != 1:
            raise CatalogueError(
                f"{self.name}: {self.file} has the text of `old` {count} times, not once; "
                "the code has changed: change the entry with it"
            )
        return content.replace(self.old, self.new)


class _Catalogue(msgspec.Struct, forbid_unknown_fields=True):
    mutant: list[Mutant]


def load_mutants(file: Path = CATALOGUE) -> Sequence[Mutant]:
    """All mutants of the catalogue. Raises CatalogueError."""
    try:
        mutants = msgspec.toml.decode(file.read_bytes(), type=_Catalogue).mutant
    except msgspec.DecodeError as error:
        raise CatalogueError(f"{file}: {error}") from error
    names = [one.name for one in mutants]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise CatalogueError(f"{file}: more than one entry of the name {', '.join(twice)}")
    return mutants
