"""The location of the masters snapshots, a side input of matching."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import apache_beam as beam

from gogobe.masters.published.store import SnapshotStore

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class MastersAddress:
    """Where masters snapshots are stored, and the current version when the pipeline started; None without
    one."""

    store: SnapshotStore
    version: str | None


def locate_masters(store: SnapshotStore) -> MastersAddress:
    """The address of the store with its current version. An unreachable store is only logged: workers look
    again."""
    try:
        return MastersAddress(store, store.current())
    except Exception:
        logger.exception("masters: the pointer in %s cannot be read", store.url)
        return MastersAddress(store, None)


class LocateMasters(beam.PTransform):
    """A pipeline → one `MastersAddress`, for a singleton side input."""

    def __init__(self, store: SnapshotStore) -> None:
        super().__init__()
        self._store = store

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection[MastersAddress]:
        begun = pipeline | "Begin" >> beam.Impulse()
        return begun | "Locate" >> beam.Map(_located, self._store).with_output_types(MastersAddress)


def _located(_impulse: bytes, store: SnapshotStore) -> MastersAddress:
    return locate_masters(store)
