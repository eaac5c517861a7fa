"""The topics' messages, typed, and their JSON.

Named fields are fixed; others may be added, never renamed; unknown fields are ignored. What does not validate
raises `msgspec.ValidationError` (or `msgspec.DecodeError` where it is not JSON at all): both are `ValueError`s.
Times are timezone-aware and written in UTC; prices are JSON numbers, exact decimals on both sides.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from gogobe.records.rows import Item, Kind, Promotion, RefusedRow, Store

DISCOVERED: Final = "gogobe.files.discovered"
DOWNLOADED: Final = "gogobe.files.downloaded"
INGEST: Final = "gogobe.products.ingest"
DEADLETTER: Final = "gogobe.files.deadletter"
TOPICS: Final = (DISCOVERED, DOWNLOADED, INGEST, DEADLETTER)

# The reason of a dead letter for which no other was foreseen.
INTERNAL_ERROR: Final = "internal_error"

Name = Annotated[str, msgspec.Meta(min_length=1)]
# A chain names a folder of the store: never one that leads out of it, and at most 252 bytes.
Chain = Annotated[str, msgspec.Meta(pattern=r"^(?!\.+\Z)[\w.-]{1,63}\Z")]
Url = Annotated[str, msgspec.Meta(min_length=1, max_length=2048, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
PublishedName = Annotated[str, msgspec.Meta(max_length=255, pattern=r"^[^\x00-\x1f\x7f]*\Z")]
Instant = Annotated[datetime, msgspec.Meta(tz=True)]


class FileDiscovered(msgspec.Struct, frozen=True, omit_defaults=True):
    """A chain's portal lists a file. `file_name` is given where the URL does not end in it. `s3_path` is given
    for a file that is in the object store already: it is read from there, and not downloaded from `url`.

    A file that comes again from the waiting place has `waiting_since`, the time of its first failure, and
    `attempts`, the attempts that failed until now; `timestamp` is that of its first announcement.
    """

    chain: Chain
    url: Url
    timestamp: Instant
    file_name: PublishedName | None = None
    s3_path: Name | None = None
    attempts: Annotated[int, msgspec.Meta(ge=0)] = 0
    waiting_since: Instant | None = None


class WaitingFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """An announced file that its portal did not give, in the waiting place (the table `waiting_files`) until
    `due_at`.

    `url` is the address without its signature; `is_signed` says that the announced one had one, so the file
    needs a new link. `host` is the address's host and port. `attempts` counts failed attempts, `failed_at` is
    when the file was handed to the waiting place the last time, `waiting_since` the first time.
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
    """A file in the object store. `local_path` is a hint: a worker without that file reads `s3_path`."""

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
    """What a whole file held; its last batch carries it. `announced` is the feed's own Count, if it has one;
    `read` counts the rows of the file, `refused` those of them that were not taken. `complete` is
    false when the file was cut short, unreadable from some place on, or a PriceFull without a row: such a file
    ends nothing. `unknown_elements` counts elements of rows that no table of the reader knows, by path.
    `unit_prices_off_basis` counts published unit prices that are a power of ten off the basis that they
    name."""

    read: int
    refused: int
    complete: bool
    announced: int | None = None
    problems: list[str] = []
    unknown_elements: dict[str, int] = {}
    unit_prices_off_basis: int = 0


class IngestBatch(msgspec.Struct, omit_defaults=True):
    """Up to 500 rows of one file, in file order: `items`, `promotions` or `stores`, as `kind` says.

    Every batch but a file's last holds exactly 500. `batch_id` is
    `<content_sha256>-<reader_version>-<sequence>`, sequence from 0, so a retry, another worker or another
    runner makes the very same batches; a newer reader's replace those of an older. Ids of sub-chain and store
    are without leading zeros, as the database keys them. `published_known` is false where `published_at` is the
    time of discovery, for want of a better one. `s3_path` is the object that holds the file, `masters_version`
    the snapshot that matched the items; None where there is none.
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
    def is_broken_off(self) -> bool:
        """Whether the reading of the file ended here with an unforeseen error; the batch is then without rows,
        and another with the same id comes when the file is read again."""
        return self.totals is not None and INTERNAL_ERROR in self.totals.problems


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """An input that cannot go on, and why: small enough for any topic and table.

    `reason` is a code from a short list, `detail` a sentence for people, `cause` the error behind it, `place`
    where in the file (byte offset, line, row or batch), `batch_id` the batch where one failed and not the file.
    `original` is the message as it came, as text; `original_base64` its bytes where the text does not hold
    them. One that is too large is in the object store, at `original_path`, with its size in bytes and its
    SHA-256 (hex); `original` is then an excerpt. `gogobe.io.originals` reads all three.
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
    """A message (a struct, or a dataclass of them) as its topic holds it: UTF-8 JSON."""
    return _encoder.encode(message)


def decoder(kind: type[Any]) -> msgspec.json.Decoder[Any]:
    """A reusable decoder for one message type; its `decode(bytes)` raises ValueError on what is not valid."""
    return msgspec.json.Decoder(kind)
