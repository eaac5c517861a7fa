"""The stores of a transaction: looked up by published name, locked while the transaction writes.

A loader caches which row a name means, so most transactions need no query for it. Another loader's evidence
may change the meaning of a name; `lock_stores` detects that, and the transaction is repeated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from gogobe.database.connection import Connection, Cursor
from gogobe.database.load.identities import Evidence, Identity, decide
from gogobe.database.load.marks import Mark, file_row_base
from gogobe.database.load.store_ids import StoreId, described_store_id, store_id_of
from gogobe.database.load.subjects import Subject
from gogobe.records.messages import IngestBatch


class StoreMovedError(psycopg.OperationalError):
    """A cached name means another row now, or a file moved to another store. Transient: the transaction is
    repeated with the current state of the database."""


@dataclass(frozen=True)
class LockedStore:
    """A store whose row this transaction has locked. `full`: the marks of its newest complete full files, those
    that the transaction completes included."""

    store_key: int
    full: dict[Subject, Mark | None]

    def is_outdated(self, subject: Subject, mark: Mark) -> bool:
        """Whether the store has a complete full file that is newer than `mark`."""
        newest = self.full[subject]
        return newest is not None and mark < newest


@dataclass(frozen=True)
class BatchStores:
    """The stores of some batches. `sold`: the key of the store of a batch of prices or promotions, by batch
    id. `identities`: all stores, including stores that Stores files describe.
    """

    sold: Mapping[str, int]
    identities: Sequence[Identity]


_ADD_CHAIN: Final = """
    INSERT INTO chains (chain_id, name) VALUES (%s, %s) ON CONFLICT (chain_id) DO NOTHING
"""

# The stores of files that are read again are locked too: the older reading's rows may be another store's.
_LOCK: Final = """
    SELECT store_key, identity_version, prices_full_at, prices_full_row, promotions_full_at, promotions_full_row
    FROM stores
    WHERE store_key = ANY(%s::integer[] || ARRAY(
        SELECT f.store_key FROM unnest(%s::text[], %s::integer[]) AS batch (content_sha256, reader_version)
        JOIN files f ON f.content_sha256 = batch.content_sha256 AND f.reader_version < batch.reader_version))
    ORDER BY store_key FOR NO KEY UPDATE
"""


class StoreKeys:
    """One loader's cache of the rows of `stores` by published name."""

    def __init__(self) -> None:
        self._known: dict[StoreId, Identity] = {}
        self._chains: set[str] = set()

    def ensure(self, connection: Connection, batches: Sequence[IngestBatch]) -> BatchStores:
        """Returns the stores of the batches; inserts new chains and stores.

        New evidence is added in a short transaction of its own, because the loaders of a chain wait for each
        other in it and must not hold other locks meanwhile. A store without prices is harmless if the load
        fails afterwards.
        """
        evidence = _evidence(batches)
        names = {batch.chain_id: batch.chain for batch in batches if batch.chain_id not in self._chains}
        new = {store for store, one in evidence.items() if not self._knows(store, one)}
        if names or new:
            with connection.transaction(), connection.cursor() as cursor:
                for chain_id in sorted(names):
                    cursor.execute(_ADD_CHAIN, (chain_id, names[chain_id]))
                decided = decide(cursor, {store: evidence[store] for store in new}) if new else {}
            self._known.update(decided)
            self._chains.update(names)
        return self._of_batches(batches, evidence)

    def _knows(self, store: StoreId, evidence: Evidence) -> bool:
        known = self._known.get(store)
        return known is not None and known.knows(evidence)

    def _of_batches(self, batches: Iterable[IngestBatch], stores: Iterable[StoreId]) -> BatchStores:
        sold = {
            batch.batch_id: self._known[store_id_of(batch)].store_key
            for batch in batches
            if batch.kind != "stores"
        }
        return BatchStores(sold, [self._known[store] for store in stores])


def _evidence(batches: Iterable[IngestBatch]) -> dict[StoreId, Evidence]:
    """The evidence that the batches contain about names of stores."""
    evidence: dict[StoreId, Evidence] = {}
    for batch in batches:
        if batch.kind == "stores":
            # Without the reader's version: two readings of a file are one list.
            base = file_row_base(batch.content_sha256, published_known=batch.published_known)
            listed = Evidence(listed=(batch.published_at, base))
            for row in batch.stores:
                store = described_store_id(batch, row)
                evidence[store] = evidence.get(store, Evidence()) | listed
        else:
            store = store_id_of(batch)
            evidence[store] = evidence.get(store, Evidence()) | Evidence(is_sold=True)
    return evidence


# The stores that an older reading of a Stores file describes.
_DESCRIBED: Final = """
    SELECT DISTINCT i.store_key
    FROM unnest(%s::text[], %s::integer[]) AS batch (content_sha256, reader_version)
    JOIN files f ON f.content_sha256 = batch.content_sha256 AND f.reader_version < batch.reader_version
    JOIN store_descriptions d ON d.chain_id = f.chain_id AND f.published_at IN (d.first_at, d.last_at)
    JOIN store_identities i
         ON i.chain_id = d.chain_id AND i.store_id = d.store_id AND i.sub_chain_id = d.sub_chain_id
"""


def lock_stores(
    cursor: Cursor, identities: Iterable[Identity], batches: Sequence[IngestBatch] = ()
) -> dict[int, LockedStore]:
    """Locks the stores' rows until the commit, in the order of their keys, so that loaders neither write the
    prices or promotions of one store concurrently nor deadlock.

    Also locks the stores of older readings that `batches` replace. Raises StoreMovedError if a name means
    another row than `identities` says.
    """
    versions = {one.store_key: one.version for one in identities}
    files = {batch.content_sha256: batch.reader_version for batch in batches}
    keys = set(versions)
    if any(batch.kind == "stores" for batch in batches):
        cursor.execute(_DESCRIBED, (list(files), list(files.values())))
        keys |= {key for (key,) in cursor.fetchall()}
    cursor.execute(_LOCK, (sorted(keys), list(files), list(files.values())))
    rows = cursor.fetchall()
    if {row[0]: row[1] for row in rows if row[0] in versions} != versions:
        raise StoreMovedError("a store of these batches moved: its names are looked up again")
    return {
        key: LockedStore(
            key,
            {
                "prices": None if prices_at is None else (prices_at, prices_row),
                "promotions": None if promotions_at is None else (promotions_at, promotions_row),
            },
        )
        for key, _, prices_at, prices_row, promotions_at, promotions_row in rows
    }
