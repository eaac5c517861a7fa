"""The sources of settings: flags, `GOGOBE_…` variables and a TOML file, merged by precedence."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from gogobe.io.kafka.options import KafkaOptions
from gogobe.secrets import FORMS, secrets_of
from gogobe.settings.checks import SettingsError, consistent, converted, databases_of
from gogobe.settings.definitions import DATABASES, PREFIX, TABLE, Settings


def load_settings(
    flags: Mapping[str, Any],
    environment: Mapping[str, str] = os.environ,
    file: Path | None = None,
    defaults: Mapping[str, Any] = MappingProxyType({}),
) -> Settings:
    """Settings from flags (None: not given), `GOGOBE_…` variables and a TOML file, in that order.

    `defaults` take the place of the settings' own. `file` defaults to `$GOGOBE_CONFIG`, otherwise to
    `gogobe.toml` if it exists. Raises SettingsError for unknown names, for invalid or contradictory values, and
    for a secret's value in a flag.
    """
    named = file or (Path(environment["GOGOBE_CONFIG"]) if environment.get("GOGOBE_CONFIG") else None)
    merged: dict[str, Any] = dict(defaults)
    for source in (
        _from_file(named or Path("gogobe.toml"), must_exist=named is not None),
        _from_environment(environment),
        _from_flags(flags),
    ):
        merged = _over(merged, source)
    return consistent(converted(merged, "settings"))


def _over(lower: Mapping[str, Any], upper: Mapping[str, Any]) -> dict[str, Any]:
    """Merges two sources; `upper` has precedence. Options of Kafka merge by name. An address without password
    or options replaces the lower address with its password or options, which are another server's; `database`
    replaces the addresses of the loader and the reader too."""
    kept = dict(lower)
    for name in DATABASES:
        if name in upper:
            kept.pop(f"{name}_password", None)
        if "database" in upper:
            kept.pop(name, None)
            kept.pop(f"{name}_password", None)
    if "kafka" in upper and TABLE not in upper:
        kept.pop(TABLE, None)
    options = {**kept.get(TABLE, {}), **upper.get(TABLE, {})}
    return {**kept, **upper, TABLE: options}


def _from_file(file: Path, *, must_exist: bool) -> Mapping[str, Any]:
    if not must_exist and not file.exists():
        return {}
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read as TOML: {error}") from error
    options = values.pop(TABLE, {})
    flat = _flat(values, "_", str(file))
    if options:
        flat[TABLE] = _flat(options, ".", str(file)) if isinstance(options, dict) else options
    converted(flat, str(file))
    return flat


def _flat(table: Mapping[str, Any], joint: str, where: str) -> dict[str, Any]:
    """Flattens nested tables: `{"views": {"every": 5}}` becomes `{"views_every": 5}`."""
    flat: dict[str, Any] = {}
    for name, value in table.items():
        inner = _flat(value, joint, where) if isinstance(value, dict) else {"": value}
        for rest, one in inner.items():
            full = f"{name}{joint}{rest}" if rest else name
            if full in flat:
                raise SettingsError(f"{where}: {full} is set twice")
            flat[full] = one
    return flat


def _from_environment(environment: Mapping[str, str]) -> Mapping[str, Any]:
    where = f"environment ({PREFIX}…)"
    values: dict[str, Any] = {
        name: environment[f"{PREFIX}{name.upper()}"]
        for name in Settings.__struct_fields__
        if f"{PREFIX}{name.upper()}" in environment
    }
    options = _options(values.pop(TABLE, "") or "{}", where)
    known = {field.name: field.encode_name for field in msgspec.structs.fields(KafkaOptions)}
    prefix = f"{PREFIX}{TABLE.upper()}_"
    for variable, value in environment.items():
        if variable.startswith(prefix):
            name = variable.removeprefix(prefix).lower()
            options[known.get(name, name)] = value
    if options:
        values[TABLE] = options
    converted(values, where)
    return values


def _from_flags(flags: Mapping[str, Any]) -> Mapping[str, Any]:
    values = {name: value for name, value in flags.items() if value is not None}
    if TABLE in values:
        values[TABLE] = _options(values[TABLE], "flags")
    settings = converted(values, "flags")
    given = [name for name, secret in secrets_of(settings) if secret.reference is None]
    given += [f"{name}_password" for name, one in databases_of(settings).items() if one.password is not None]
    if given:
        variable = f"{PREFIX}{given[0].upper().replace('.', '_')}"
        raise SettingsError(
            f"flags: {given[0]} is a value, which the process list shows to other users: give it in {variable} "
            f"or gogobe.toml, or as a reference, {FORMS}"
        )
    return values


def _options(text: Any, where: str) -> dict[str, Any]:
    """Options from a table or from JSON."""
    if not isinstance(text, str):
        return dict(text)
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise SettingsError(f"{where}: {TABLE} is not a JSON object: {error}") from error
