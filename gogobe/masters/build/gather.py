"""Catalogue rows to arrays: every name with its facts, sorted by master, ready to be encoded and written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID, chain_hash, computed_master_id, valid_gtins
from gogobe.masters.snapshot.lexicon import company_of
from gogobe.masters.text.facts import Facts, concatenate, describe

Longs = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint32]

_ROWS_AT_ONCE: Final = 10_000


@dataclass(frozen=True)
class Gathered:
    """The m names of a catalogue, sorted by master, then chain, then code.

    `texts` are a name's words in normal form, `labels` the name as published (UTF-8), `sources` its chain and
    code, `masters` the master's id, `keys` the GTIN of the code or the computed id of chain and code, `chains`
    a hash of the chain, `settled` whether its master is known from elsewhere than its own code.
    """

    texts: list[str]
    labels: list[bytes]
    sources: list[tuple[str, str]]
    facts: Facts
    masters: Longs
    keys: Longs
    chains: Hashes
    settled: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.texts)


def gather(rows: Iterable[CatalogueRow]) -> Gathered:
    """Read rows to the end. Of several rows with one chain and code the first counts."""
    rows = iter(rows)
    parts = [_gather_chunk([])]
    while chunk := list(islice(rows, _ROWS_AT_ONCE)):
        parts.append(_gather_chunk(chunk))
    masters = np.concatenate([part.masters for part in parts])
    keys = np.concatenate([part.keys for part in parts])
    chains = np.concatenate([part.chains for part in parts])
    order = np.lexsort((keys, chains, masters))
    again = np.zeros(len(order), dtype=np.bool_)
    again[1:] = (np.diff(masters[order]) == 0) & (np.diff(chains[order]) == 0) & (np.diff(keys[order]) == 0)
    order = order[~again]
    texts = [text for part in parts for text in part.texts]
    labels = [label for part in parts for label in part.labels]
    sources = [source for part in parts for source in part.sources]
    return Gathered(
        texts=[texts[row] for row in order],
        labels=[labels[row] for row in order],
        sources=[sources[row] for row in order],
        facts=concatenate([part.facts for part in parts]).take(order),
        masters=masters[order],
        keys=keys[order],
        chains=chains[order],
        settled=np.concatenate([part.settled for part in parts])[order],
    )


def _gather_chunk(rows: list[CatalogueRow]) -> Gathered:
    texts, facts = describe([row.described for row in rows])
    gtins = valid_gtins([row.item_code for row in rows])
    keys = gtins.copy()
    for place in np.flatnonzero(gtins == 0):
        keys[place] = computed_master_id(rows[place].chain_id, rows[place].item_code)
    known = np.array([row.master_id for row in rows], dtype=np.int64)
    masters = np.where(known != 0, known, keys)
    numbered = np.where(masters < FIRST_COMPUTED_ID, masters, 0)
    decided = np.array([row.decided for row in rows], dtype=np.bool_)
    return Gathered(
        texts=texts,
        labels=[row.described.name.encode("utf-8", "replace") for row in rows],
        sources=[(row.chain_id, row.item_code) for row in rows],
        facts=replace(facts, company=company_of(numbered)),
        masters=masters,
        keys=keys,
        chains=np.array([chain_hash(row.chain_id) for row in rows], dtype=np.uint32),
        settled=decided | (masters != keys),
    )
