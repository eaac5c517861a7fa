"""The originals of dead letters: in the letter if they fit, otherwise in the object store.

An original in the store is content-addressed like a raw file, so a message that fails again is stored once.
"""

from __future__ import annotations

import base64
import hashlib
import tempfile
from pathlib import Path

from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DeadLetter


class OriginalLostError(Exception):
    """An original that the store does not have, or not unchanged; the message has the path."""


def original_key(sha256: str) -> str:
    """The key of an original below the store's root."""
    return f"originals/{sha256[:2]}/{sha256}"


def put_original(original: bytes, store: ObjectStore) -> tuple[str, str]:
    """Stores an original; returns its path and its SHA-256 (hex). Raises one of `store_errors()`."""
    sha256 = hashlib.sha256(original).hexdigest()
    with tempfile.NamedTemporaryFile(prefix="gogobe-original-") as part:
        part.write(original)
        part.flush()
        return store.put(original_key(sha256), Path(part.name)), sha256


def original_of(letter: DeadLetter, store: ObjectStore) -> bytes:
    """The whole original of a dead letter, for display or replay.

    Raises OriginalLostError if the store does not have it unchanged, otherwise one of `store_errors()`.
    """
    if letter.original_path is None:
        encoded = letter.original_base64
        return letter.original.encode() if encoded is None else base64.b64decode(encoded)
    try:
        with store.open(letter.original_path) as source:
            original = source.read()
    except FileNotFoundError as error:
        raise OriginalLostError(f"{letter.original_path}: the store has no such object") from error
    found = hashlib.sha256(original).hexdigest()
    if found != letter.original_sha256:
        raise OriginalLostError(f"{letter.original_path}: has SHA-256 {found}, not {letter.original_sha256}")
    return original
