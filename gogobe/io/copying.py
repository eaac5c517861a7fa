"""Copies announced files from a folder or a bucket, if it is below one that the settings allow."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import BinaryIO, Final
from urllib.parse import unquote, urlsplit

from gogobe.io.body import Body
from gogobe.io.exchange import Answer, Rules
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.objects import open_address, store_errors
from gogobe.records.addresses import has_credentials, public_address

CHUNK_BYTES: Final = 1 << 20
SCHEMES: Final = ("file", "s3", "gs")


def copy_file(url: str, target: Path, rules: Rules, until: float) -> Answer:
    """Copies the file at an address to `target`, until the monotonic time `until` at the latest.

    Raises FetchError: `forbidden_address` for an address below none of the allowed folders, `not_found`,
    `forbidden`, `too_large`, `too_slow`, `unreachable`. Raises OSError for a failure of this machine.
    """
    shown = public_address(url)
    place = _place_of(url, rules.settings)
    try:
        source = open_address(place, rules.settings.endpoint or None)
    except FileNotFoundError as error:
        raise FetchError("not_found", f"{shown}: there is no such file") from error
    except (PermissionError, IsADirectoryError, NotADirectoryError) as error:
        raise FetchError("forbidden", f"{shown}: {error}") from error
    except Exception as error:
        raise _unreachable(shown, error) from error
    with source, target.open("wb") as file:
        return _copy(source, file, shown, rules, until)


def _copy(source: BinaryIO, file: BinaryIO, shown: str, rules: Rules, until: float) -> Answer:
    settings, body = rules.settings, Body(file)
    while True:
        try:
            chunk = source.read(CHUNK_BYTES)
        except Exception as error:
            raise _unreachable(shown, error) from error
        if not chunk:
            return Answer(200, "", None, body.end(), body.start)
        if body.size + len(chunk) > settings.max_bytes:
            raise FetchError("too_large", f"{shown}: more than {settings.max_bytes} bytes")
        if time.monotonic() > until or rules.is_cancelled():
            raise FetchError("too_slow", f"{shown}: {body.size} bytes came, and no end in time", transient=True)
        body.take(chunk)


def _place_of(url: str, settings: FetchSettings) -> str:
    """The path or object of an address, if it is below an allowed folder or bucket. Raises FetchError."""
    shown = public_address(url)
    if has_credentials(url):
        raise FetchError("credentials_in_url", f"{shown}: the address carried a user or a password")
    if not url.startswith("file:"):
        allowed = any(url.startswith(f"{folder.rstrip('/')}/") for folder in settings.folders)
        place = url
    else:
        parts = urlsplit(url)
        place = os.path.realpath(unquote(parts.path))  # with links resolved
        roots = [os.path.realpath(folder) for folder in settings.folders if "://" not in folder]
        is_local = parts.netloc in ("", "localhost") and "\0" not in place
        allowed = is_local and any(os.path.commonpath([place, root]) == root for root in roots)
        if allowed and Path(place).exists() and not Path(place).is_file():
            raise FetchError("forbidden", f"{shown}: it is no regular file")
    if not allowed or "/../" in f"{url}/":
        raise FetchError(
            "forbidden_address", f"{shown}: it is below none of the places that the setting fetch_folders lists"
        )
    return place


def _unreachable(shown: str, error: Exception) -> Exception:
    """The exception for an error of a bucket: `unreachable` for an outage of the cloud, otherwise the error
    itself."""
    if isinstance(error, store_errors()):
        return FetchError("unreachable", f"{shown}: {type(error).__name__}: {error}", transient=True)
    return error
