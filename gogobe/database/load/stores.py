"""The stores of a load: their rows by the names in its batches, and held while it writes.

A loader remembers which row a name means, so that most loads need not ask. What it remembers may be overtaken
by another loader's evidence; `lock_stores` notices, and the loader asks again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import psycopg

from gogobe.database.connection import Connection, Cursor
from gogobe.database.load.identities import Evidence, Identity, StoreId, decide
from gogobe.database.load.ledger import Subject
from gogobe.database.load.marks import Mark, file_row_base
from gogobe.feeds.names import normal_store_id
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Store


class StoreMovedError(psycopg.OperationalError):
    """A name means another row than the loader remembers. Transient: asked again, the loader knows."""


@dataclass(frozen=True)
class LockedStore:
    """A store whose row this transaction holds; the newest complete full files, where there are any."""

    store_key: int
    full: Mapping[Subject, Mark | None]

    def is_outdated(self, subject: Subject, mark: Mark) -> bool:
        """Whether a newer complete full file has already said what the store has."""
        newest = self.full[subject]
        return newest is not None and mark < newest


@dataclass(frozen=True)
class BatchStores:
    """The rows of `stores` of a load's batches, by batch id: the one that a batch of prices or promotions is
    about, and those that a batch of a Stores file describes, in its rows' order. `identities` are all of
    them."""

    sold: Mapping[str, int]
    described: Mapping[str, Sequence[int]]
    identities: Sequence[Identity]


_ADD_CHAIN: Final = """
    INSERT INTO chains (chain_id, name) VALUES (%s, %s) ON CONFLICT (chain_id) DO NOTHING
"""

_LOCK: Final = """
    SELECT store_key, identity_version, prices_full_at, prices_full_row, promotions_full_at, promotions_full_row
    FROM stores WHERE store_key = ANY(%s) ORDER BY store_key FOR NO KEY UPDATE
"""


def store_id_of(batch: IngestBatch) -> StoreId:
    """The store that a batch of prices or promotions is about."""
    return StoreId(batch.chain_id, batch.sub_chain_id, batch.store_id)


def described_store_id(batch: IngestBatch, row: Store) -> StoreId:
    """The store that a row of a Stores file describes, in the batch's chain (rows may spell it otherwise)."""
    sub_chain_id = normal_store_id(row.sub_chain_id or batch.sub_chain_id or "0")
    return StoreId(batch.chain_id, sub_chain_id, normal_store_id(row.store_id))


class StoreKeys:
    """The rows of stores by published name, remembered by one loader."""

    def __init__(self) -> None:
        self._known: dict[StoreId, Identity] = {}
        self._chains: set[str] = set()

    def ensure(self, connection: Connection, batches: Sequence[IngestBatch]) -> BatchStores:
        """The rows of all stores that the batches are about or describe; chains and stores that are new are
        added.

        This is a short transaction of its own, so that nothing else is held while others may be adding the same
        stores: a chain's loaders take turns in it. A store without prices does no harm if the load then fails.
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
        sold: dict[str, int] = {}
        described: dict[str, Sequence[int]] = {}
        for batch in batches:
            if batch.kind == "stores":
                ids = [described_store_id(batch, row) for row in batch.stores]
                described[batch.batch_id] = [self._known[store].store_key for store in ids]
            else:
                sold[batch.batch_id] = self._known[store_id_of(batch)].store_key
        return BatchStores(sold, described, [self._known[store] for store in stores])


def _evidence(batches: Iterable[IngestBatch]) -> dict[StoreId, Evidence]:
    """What the batches say of names of stores."""
    evidence: dict[StoreId, Evidence] = {}
    for batch in batches:
        if batch.kind == "stores":
            # Without the reader's version: what two readings of a file list, one file lists.
            base = file_row_base(batch.content_sha256, published_known=batch.published_known)
            listed = Evidence(listed=(batch.published_at, base))
            for row in batch.stores:
                store = described_store_id(batch, row)
                evidence[store] = evidence.get(store, Evidence()) | listed
        else:
            store = store_id_of(batch)
            evidence[store] = evidence.get(store, Evidence()) | Evidence(is_sold=True)
    return evidence


def lock_stores(cursor: Cursor, identities: Iterable[Identity]) -> dict[int, LockedStore]:
    """Holds the stores' rows until the commit, in the order of their keys: whoever writes a store's prices or
    promotions holds it first, so no other does meanwhile, and no two loaders wait for each other.

    Raises StoreMovedError where a name means another row by now.
    """
    versions = {one.store_key: one.version for one in identities}
    cursor.execute(_LOCK, (sorted(versions),))
    rows = cursor.fetchall()
    if {row[0]: row[1] for row in rows} != versions:
        raise StoreMovedError("a store of this load has moved: its files are sorted anew")
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
