"""Finds the excerpt of a stored file that a dead letter is about."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from gogobe.database.connection import Connection
from gogobe.database.letters import Letter
from gogobe.feeds.fragments import Fragment, Place, fragment_at
from gogobe.io.objects import ObjectStore, OutsideStoreError, content_key, store_errors

_PLACE: Final = re.compile(r"(byte|line|row|batch) (\d{1,15})")
# Offsets of this reason count decompressed bytes; those of others count bytes of the published file.
_DECOMPRESSED: Final = "bad_encoding"
_OBJECT: Final = "SELECT object_path FROM files WHERE content_sha256 = %s"
_FIRST_ROW: Final = "SELECT first_row FROM batches WHERE batch_id = %s"


class FragmentError(Exception):
    """Why there is no excerpt of a file; the message is a clause."""


class _Original(msgspec.Struct):
    """The fields of all stages' originals that locate the object."""

    s3_path: str | None = None
    items: list[dict[str, Any]] = []
    promotions: list[dict[str, Any]] = []


def fragment_of(connection: Connection, letter: Letter, store: ObjectStore) -> Fragment:
    """The excerpt of the letter's file around its position, or the beginning of the file. Raises
    FragmentError."""
    path = _object_of(connection, letter, store)
    if path is None:
        raise FragmentError("the file was never stored")
    try:
        with store.open(path) as source:
            found = fragment_at(source, _place_of(connection, letter))
    except FileNotFoundError as error:
        raise FragmentError(f"{path} is not in the store") from error
    except OutsideStoreError as error:
        raise FragmentError(str(error)) from error
    except store_errors() as error:
        raise FragmentError(f"{path} cannot be read: {error}") from error
    if found is None:
        raise FragmentError(f"{path} is empty")
    return found


def _object_of(connection: Connection, letter: Letter, store: ObjectStore) -> str | None:
    if path := _original_of(letter).s3_path:
        return path
    if letter.content_sha256 is None:
        return None
    row = connection.execute(_OBJECT, (letter.content_sha256,)).fetchone()
    if row is not None and row[0]:
        return str(row[0])
    return store.path_of(content_key(letter.chain or "", letter.content_sha256, letter.file or ""))


def _original_of(letter: Letter) -> _Original:
    try:
        return msgspec.json.decode(letter.original or "{}", type=_Original)
    except (msgspec.MsgspecError, ValueError):  # an excerpt, or no message at all
        return _Original()


def _place_of(connection: Connection, letter: Letter) -> Place:
    places = {name: int(number) for name, number in _PLACE.findall(letter.place or "")}
    row = places.get("row")
    if letter.batch_id is not None:
        rows = [*_original_of(letter).items, *_original_of(letter).promotions]
        found = connection.execute(_FIRST_ROW, (letter.batch_id,)).fetchone()
        row = found[0] if found and found[0] else next((one.get("row") for one in rows), None)
    return Place(places.get("byte"), places.get("line"), row, decompressed=letter.reason == _DECOMPRESSED)
