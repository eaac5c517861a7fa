"""Ownership of ChainIds: a batch of a chain that does not own its ChainId is refused before any row is
loaded.

For listed chains `chains.toml` decides. A ChainId of no listed chain belongs to the chain that was loaded
under it first, as recorded in the table `chains`. Parsing has no database, so this is decided here.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from gogobe.chains.chain import Chains, normal_key
from gogobe.chains.identity import ChainDiffersError, chain_id_of
from gogobe.database.connection import Connection
from gogobe.database.load.results import FailedBatch
from gogobe.database.session import Session
from gogobe.records.messages import IngestBatch

CHAIN_DIFFERS: Final = "chain_differs"

# The insertion waits for another transaction that claims the same id, so both read the same owner.
_CLAIM: Final = "INSERT INTO chains (chain_id, name) VALUES (%s, %s) ON CONFLICT (chain_id) DO NOTHING"
_OWNER: Final = "SELECT name FROM chains WHERE chain_id = %s"


class ChainOwners:
    """Divides batches by whether their chain may write under their ChainId; caches its decisions."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._decided: dict[tuple[str, str], ChainDiffersError | None] = {}

    def divide(
        self, session: Session, batches: Sequence[IngestBatch]
    ) -> tuple[list[IngestBatch], list[FailedBatch]]:
        """The batches that may be loaded, and those of other chains as failures. Raises psycopg.Error."""
        for key in sorted({(batch.chain, batch.chain_id) for batch in batches} - self._decided.keys()):
            self._decided[key] = self._decide(session, *key)
        own, foreign = [], []
        for batch in batches:
            error = self._decided[batch.chain, batch.chain_id]
            if error is None:
                own.append(batch)
            else:
                detail = f"{batch.file}, batch {batch.sequence}: {error}"
                foreign.append(FailedBatch(batch, CHAIN_DIFFERS, detail, type(error).__name__))
        return own, foreign

    def _decide(self, session: Session, chain: str, chain_id: str) -> ChainDiffersError | None:
        try:
            chain_id_of(self._chains, chain, named=None, content=chain_id)
        except ChainDiffersError as error:
            return error
        if self._chains.get(chain) is not None:
            return None
        owner = session.run(lambda connection: _owner(connection, chain, chain_id))
        if normal_key(owner) == normal_key(chain):
            return None
        return ChainDiffersError(
            f"announced by chain {chain}, which is not listed, but ChainId {chain_id} was loaded by chain "
            f"{owner} first; if it is {chain}'s, list [chains.{chain}] with this id in the file that the "
            "setting `chains` names"
        )


def _owner(connection: Connection, chain: str, chain_id: str) -> str:
    """The chain that owns an id; the given chain, if there was none before."""
    with connection.transaction():
        connection.execute(_CLAIM, (chain_id, chain))
        row = connection.execute(_OWNER, (chain_id,)).fetchone()
    assert row is not None, "a chain is not removed"
    return str(row[0])
