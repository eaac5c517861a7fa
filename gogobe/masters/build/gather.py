"""Turns catalogue rows into arrays: every name with its facts, sorted by master, ready to be encoded and
written."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from gogobe.feeds.services import is_service
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.private_numbers import private_numbers
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID, chain_hash, computed_master_id, valid_gtins
from gogobe.masters.codes.suffixes import code_numbers
from gogobe.masters.snapshot.lexicon import company_of
from gogobe.masters.text.arrays import run_starts
from gogobe.masters.text.facts import Facts, concatenate, describe

Longs = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint32]

_ROWS_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class CatalogueNames:
    """The m names of a catalogue, sorted by master, then chain, then code.

    `texts` are the names in normal form, `labels` the names as published (UTF-8), `sources` chain and code,
    `numbers` the codes as numbers (0 if a code is none). `masters` are master ids, `keys` the GTIN of the
    code or the computed id of chain and code, `previous` the master before this build (the key if there was
    none), `chains` hashes of the chains. `assigned` says whether a person assigned the master, `apart` has by
    row the masters that a person has rejected. `private` are in-house numbers that look like GTINs,
    ascending.
    """

    texts: list[str]
    labels: list[bytes]
    sources: list[tuple[str, str]]
    numbers: Longs
    facts: Facts
    masters: Longs
    keys: Longs
    previous: Longs
    chains: Hashes
    assigned: npt.NDArray[np.bool_]
    apart: dict[int, tuple[int, ...]]
    private: Longs

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Longs) -> Self:
        """The names in these rows, each row at most once, in this order."""
        place = np.full(len(self), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        return replace(
            self,
            texts=[self.texts[row] for row in rows],
            labels=[self.labels[row] for row in rows],
            sources=[self.sources[row] for row in rows],
            numbers=self.numbers[rows],
            facts=self.facts.take(rows),
            masters=self.masters[rows],
            keys=self.keys[rows],
            previous=self.previous[rows],
            chains=self.chains[rows],
            assigned=self.assigned[rows],
            apart={int(place[row]): far for row, far in self.apart.items() if place[row] >= 0},
        )

    def sorted_by(self, masters: Longs) -> Self:
        """The same names with other masters, sorted by them."""
        return replace(self, masters=masters).take(np.lexsort((self.keys, self.chains, masters)))


def gather(rows: Iterable[CatalogueRow]) -> CatalogueNames:
    """Read all rows. Of several rows with one chain and code the first counts; rows that are no goods are
    skipped."""
    goods = (row for row in rows if not _is_service(row))
    parts = [_gather_chunk([])]
    while chunk := list(islice(goods, _ROWS_AT_ONCE)):
        parts.append(_gather_chunk(chunk))
    names = _concatenated(parts)
    names = names.take(_first_of_each(names))
    private = private_numbers(
        names.facts, np.where(names.keys < FIRST_COMPUTED_ID, names.keys, 0), names.chains
    )
    names = _with_own_ids(names, np.flatnonzero(np.isin(names.keys, private)))
    names = replace(names, private=private)
    names = names.sorted_by(_with_company(names))
    numbered = np.where(names.masters < FIRST_COMPUTED_ID, names.masters, 0)
    return replace(names, facts=replace(names.facts, company=company_of(numbered)))


def _with_company(names: CatalogueNames) -> Longs:
    """The masters of the names, changed so that a name that a person assigned to a master is not alone there:
    if no name has the master's id as its key, the first name that had the master before keeps it."""
    masters = names.masters.copy()
    given = np.unique(masters[names.assigned])
    given = given[(given >= FIRST_COMPUTED_ID) & ~np.isin(given, masters[~names.assigned])]
    rows = np.flatnonzero(~names.assigned & np.isin(names.previous, given))
    rows = rows[np.lexsort((names.keys[rows], names.previous[rows]))]
    first = rows[run_starts(names.previous[rows])]
    masters[first] = names.previous[first]
    return masters


def _is_service(row: CatalogueRow) -> bool:
    price = row.described.price
    return is_service(row.described.name, price if 0 < price < math.inf else None, row.item_code)


def _gather_chunk(rows: Sequence[CatalogueRow]) -> CatalogueNames:
    texts, facts = describe([row.described for row in rows])
    codes = [row.item_code for row in rows]
    keys = valid_gtins(codes)
    for place in np.flatnonzero(keys == 0).tolist():
        keys[place] = computed_master_id(rows[place].chain_id, codes[place])
    known = np.array([row.master_id for row in rows], dtype=np.int64)
    previous = np.where(known != 0, known, keys)
    # A decision for the item's own key does not fix its master: it may still join others.
    assigned = np.array([row.decided for row in rows], dtype=np.bool_) & (previous != keys)
    return CatalogueNames(
        texts=texts,
        labels=[row.described.name.encode("utf-8", "replace") for row in rows],
        sources=[(row.chain_id, row.item_code) for row in rows],
        numbers=code_numbers(codes),
        facts=facts,
        masters=np.where(assigned, previous, keys),
        keys=keys,
        previous=previous,
        chains=np.array([chain_hash(row.chain_id) for row in rows], dtype=np.uint32),
        assigned=assigned,
        apart={place: row.apart_from for place, row in enumerate(rows) if row.apart_from},
        private=np.zeros(0, dtype=np.int64),
    )


def _concatenated(parts: Sequence[CatalogueNames]) -> CatalogueNames:
    begins = np.cumsum([0, *(len(part) for part in parts)]).tolist()
    return CatalogueNames(
        texts=[text for part in parts for text in part.texts],
        labels=[label for part in parts for label in part.labels],
        sources=[source for part in parts for source in part.sources],
        numbers=np.concatenate([part.numbers for part in parts]),
        facts=concatenate([part.facts for part in parts]),
        masters=np.concatenate([part.masters for part in parts]),
        keys=np.concatenate([part.keys for part in parts]),
        previous=np.concatenate([part.previous for part in parts]),
        chains=np.concatenate([part.chains for part in parts]),
        assigned=np.concatenate([part.assigned for part in parts]),
        apart={
            begin + row: far
            for part, begin in zip(parts, begins, strict=False)
            for row, far in part.apart.items()
        },
        private=parts[0].private,
    )


def _first_of_each(names: CatalogueNames) -> Longs:
    """The rows of the first name of each chain and code, in order."""
    order = np.lexsort((np.arange(len(names)), names.keys, names.chains))
    first = np.ones(len(order), dtype=np.bool_)
    first[1:] = (np.diff(names.chains[order]) != 0) | (np.diff(names.keys[order]) != 0)
    return np.sort(order[first])


def _with_own_ids(names: CatalogueNames, rows: Longs) -> CatalogueNames:
    """The names with the computed id of chain and code in place of the GTIN in these rows."""
    if not len(rows):
        return names
    keys, masters, previous = names.keys.copy(), names.masters.copy(), names.previous.copy()
    for row in rows.tolist():
        own = computed_master_id(*names.sources[row])
        if previous[row] == keys[row]:
            previous[row] = own
        keys[row] = own
        masters[row] = previous[row] if names.assigned[row] else own
    return replace(names, keys=keys, masters=masters, previous=previous)
