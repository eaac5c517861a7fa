"""The messages of the topics as typed structs, and their JSON.

Fields may be added and are never renamed; unknown fields are ignored. A message that does not validate raises
`msgspec.ValidationError`, and text that is not JSON `msgspec.DecodeError`; both are `ValueError`s. Times are
timezone-aware and written in UTC. Prices are JSON numbers, exact decimals on both sides.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from gogobe.records.rows import Item, Kind, Promotion, RefusedRow, Store

DISCOVERED: Final = "gogobe.files.discovered"
OVERFLOW: Final = "gogobe.files.overflow"
DOWNLOADED: Final = "gogobe.files.downloaded"
INGEST: Final = "gogobe.products.ingest"
DEADLETTER: Final = "gogobe.files.deadletter"
TOPICS: Final = (DISCOVERED, OVERFLOW, DOWNLOADED, INGEST, DEADLETTER)
# Chains take turns in the overflow by partition.
LEAST_PARTITIONS: Final[Mapping[str, int]] = {OVERFLOW: 32}

# The reason code of a dead letter after an unexpected exception.
INTERNAL_ERROR: Final = "internal_error"
# That of a file that kills or hangs the processes that read it.
POISON: Final = "poison"

Name = Annotated[str, msgspec.Meta(min_length=1)]
# A chain is also a folder of the object store: no path that leaves the store, and at most 252 bytes.
Chain = Annotated[str, msgspec.Meta(pattern=r"^(?!\.+\Z)[\w.-]{1,63}\Z")]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
PublishedName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class FileDiscovered(msgspec.Struct, frozen=True, omit_defaults=True):
    """An announcement: a chain's portal lists a file. `file_name` is set if the URL does not end in it.
    `s3_path` is set for a file that the object store already has: it is read from there, not downloaded from
    `url`.

    A file that comes again from the retry queue has `waiting_since`, the time of its first failure, and
    `attempts`, the number of failed attempts; `timestamp` is then the time of its first announcement.
    """

    chain: Chain
    url: Url
    timestamp: Instant
    file_name: PublishedName | None = None
    s3_path: Name | None = None
    attempts: Annotated[int, msgspec.Meta(ge=0)] = 0
    waiting_since: Instant | None = None


class WaitingFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """An announced file that its portal did not deliver, in the retry queue (the table `waiting_files`)
    until `due_at`.

    `url` is the address without its signature. `is_signed`: the announced address had a signature, so the
    file needs a new link. `host` is the host and port of the address. `attempts` counts failed attempts.
    `failed_at` is the time of the last failure, `waiting_since` that of the first.
    """

    chain: Chain
    url: Url
    file_name: PublishedName
    discovered_at: Instant
    host: str
    reason: Name
    detail: str
    is_signed: bool
    attempts: int
    waiting_since: Instant
    failed_at: Instant
    due_at: Instant


class FileDownloaded(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file in the object store. `local_path` is a hint: a worker that does not have that path reads
    `s3_path`."""

    chain: Chain
    s3_path: Name
    content_sha256: Name
    size: int
    source_url: Url
    file_name: PublishedName
    discovered_at: Instant
    downloaded_at: Instant
    local_path: str | None = None


class FileTotals(msgspec.Struct, frozen=True, omit_defaults=True):
    """The totals of a whole file, in its last batch.

    `announced` is the feed's own Count, if it has one. `read` counts the rows of the file, `refused` the rows
    among them that were not accepted. `complete` is false if the file was truncated, unreadable from some
    place on, or a PriceFull without a row; such a file ends no rows in the database. `unknown_elements`
    counts elements of rows that no table of the reader has, by path. `unit_prices_off_basis` counts published
    unit prices that differ by a power of ten from the price on the basis that the item names.
    """

    read: int
    refused: int
    complete: bool
    announced: int | None = None
    problems: list[str] = []
    unknown_elements: dict[str, int] = {}
    unit_prices_off_basis: int = 0


class IngestBatch(msgspec.Struct, omit_defaults=True):
    """Up to 500 rows of one file, in file order: `items`, `promotions` or `stores`, depending on `kind`.

    Every batch except the last of a file has exactly 500 rows. `batch_id` is
    `<content_sha256>-<reader_version>-<sequence>` with `sequence` from 0, so a retry, another worker or
    another runner makes identical batches; batches of a newer reader replace those of an older one.
    `sub_chain_id` and `store_id` have no leading zeros, as in the database's keys. `published_known` is false
    if `published_at` is the time of discovery, because no time of publication is known. `s3_path` is the
    object with the file, `masters_version` the snapshot that matched the items; None without one.
    """

    batch_id: Name
    kind: Kind
    chain: Name
    chain_id: Name
    sub_chain_id: str
    store_id: str
    file: str
    sequence: int
    last: bool
    published_at: Instant
    content_sha256: str
    source_url: str
    discovered_at: Instant
    downloaded_at: Instant
    items: list[Item] = []
    promotions: list[Promotion] = []
    stores: list[Store] = []
    refused: list[RefusedRow] = []
    totals: FileTotals | None = None
    published_known: bool = True
    reader_version: int = 1
    s3_path: str | None = None
    masters_version: str | None = None

    @property
    def is_aborted(self) -> bool:
        """Whether an unexpected exception ended the reading of the file here. The batch then has no rows; a
        batch with the same id replaces it when the file is read again."""
        return self.totals is not None and INTERNAL_ERROR in self.totals.problems


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """An element that cannot be processed, and why; small enough for any topic and table.

    `reason` is one of a short list of codes, `detail` a sentence for people, `cause` the exception, `place`
    the position in the file (byte offset, line, row or batch), `batch_id` the batch if one batch failed and
    not the whole file.

    `original` is the message as text, `original_base64` its bytes if they are not valid text. An original
    that is too large is stored as the object `original_path`, with its size in bytes and its SHA-256 (hex);
    `original` is then an excerpt. `gogobe.io.originals` reads all three forms.
    """

    stage: str
    reason: Name
    detail: str
    original: str
    failed_at: Instant
    attempts: int = 1
    cause: str | None = None
    chain: str | None = None
    source_url: str | None = None
    file: str | None = None
    content_sha256: str | None = None
    place: str | None = None
    original_base64: str | None = None
    original_path: str | None = None
    original_sha256: str | None = None
    original_size: int | None = None
    batch_id: str | None = None


_encoder = msgspec.json.Encoder(decimal_format="number")


def encode(message: Any) -> bytes:
    """A message (a struct, or a dataclass of structs) as UTF-8 JSON, the form in its topic."""
    return _encoder.encode(message)


def decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    """A reusable decoder for one message type. Its `decode(bytes)` raises ValueError for invalid messages."""
    return msgspec.json.Decoder(kind)
