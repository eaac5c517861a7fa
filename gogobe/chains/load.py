"""Reads `chains.toml`: the bundled file, and a user's file that changes and extends it."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gogobe.chains.chain import Chain, Chains, normal_key
from gogobe.chains.portal import PageLayout, PortalSettings
from gogobe.records.messages import Chain as ChainKey
from gogobe.secrets import decode_secret

BUNDLED: Final = Path(__file__).parent / "chains.toml"
_PLACE: Final = re.compile(r" - at `\$\.?([^`]*)`$")
_FIELD: Final = re.compile(r"field `([^`]+)`|^(\w+): ")


class ChainsFileError(ValueError):
    """A chains file that cannot be read; the message has file, chain, field and the valid values."""


def load_chains(path: Path | str | None = None) -> Chains:
    """The bundled chains, changed and extended by the file at `path`, if given.

    A table with the key of a bundled chain replaces the fields that it contains and keeps the others. A table
    with another key adds a chain. Raises ChainsFileError.

    >>> load_chains().get("rami-levy").name()
    'Rami Levy'
    """
    merged = _convert(BUNDLED, _tables(BUNDLED), {})
    if path:
        merged |= _convert(Path(path), _tables(Path(path)), merged)
    return Chains(merged.values())


def _tables(file: Path) -> Mapping[str, Mapping[str, Any]]:
    """The tables below `chains`, by key as written. Raises ChainsFileError."""
    try:
        content = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ChainsFileError(f"{file}: cannot be read as TOML: {error}") from error
    for name in content:
        if name != "chains":
            raise ChainsFileError(f"{file}: {name!r} is not known here; a chain is a table [chains.KEY]")
    tables = content.get("chains", {})
    if not isinstance(tables, dict) or not all(isinstance(table, dict) for table in tables.values()):
        raise ChainsFileError(f"{file}: a chain is a table [chains.KEY] with its fields below it")
    return tables


def _convert(
    file: Path, tables: Mapping[str, Mapping[str, Any]], known: Mapping[str, Chain]
) -> dict[str, Chain]:
    """The chains of a file by normal key, each over the chain of the same key in `known`."""
    chains: dict[str, Chain] = {}
    for key, table in tables.items():
        normal = normal_key(key)
        if not _is_key(key):
            raise ChainsFileError(
                f"{file}: [chains.{key}]: a key has 1 to 63 characters: letters or digits, `-`, `_` and `.`"
            )
        if normal in chains:
            raise ChainsFileError(
                f"{file}: [chains.{key}] is [chains.{chains[normal].key}] again; case, `-`, `_` and `.` do "
                "not distinguish keys: keep one of them"
            )
        if "key" in table:
            raise ChainsFileError(
                f"{file}: [chains.{key}]: the key is the table's name; remove the field `key`"
            )
        before = known.get(normal)
        fields = {**msgspec.structs.asdict(before), **table} if before else {**table, "key": key}
        chains[normal] = _chain(file, key, fields)
    return chains


def _is_key(key: str) -> bool:
    """Whether a key is valid as `chain` in messages."""
    try:
        msgspec.convert(key, ChainKey)
    except msgspec.ValidationError:
        return False
    return bool(normal_key(key))


def _chain(file: Path, key: str, fields: Mapping[str, Any]) -> Chain:
    try:
        return msgspec.convert(fields, Chain, dec_hook=decode_secret)
    except msgspec.ValidationError as error:
        raise ChainsFileError(f"{file}: [chains.{key}]: {_explained(str(error))}") from error


def _explained(error: str) -> str:
    """msgspec's message, with the name of the field first and its description last."""
    place = _PLACE.search(error)
    path = [part.partition("[")[0] for part in place[1].split(".")] if place else []
    meanings = _descriptions(_struct_at(place[1] if place else ""))
    named = _FIELD.search(error)
    name = (named[1] or named[2]) if named else next((part for part in reversed(path) if part in meanings), "")
    said = error if error.startswith(f"{name}: ") else f"{name}: {error}"
    if name in meanings:
        return f"{said}; it holds {meanings[name]}"
    nearest = difflib.get_close_matches(name, meanings, n=1)
    remedy = f"did you mean {nearest[0]}?" if nearest else f"the fields are {', '.join(meanings)}"
    return f"{said}; {remedy}"


def _struct_at(place: str) -> type[msgspec.Struct]:
    """The struct that an error's path leads to."""
    if ".html" in place:
        return PageLayout
    return PortalSettings if "portals[" in place else Chain


def _descriptions(struct: type[msgspec.Struct]) -> dict[str, str]:
    """The description of each field of a struct, by name."""
    found = {}
    for field in msgspec.inspect.type_info(struct).fields:  # type: ignore[attr-defined]
        schema = getattr(field.type, "extra_json_schema", None) or {}
        if field.name != "key":
            found[field.name] = str(schema.get("description", "a value of another type"))
    return found
