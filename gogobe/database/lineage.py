"""Data lineage: from a price, a batch, a file or an address to its file, batches and announcements."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, LiteralString

import msgspec

from gogobe.database.connection import Connection, fetch_as
from gogobe.database.ledger_files import LedgerFile, files_of
from gogobe.database.load.marks import row_in_file
from gogobe.records.addresses import public_address

BATCH_ID: Final = re.compile(r"([0-9a-f]{64})-\d{1,6}-\d{1,9}")
_HASH: Final = re.compile(r"[0-9a-f]{6,64}")
FILES_AT_MOST: Final = 5
CHANGES_AT_MOST: Final = 10


class UnknownOriginError(Exception):
    """No row matches what was asked for; the message names it and the remedy."""


class PriceChange(msgspec.Struct, frozen=True):
    """A change of a price at the time of publication `changed_at` (aware)."""

    changed_at: datetime
    old_price: Decimal
    new_price: Decimal


class TracedPrice(msgspec.Struct, kw_only=True):
    """The current price of an item in a store, in the chain's currency, with its master. `published_at` is
    the time of the file that last wrote the row, `last_seen_at` that of the newest file that lists it; `row`
    is its place in the file that wrote it, None if that file is not in the ledger."""

    chain: str
    chain_id: str
    sub_chain_id: str
    store_id: str
    store_name: str | None
    item_code: str
    name: str | None
    price: Decimal
    unit_price: Decimal | None
    published_at: datetime
    last_seen_at: datetime
    first_seen_at: datetime
    price_updated_at: datetime | None
    ended_at: datetime | None
    master_id: int | None
    match: str | None
    score: float | None
    row: int | None = None
    changes: list[PriceChange] = []


class TracedBatch(msgspec.Struct, kw_only=True):
    """A batch of a file: the rows that it holds, when it was committed, and the reader and masters snapshot
    that made it. None for unknown values."""

    batch_id: str
    sequence: int
    failed: bool
    committed_at: datetime
    first_row: int | None
    last_row: int | None
    reader_version: int
    masters_version: str | None


class TracedAddress(msgspec.Struct, kw_only=True):
    """An address under which a file's bytes were announced. If an agent found it (`agent`), `version` counts
    the changes of its content."""

    source_url: str
    file: str
    discovered_at: datetime
    downloaded_at: datetime | None = None
    seen_at: datetime | None = None
    agent: str | None = None
    announced_at: datetime | None = None
    version: int | None = None


class TracedLetter(msgspec.Struct, kw_only=True):
    """A dead letter of a file, or of one of its addresses."""

    id: str
    stage: str
    reason: str
    attempts: int
    last_failed_at: datetime
    resolved_at: datetime | None


class Trace(msgspec.Struct, kw_only=True):
    """The lineage of a price, a batch or a file. `price` and `batch` are set if the trace started there;
    `confirmed_by` is the store's newest full file, if another file wrote the price. `file` is None for an
    address with announcements or dead letters only."""

    price: TracedPrice | None = None
    batch: TracedBatch | None = None
    file: LedgerFile | None = None
    confirmed_by: LedgerFile | None = None
    batches: list[TracedBatch] = []
    addresses: list[TracedAddress] = []
    letters: list[TracedLetter] = []


_PRICES: Final[LiteralString] = """
    SELECT c.name AS chain, s.chain_id, s.sub_chain_id, s.store_id, s.name AS store_name, p.item_code, a.name,
           p.price, p.unit_price, p.published_at, greatest(p.published_at, s.prices_full_at) AS last_seen_at,
           p.first_seen_at, p.price_updated_at, p.ended_at, a.master_id, a.match, a.score,
           s.store_key, p.source_row, s.prices_full_at, s.prices_full_row
    FROM stores s
    JOIN chains c ON c.chain_id = s.chain_id
    JOIN prices p ON p.store_key = s.store_key
    LEFT JOIN master_aliases a ON a.chain_id = s.chain_id AND a.item_code = p.item_code
    WHERE (c.name = %(chain)s OR c.chain_id = %(chain)s) AND p.item_code = %(item_code)s
      AND s.store_key IN (
          SELECT store_key FROM store_identities i
          WHERE i.chain_id = c.chain_id AND i.store_id = %(store_id)s
            AND (%(sub_chain_id)s::text IS NULL OR i.sub_chain_id = %(sub_chain_id)s))
    ORDER BY s.chain_id, s.sub_chain_id
"""
_CHANGES: Final[LiteralString] = """
    SELECT changed_at, old_price, new_price FROM price_changes
    WHERE store_key = %s AND item_code = %s ORDER BY changed_at DESC LIMIT %s
"""
_OF_MOMENT: Final[LiteralString] = """
    SELECT content_sha256, published_known FROM files WHERE store_key = %s AND published_at = %s
"""
_BATCH: Final[LiteralString] = """
    SELECT batch_id, sequence, failed, committed_at, first_row, last_row, reader_version, masters_version
    FROM batches WHERE {} ORDER BY reader_version, sequence
"""
_BATCHES_OF_FILE: Final = _BATCH.replace("{}", "content_sha256 = %s AND reader_version = %s")
_BATCH_OF_ID: Final = _BATCH.replace("{}", "batch_id = %s")
_ADDRESSES: Final[LiteralString] = """
    SELECT a.source_url, a.file, a.discovered_at, a.downloaded_at, a.seen_at, b.agent,
           b.published_at AS announced_at, n.version
    FROM file_addresses a
    JOIN files f ON f.content_sha256 = a.content_sha256
    LEFT JOIN announcements n ON n.identity = sha256(
        convert_to(f.chain, 'UTF8') || '\\x00' || convert_to(a.source_url, 'UTF8') || '\\x00'
        || convert_to(a.file, 'UTF8') || '\\x00')
    LEFT JOIN announcement_batches b ON b.batch_id = n.batch_id
    WHERE a.content_sha256 = %s ORDER BY a.discovered_at
"""
_ANNOUNCED: Final[LiteralString] = """
    SELECT n.url AS source_url, n.file_name AS file, n.discovered_at, b.agent, b.published_at AS announced_at,
           n.version
    FROM announcements n LEFT JOIN announcement_batches b ON b.batch_id = n.batch_id
    WHERE n.url = %s ORDER BY n.discovered_at
"""
_LETTERS: Final[LiteralString] = """
    SELECT letter_key AS id, stage, reason, attempts, last_failed_at, resolved_at FROM dead_letters
    WHERE source_url = ANY(%(urls)s) ORDER BY last_failed_at DESC
"""
_BY_HASH: Final[LiteralString] = """
    SELECT content_sha256 FROM files WHERE content_sha256 >= %(text)s AND content_sha256 ^@ %(text)s
    ORDER BY content_sha256 LIMIT %(limit)s
"""
_BY_ADDRESS: Final[LiteralString] = """
    SELECT content_sha256 FROM (
        SELECT content_sha256, seen_at FROM file_addresses WHERE source_url = %(text)s
        UNION SELECT content_sha256, seen_at FROM files WHERE source_url = %(text)s OR object_path = %(text)s
    ) found GROUP BY content_sha256 ORDER BY max(seen_at) DESC LIMIT %(limit)s
"""
_BY_NAME: Final[LiteralString] = """
    SELECT content_sha256 FROM files WHERE file = %(text)s ORDER BY seen_at DESC LIMIT %(limit)s
"""


def trace_price(
    connection: Connection, chain: str, store_id: str, item_code: str, sub_chain_id: str | None = None
) -> list[Trace]:
    """The price of an item in a store, given by chain (name or ChainId), store number and, if several
    sub-chains use the number, sub-chain; one trace per store. Raises UnknownOriginError."""
    values = {"chain": chain, "store_id": store_id, "item_code": item_code, "sub_chain_id": sub_chain_id}
    found = connection.execute(_PRICES, values).fetchall()
    if not found:
        raise UnknownOriginError(
            f"no price of code {item_code} in store {store_id} of {chain}: numbers of stores have no leading "
            "zeros here, and codes are as published; `gogobe files --chain` shows the stores that have files"
        )
    return [_trace_price(connection, row) for row in found]


def _trace_price(connection: Connection, row: tuple[Any, ...]) -> Trace:
    *fields, store_key, source_row, full_at, full_row = row
    price = TracedPrice(**dict(zip(TracedPrice.__struct_fields__, fields, strict=False)))
    values = (store_key, price.item_code, CHANGES_AT_MOST)
    price.changes = fetch_as(connection, PriceChange, _CHANGES, values)
    sha, price.row = _writer(connection, store_key, price.published_at, source_row)
    trace = _of_file(connection, sha) if sha else Trace()
    trace.price = price
    if price.row is not None:
        trace.batch = next(
            (one for one in trace.batches if (one.first_row or 0) <= price.row <= (one.last_row or -1)), None
        )
    if full_at is not None:
        full, _ = _writer(connection, store_key, full_at, full_row)
        if full and full != sha:
            trace.confirmed_by = next(iter(files_of(connection, [full])), None)
    return trace


def _writer(
    connection: Connection, store_key: int, published_at: datetime, source_row: int
) -> tuple[str | None, int | None]:
    """The file that wrote a row of a store, and the row's place in it."""
    for sha, known in connection.execute(_OF_MOMENT, (store_key, published_at)):
        row = row_in_file(source_row, sha, published_known=known)
        if row is not None:
            return sha, row
    return None, None


def trace_text(connection: Connection, text: str) -> list[Trace]:
    """The files that a text identifies: a batch id, the start of a SHA-256, an address, an object's path or a
    file name; latest first. Raises UnknownOriginError."""
    if BATCH_ID.fullmatch(text):
        return [_trace_batch(connection, text)]
    text = public_address(text)
    statements = [_BY_ADDRESS] if "/" in text else [_BY_NAME]
    if _HASH.fullmatch(text):
        statements.insert(0, _BY_HASH)
    for statement in statements:
        values = {"text": text, "limit": FILES_AT_MOST}
        if hashes := [row[0] for row in connection.execute(statement, values)]:
            traces = {sha: _of_file(connection, sha) for sha in hashes}
            return [traces[sha] for sha in hashes]
    trace = Trace(
        addresses=fetch_as(connection, TracedAddress, _ANNOUNCED, (text,)),
        letters=fetch_as(connection, TracedLetter, _LETTERS, {"urls": [text]}),
    )
    if trace.addresses or trace.letters:
        return [trace]
    raise UnknownOriginError(
        f"nothing is known of {text!r}: give a batch's id, a file's SHA-256 (six digits or more), name, "
        "address or object's path, or for a price CHAIN/STORE and CODE"
    )


def _trace_batch(connection: Connection, batch_id: str) -> Trace:
    found = fetch_as(connection, TracedBatch, _BATCH_OF_ID, (batch_id,))
    if not found:
        raise UnknownOriginError(
            f"no batch {batch_id} was loaded: `gogobe trace {batch_id[:12]}` shows its file"
        )
    trace = _of_file(connection, batch_id[:64])
    trace.batch = found[0]
    return trace


def _of_file(connection: Connection, sha: str) -> Trace:
    file = next(iter(files_of(connection, [sha])), None)
    if file is None:
        return Trace()
    addresses = fetch_as(connection, TracedAddress, _ADDRESSES, (sha,))
    urls = [one.source_url for one in addresses]
    return Trace(
        file=file,
        batches=fetch_as(connection, TracedBatch, _BATCHES_OF_FILE, (sha, file.reader_version)),
        addresses=addresses,
        letters=fetch_as(connection, TracedLetter, _LETTERS, {"urls": urls}),
    )
