"""Stores: found or made for price files, and described by the chain's Stores files.

A store's natural key is chain, sub-chain and store id. Price files and Stores files do not always agree on
the sub-chain. The rule: the exact key first; else, when the chain has one store of that id, it is that one,
provided that a Stores file tells of it and price files do not, or the other way round; else it is a store of
its own. A store that was found this way takes the sub-chain of the Stores file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from gogobe.database.connection import Connection, Cursor
from gogobe.database.load.ledger import Subject, Taken
from gogobe.database.load.marks import Mark, recency, source_row
from gogobe.feeds.names import normal_store_id
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Store


@dataclass(frozen=True, order=True)
class StoreId:
    """A store's natural key; ids without leading zeros."""

    chain_id: str
    sub_chain_id: str
    store_id: str


@dataclass(frozen=True)
class LockedStore:
    """A store whose row this transaction holds; the newest complete full files, where there are any."""

    store_key: int
    full: Mapping[Subject, Mark | None]

    def is_outdated(self, subject: Subject, mark: Mark) -> bool:
        """Whether a newer complete full file has already said what the store has."""
        newest = self.full[subject]
        return newest is not None and mark < newest


_KNOWN: Final = """
    SELECT chain_id, sub_chain_id, store_id, store_key, described_at IS NOT NULL FROM stores
    WHERE (chain_id, store_id) IN (SELECT * FROM unnest(%s::text[], %s::text[]))
"""

_ADD: Final = """
    INSERT INTO stores (chain_id, sub_chain_id, store_id)
    SELECT * FROM unnest(%s::text[], %s::text[], %s::text[])
    ON CONFLICT (chain_id, sub_chain_id, store_id) DO NOTHING
"""

# A Stores file knows of these stores: said at once, so that price files find them by its sub-chain from now on.
_MARK_DESCRIBED: Final = """
    UPDATE stores SET sub_chain_id = told.sub_chain_id, described_at = 'epoch', described_row = 0
    FROM unnest(%s::integer[], %s::text[]) AS told (store_key, sub_chain_id)
    WHERE stores.store_key = told.store_key AND described_at IS NULL
"""

_LOCK: Final = """
    SELECT store_key, prices_full_at, prices_full_row, promotions_full_at, promotions_full_row
    FROM stores WHERE store_key = ANY(%s) ORDER BY store_key FOR NO KEY UPDATE
"""

DESCRIPTION: Final = (
    "chain_name",
    "sub_chain_name",
    "bikoret_no",
    "store_type",
    "name",
    "address",
    "city",
    "zip_code",
    "latitude",
    "longitude",
    "updated_at",
)

_DESCRIBED: Final = """
    SELECT store_key, described_at, described_row, chain_name, sub_chain_name, bikoret_no,
           store_type, name, address, city, zip_code, latitude, longitude, updated_at
    FROM stores WHERE store_key = ANY(%s)
"""

# What a later Stores file leaves empty stays as it was known.
_DESCRIBE: Final = """
    UPDATE stores SET described_at = %s, described_row = %s,
        chain_name = coalesce(%s, chain_name), sub_chain_name = coalesce(%s, sub_chain_name),
        bikoret_no = coalesce(%s, bikoret_no), store_type = coalesce(%s, store_type),
        name = coalesce(%s, name), address = coalesce(%s, address), city = coalesce(%s, city),
        zip_code = coalesce(%s, zip_code), latitude = coalesce(%s, latitude),
        longitude = coalesce(%s, longitude), updated_at = coalesce(%s, updated_at)
    WHERE store_key = %s
"""


def store_id_of(batch: IngestBatch) -> StoreId:
    """The store that a batch of prices or promotions tells of."""
    return StoreId(batch.chain_id, batch.sub_chain_id, batch.store_id)


def described_store_id(batch: IngestBatch, row: Store) -> StoreId:
    """The store that a row of a Stores file describes, in the batch's chain (rows may spell it otherwise)."""
    sub_chain_id = normal_store_id(row.sub_chain_id or batch.sub_chain_id or "0")
    return StoreId(batch.chain_id, sub_chain_id, normal_store_id(row.store_id))


class StoreKeys:
    """The keys of stores by natural key, remembered by one loader."""

    def __init__(self) -> None:
        self._known: dict[StoreId, int] = {}
        self._chains: set[str] = set()

    def ensure(self, connection: Connection, batches: Sequence[IngestBatch]) -> dict[StoreId, int]:
        """The keys of all stores that the batches tell of; chains and stores never heard of are added.

        This is a short transaction of its own, so that nothing else is held while others may be adding the same
        stores: a chain's loaders take turns in it. A store without prices does no harm if the load then fails.
        """
        sold_at = {store_id_of(batch) for batch in batches if batch.kind != "stores"}
        described = [
            described_store_id(batch, row)
            for batch in sorted(batches, key=lambda batch: batch.sequence)
            for row in batch.stores
        ]
        wanted = {*sold_at, *described}
        names = {batch.chain_id: batch.chain for batch in batches if batch.chain_id not in self._chains}
        if names or not wanted <= self._known.keys():
            with connection.transaction(), connection.cursor() as cursor:
                _add_chains(cursor, names)
                found = _find_or_add(cursor, sold_at, described)
            self._known.update(found)
            self._chains.update(names)
        return {store: self._known[store] for store in wanted}


def _add_chains(cursor: Cursor, names: Mapping[str, str]) -> None:
    for chain_id in sorted(names):
        cursor.execute(
            "INSERT INTO chains (chain_id, name) VALUES (%s, %s) ON CONFLICT (chain_id) DO NOTHING",
            (chain_id, names[chain_id]),
        )


def _find_or_add(cursor: Cursor, sold_at: set[StoreId], described: Sequence[StoreId]) -> dict[StoreId, int]:
    """The keys of stores, described ones first: what a store is does not depend on what shares a load."""
    wanted = sorted({*sold_at, *described})
    for chain_id in sorted({store.chain_id for store in wanted}):
        cursor.execute("SELECT 1 FROM chains WHERE chain_id = %s FOR NO KEY UPDATE", (chain_id,))
    standing = _Standing(cursor, wanted)
    told = Counter((store.chain_id, store.store_id) for store in set(described))
    standing.take_alone(
        [store for store in set(described) if told[store.chain_id, store.store_id] == 1], described=False
    )
    standing.add(described)
    standing.describe(described)
    standing.take_alone(sold_at, described=True)
    standing.add(sold_at)
    return {store: standing.keys[store] for store in wanted}


class _Standing:
    """The stores in the database that share chain and id with wanted ones; `keys` by natural key."""

    def __init__(self, cursor: Cursor, wanted: Sequence[StoreId]) -> None:
        self._cursor = cursor
        self._described: dict[tuple[str, str], dict[int, bool]] = {}
        self.keys: dict[StoreId, int] = {}
        self._read(wanted)

    def _read(self, stores: Sequence[StoreId]) -> None:
        self._cursor.execute(_KNOWN, ([one.chain_id for one in stores], [one.store_id for one in stores]))
        for chain_id, sub_chain_id, store_id, key, described in self._cursor.fetchall():
            self.keys.setdefault(StoreId(chain_id, sub_chain_id, store_id), key)
            self._described.setdefault((chain_id, store_id), {}).setdefault(key, described)

    def take_alone(self, stores: Iterable[StoreId], *, described: bool) -> None:
        """A store without a key is the only one of its chain and id, if that one is described, or not."""
        for store in stores:
            those = self._described.get((store.chain_id, store.store_id), {})
            if store not in self.keys and list(those.values()) == [described]:
                (self.keys[store],) = those

    def add(self, stores: Iterable[StoreId]) -> None:
        """Stores that still have no key are new."""
        missing = sorted(store for store in set(stores) if store not in self.keys)
        if missing:
            columns = zip(*((one.chain_id, one.sub_chain_id, one.store_id) for one in missing), strict=True)
            self._cursor.execute(_ADD, [list(column) for column in columns])
            self._read(missing)

    def describe(self, stores: Iterable[StoreId]) -> None:
        """A Stores file knows of these, and of their sub-chain."""
        by_key = {self.keys[store]: store for store in stores}
        if by_key:
            sub_chains = [store.sub_chain_id for store in by_key.values()]
            self._cursor.execute(_MARK_DESCRIBED, (list(by_key), sub_chains))
        for key, store in by_key.items():
            self._described[store.chain_id, store.store_id][key] = True


def lock_stores(cursor: Cursor, store_keys: Iterable[int]) -> dict[int, LockedStore]:
    """Holds the stores' rows until the commit, in the order of their keys: whoever writes a store's prices or
    promotions holds it first, so nobody else does meanwhile, and no two loaders wait for each other."""
    cursor.execute(_LOCK, (sorted(set(store_keys)),))
    return {
        key: LockedStore(
            key,
            {
                "prices": None if prices_at is None else (prices_at, prices_row),
                "promotions": None if promotions_at is None else (promotions_at, promotions_row),
            },
        )
        for key, prices_at, prices_row, promotions_at, promotions_row in cursor.fetchall()
    }


def describe_stores(cursor: Cursor, taken: Taken, store_keys: Mapping[StoreId, int]) -> None:
    """Writes what Stores files say of their stores, where it is newer; counts into the batches' tallies."""
    batches = [batch for batch in taken.batches if batch.kind == "stores"]
    keys = {store_keys[described_store_id(batch, row)] for batch in batches for row in batch.stores}
    if not keys:
        return
    cursor.execute(_DESCRIBED, (sorted(keys),))
    standing: dict[int, tuple[Any, ...]] = {row[0]: row[1:] for row in cursor.fetchall()}
    updates: dict[int, tuple[Any, ...]] = {}
    for batch in sorted(batches, key=lambda batch: (batch.published_at, batch.content_sha256, batch.sequence)):
        tally = taken.tallies[batch.batch_id]
        for row in batch.stores:
            key = store_keys[described_store_id(batch, row)]
            known_at, known_row, *known = standing[key]
            mark = (batch.published_at, source_row(batch, row.row))
            if known_at is not None and recency(*mark) < recency(known_at, known_row):
                tally.stale += 1
                continue
            told = [getattr(row, name) for name in DESCRIPTION]
            after = [new if new is not None else old for new, old in zip(told, known, strict=True)]
            if after == known and known_row:
                tally.unchanged += 1
            else:
                tally.loaded += 1
            standing[key] = (*mark, *after)
            updates[key] = (*mark, *told, key)
    cursor.executemany(_DESCRIBE, [updates[key] for key in sorted(updates)])
