"""Settings: flags over environment over one TOML file over what is built in.

Every setting has one name: `views_every` in `gogobe.toml`, `GOGOBE_VIEWS_EVERY` in the environment,
`--views-every` as a flag of the CLI and `--views_every` as an option of the pipelines.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec


def _help(text: str, at_least: float | None = None) -> msgspec.Meta:
    return msgspec.Meta(description=text, ge=at_least)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the pipelines and commands are told from outside. Times in seconds. Addresses that are empty are
    filled from the running local stack (`gogobe up`)."""

    kafka: Annotated[str, _help("Kafka bootstrap servers, HOST:PORT[,HOST:PORT…].")] = ""
    database: Annotated[str, _help("PostgreSQL or CockroachDB, postgresql://….")] = ""
    expansion_service: Annotated[str, _help("Beam's Java expansion service, HOST:PORT.")] = ""
    store: Annotated[str, _help("Object store for raw files: a folder, s3://… or gs://….")] = "var/store"
    store_endpoint: Annotated[str, _help("S3 or GCS server other than the cloud's own.")] = ""
    chains: Annotated[str, _help("File that changes and extends the bundled chains.toml.")] = ""
    masters: Annotated[str, _help("Where masters snapshots lie: a folder, s3://… or gs://….")] = "var/masters"
    masters_cache: Annotated[str, _help("Folder for fetched snapshots; a temporary one unless given.")] = ""
    masters_every: Annotated[float, _help("How often a worker looks for a newer snapshot.", 1)] = 30.0
    group: Annotated[str, _help("Kafka consumer group of the pipeline.")] = "gogobe-ingest"
    commit_batches: Annotated[int, _help("Batches in one commit, at most.", 1)] = 20
    commit_seconds: Annotated[float, _help("How long a batch may wait for its commit.", 0)] = 2.0
    views_every: Annotated[float, _help("Materialized views are refreshed at most this often.", 1)] = 10.0
    fetch_attempts: Annotated[int, _help("Attempts at a download before its dead letter.", 1)] = 4
    fetch_deadline: Annotated[float, _help("Bound of one attempt, lookup to last byte.", 1)] = 120.0
    fetch_total: Annotated[float, _help("Bound of all attempts at one file.", 1)] = 300.0
    fetch_threads: Annotated[int, _help("Downloads at once in one worker.", 1)] = 8
    fetch_per_host: Annotated[int, _help("Downloads at once from one host in one worker.", 1)] = 4
    fetch_hosts: Annotated[str, _help("Hosts and networks to download from though they are not public.")] = ""
    fetch_insecure_redirects: Annotated[bool, _help("Whether a redirect may lead from https to http.")] = False
    fetch_user_agent: Annotated[str, _help("User-Agent of downloads; some portals want a browser's.")] = (
        "gogobe"
    )


class SettingsError(ValueError):
    """A setting that cannot be read; the message names where it stands and what it should be."""


def load_settings(
    flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ, file: Path | None = None
) -> Settings:
    """Settings from flags (None: not given), `GOGOBE_…` variables and a TOML file, in that order.

    `file` defaults to `$GOGOBE_CONFIG`, else `gogobe.toml` where there is one. Raises SettingsError on unknown
    names and on values that do not fit.
    """
    named = file or (Path(environment["GOGOBE_CONFIG"]) if environment.get("GOGOBE_CONFIG") else None)
    merged: dict[str, Any] = {}
    merged |= _from_file(named or Path("gogobe.toml"), must_exist=named is not None)
    merged |= _from_environment(environment)
    merged |= {name: value for name, value in flags.items() if value is not None}
    return _convert(merged, "flags")


def _convert(values: Mapping[str, Any], where: str) -> Settings:
    try:
        return msgspec.convert(values, Settings, strict=False)
    except msgspec.ValidationError as error:
        names = ", ".join(Settings.__struct_fields__)
        raise SettingsError(f"{where}: {error}. The settings are: {names}") from error


def _from_file(file: Path, *, must_exist: bool) -> Mapping[str, Any]:
    if not must_exist and not file.exists():
        return {}
    try:
        values = tomllib.loads(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{file}: cannot be read as TOML: {error}") from error
    _convert(values, str(file))
    return values


def _from_environment(environment: Mapping[str, str]) -> Mapping[str, Any]:
    values = {
        name: environment[f"GOGOBE_{name.upper()}"]
        for name in Settings.__struct_fields__
        if f"GOGOBE_{name.upper()}" in environment
    }
    _convert(values, "environment (GOGOBE_…)")
    return values
