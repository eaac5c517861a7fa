"""Converts dead letters back to records of the topics from which they failed. Plain functions, no step of a
pipeline.

A message goes to the topic of its kind. The job `ingest` reads announcements only: if no job reads the topic
of downloaded files or batches, the file is announced as one that the object store already has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from gogobe.feeds.ordering import store_of
from gogobe.io.objects import ObjectStore, content_key
from gogobe.io.originals import original_of
from gogobe.records.messages import (
    DISCOVERED,
    DOWNLOADED,
    INGEST,
    DeadLetter,
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
    decoder,
    encode,
)
from gogobe.transforms import publish
from gogobe.transforms.publish import MAX_VALUE_BYTES, keyed_batch, keyed_downloaded

Message = FileDiscovered | FileDownloaded | IngestBatch

# The most specific type first, because unknown fields are ignored.
_DECODERS: Final = tuple(decoder(kind) for kind in (IngestBatch, FileDownloaded, FileDiscovered))
_EXPECTED: Final = re.compile(r"not a (FileDiscovered|FileDownloaded|IngestBatch)\b")
_KINDS: Final[dict[str, type[Any]]] = {
    kind.__name__: kind for kind in (FileDiscovered, FileDownloaded, IngestBatch)
}
_PORTALS: Final = ("http://", "https://")


class CannotReplayError(Exception):
    """A dead letter that cannot be converted to a message; the message has the reason and the alternative."""


@dataclass(frozen=True)
class Replay:
    """A record to publish. `ends_letter`: its publication closes the letter, because no later load does."""

    topic: str
    key: bytes
    value: bytes
    ends_letter: bool = False


def replay_of(letter: DeadLetter, store: ObjectStore, is_read: Callable[[str], bool]) -> Replay:
    """The record to publish for a dead letter. `is_read` returns whether a job reads a topic.

    If the chain of the letter differs from that of the message, the chain was renamed, and the letter's
    counts. Raises CannotReplayError; OriginalLostError or one of `store_errors()` if the store does not have
    the original.
    """
    message = _message_of(letter, original_of(letter, store))
    if letter.chain and letter.chain != message.chain:
        message = msgspec.structs.replace(message, chain=letter.chain)
    if letter.stage == publish.STAGE:
        return _of_its_topic(message, ends_letter=True)
    if isinstance(message, FileDiscovered) or is_read(_topic_of(message)):
        return _of_its_topic(message, ends_letter=letter.source_url is None)
    return _of_its_topic(announcement_of(message, store), ends_letter=False)


def announcement_of(message: FileDownloaded | IngestBatch, store: ObjectStore) -> FileDiscovered:
    """An announcement of the file of a message: as a stored object, or, if the store no longer has it, by its
    address. Raises CannotReplayError, one of `store_errors()`."""
    if isinstance(message, FileDownloaded):
        file_name, path = message.file_name, message.s3_path
    else:
        file_name = message.file
        path = message.s3_path or store.path_of(content_key(message.chain, message.content_sha256, file_name))
    announced = FileDiscovered(message.chain, message.source_url, message.discovered_at, file_name, path)
    if store.has(path):
        return announced
    if message.source_url.startswith(_PORTALS):
        return msgspec.structs.replace(announced, s3_path=None)
    raise CannotReplayError(
        f"{path} is not in the store, and {message.source_url} is not downloaded: announce the file again"
    )


def _message_of(letter: DeadLetter, original: bytes) -> Message:
    if letter.stage == "decode":
        return _decoded_again(letter, original)
    for one in _DECODERS:
        try:
            message: Message = one.decode(original)
        except (ValueError, RecursionError):
            continue
        return message
    raise CannotReplayError(
        f"the original of this letter of stage {letter.stage} is no message about a file; where it is about "
        "one, `gogobe announce` has it read again"
    )


def _decoded_again(letter: DeadLetter, original: bytes) -> Message:
    """A message that was invalid when it was read. Raises CannotReplayError if it still is."""
    expected = _EXPECTED.match(letter.detail)
    kind = _KINDS[expected[1]] if expected else FileDiscovered
    try:
        message: Message = decoder(kind).decode(original)
    except (ValueError, RecursionError) as error:
        raise CannotReplayError(
            f"it is still no {kind.__name__}: {error}; announce the file itself, and drop the letter"
        ) from error
    return message


def _topic_of(message: Message) -> str:
    if isinstance(message, FileDiscovered):
        return DISCOVERED
    return DOWNLOADED if isinstance(message, FileDownloaded) else INGEST


def _of_its_topic(message: Message, *, ends_letter: bool) -> Replay:
    if isinstance(message, FileDiscovered):
        key, value = store_of(message).encode(), encode(message)
    elif isinstance(message, FileDownloaded):
        key, value = keyed_downloaded(message)
    else:
        key, value = keyed_batch(message)
    if len(value) > MAX_VALUE_BYTES:
        raise CannotReplayError(
            f"{len(value):,} bytes are too many for a message: `gogobe replay` reads the stored file again"
        )
    return Replay(_topic_of(message), key, value, ends_letter)
