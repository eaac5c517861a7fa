"""Published names of stores, normalized."""

from __future__ import annotations

from dataclasses import dataclass

from gogobe.feeds.names import normal_store_id
from gogobe.records.messages import IngestBatch
from gogobe.records.rows import Store

Number = tuple[str, str]
"""A chain's id and a store number."""


@dataclass(frozen=True, order=True)
class StoreId:
    """A store's published name; ids without leading zeros."""

    chain_id: str
    sub_chain_id: str
    store_id: str

    @property
    def number(self) -> Number:
        """The chain and the number, without the sub-chain."""
        return self.chain_id, self.store_id


def store_id_of(batch: IngestBatch) -> StoreId:
    """The store of a batch of prices or promotions."""
    return StoreId(batch.chain_id, batch.sub_chain_id, batch.store_id)


def described_store_id(batch: IngestBatch, row: Store) -> StoreId:
    """The store that a row of a Stores file describes, in the batch's chain (rows may spell the chain
    differently)."""
    sub_chain_id = normal_store_id(row.sub_chain_id or batch.sub_chain_id or "0")
    return StoreId(batch.chain_id, sub_chain_id, normal_store_id(row.store_id))
