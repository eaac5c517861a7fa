"""What a snapshot knows of codes: GTINs that were merged into another master, and chains' own codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.decisions import Decision
from gogobe.masters.snapshot.files import ALIAS_MATCHES, Tables

Longs = npt.NDArray[np.int64]


@dataclass(frozen=True)
class KnownCode:
    """A chain's own code that the snapshot knows: the master it goes by, how it came to it (one of
    ALIAS_MATCHES), and for `vector` and `review` the decision that says why."""

    master_id: int
    match: str
    decision: Decision | None


class KnownCodes:
    """Looks codes up, a batch at a time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        goes_by = tables.masters[tables.canonical[tables.gtin_masters]]
        merged = np.flatnonzero(goes_by != tables.gtins)
        self._merged, self._merged_into = tables.gtins[merged], goes_by[merged]

    def masters_of(self, gtins: Longs) -> Longs:
        """The master of each GTIN: the GTIN itself, unless it was merged into another."""
        if not len(self._merged):
            return gtins
        place = np.minimum(np.searchsorted(self._merged, gtins), len(self._merged) - 1)
        return np.where(self._merged[place] == gtins, self._merged_into[place], gtins)

    def look_up(self, keys: Sequence[int]) -> list[KnownCode | None]:
        """What is known of chains' own codes, given by their computed ids; None where nothing is."""
        tables = self._tables
        wanted = np.array(keys, dtype=np.int64)
        if not len(tables.aliases):
            return [None] * len(wanted)
        place = np.minimum(np.searchsorted(tables.aliases, wanted), len(tables.aliases) - 1)
        known = tables.aliases[place] == wanted
        masters = tables.masters[tables.canonical[tables.alias_masters[place]]].tolist()
        matches = tables.alias_matches[place].tolist()
        begins, ends = tables.alias_decision_starts[place], tables.alias_decision_starts[place + 1]
        return [
            KnownCode(master, ALIAS_MATCHES[match], self._decision(begin, end)) if is_known else None
            for is_known, master, match, begin, end in zip(
                known.tolist(), masters, matches, begins.tolist(), ends.tolist(), strict=True
            )
        ]

    def _decision(self, begin: int, end: int) -> Decision | None:
        if begin == end:
            return None
        return msgspec.json.decode(bytes(self._tables.alias_decisions[begin:end]), type=Decision)
