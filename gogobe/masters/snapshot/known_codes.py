"""Look-up of codes in a snapshot: GTINs that were merged or are in-house numbers, and chains' own codes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.codes.decisions import Decision
from gogobe.masters.codes.gtin import computed_master_id, valid_gtins
from gogobe.masters.codes.suffixes import core_numbers
from gogobe.masters.snapshot.files import ALIAS_MATCHES, Tables

Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class KnownCode:
    """A chain's own code in the snapshot: its master, how it was matched (one of ALIAS_MATCHES), and the
    decisions about it."""

    master_id: int
    match: str
    decisions: list[Decision]


class KnownCodes:
    """Looks codes up in a snapshot, one batch at a time."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        goes_by = tables.masters[tables.canonical[tables.gtin_masters]]
        merged = np.flatnonzero(goes_by != tables.gtins)
        # Both in one table, so that a batch is looked up once; 0 is for a number that is not a GTIN.
        codes = np.concatenate([tables.gtins[merged], tables.private])
        masters = np.concatenate([goes_by[merged], np.zeros(len(tables.private), dtype=np.int64)])
        order = np.argsort(codes)
        self._merged, self._merged_into = codes[order], masters[order]

    def masters_of(self, gtins: Longs) -> Longs:
        """The master of each GTIN: the GTIN itself, or the master it was merged into; 0 for a number that is
        no GTIN."""
        if not len(self._merged):
            return gtins
        place = np.minimum(np.searchsorted(self._merged, gtins), len(self._merged) - 1)
        return np.where(self._merged[place] == gtins, self._merged_into[place], gtins)

    def knows(self, gtins: Longs) -> Bools:
        """Whether the snapshot has a name for each GTIN."""
        known = self._tables.gtins  # ascending, and mapped: a batch must not read all of it
        if not len(known):
            return np.zeros(len(gtins), dtype=np.bool_)
        place = np.minimum(np.searchsorted(known, gtins), len(known) - 1)
        found: Bools = known[place] == gtins
        return found

    def have_cores(self, numbers: Longs) -> Bools:
        """Whether each number has the core of a code of goods without a usable barcode."""
        known, asked = self._tables.cores, core_numbers(numbers)
        if not len(known):
            return np.zeros(len(numbers), dtype=np.bool_)
        place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        found: Bools = (asked > 0) & (known[place] == asked)
        return found

    def masters_of_codes(self, codes: Sequence[tuple[str, str]]) -> list[int]:
        """The masters of (chain id, code) pairs, GTINs or not; 0 for a code that the snapshot does not
        have."""
        gtins = valid_gtins([code for _, code in codes])
        masters: list[int] = np.where(self.knows(gtins), self.masters_of(gtins), 0).tolist()
        rest = [place for place, master_id in enumerate(masters) if not master_id]
        for place, known in zip(
            rest, self.look_up([computed_master_id(*codes[place]) for place in rest]), strict=True
        ):
            masters[place] = known.master_id if known else 0
        return masters

    def look_up(self, keys: Sequence[int]) -> list[KnownCode | None]:
        """The entries of chains' own codes, by their computed ids; None for an unknown code."""
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
            KnownCode(master, ALIAS_MATCHES[match], self._decisions(begin, end)) if is_known else None
            for is_known, master, match, begin, end in zip(
                known.tolist(), masters, matches, begins.tolist(), ends.tolist(), strict=True
            )
        ]

    def _decisions(self, begin: int, end: int) -> list[Decision]:
        if begin == end:
            return []
        return msgspec.json.decode(bytes(self._tables.alias_decisions[begin:end]), type=list[Decision])
