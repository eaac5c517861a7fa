"""Builds the tables of a snapshot: the names of masters, the entries of codes, and the chains that sell
them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.build.cluster import ClusteredNames
from gogobe.masters.build.gather import CatalogueNames
from gogobe.masters.clusters.contrast import naming_mask
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.codes.suffixes import core_numbers
from gogobe.masters.snapshot.files import ALIAS_MATCHES, Tables
from gogobe.masters.snapshot.lexicon import company_of
from gogobe.masters.text.facts import Facts
from gogobe.masters.vectors.encoder import Floats

Longs = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_ACROSS_PRIOR: Final = 4.0  # pseudo-counts of the share of all companies
_ACROSS_UNKNOWN: Final = 0.3  # about its mean with several chains
_PART_UNKNOWN: Final = 0.5


def build_tables(clustered: ClusteredNames, ids: Longs, starts: Longs, centre: Floats) -> Tables:
    """The tables of masters `ids`, ascending, whose names start at `starts`. No master is merged, and there
    are no decisions yet."""
    names = clustered.names
    row_of = np.repeat(np.arange(len(ids)), np.diff(starts))
    loose = np.isin(ids, clustered.loose)
    sellers = np.unique((row_of.astype(np.uint64) << np.uint64(32)) | names.chains)
    chains = np.bincount((sellers >> np.uint64(32)).astype(np.int64), minlength=len(ids))
    all_chains = len(np.unique(names.chains))
    is_gtin = names.keys < FIRST_COMPUTED_ID
    # A GTIN is its own master; only merged ones have to be looked up.
    gtins, at = np.unique(names.keys[is_gtin], return_index=True)
    codes = code_rows(names)
    cores = np.where(loose[row_of], core_numbers(names.numbers), 0)
    with_core = np.flatnonzero(cores)
    with_core = with_core[np.lexsort((row_of[with_core], cores[with_core]))]
    words = _naming_words(names.facts, np.where(loose[row_of], row_of, -1))
    return Tables(
        masters=ids,
        canonical=np.arange(len(ids)),
        starts=starts,
        loose=loose,
        name_chains=names.chains,
        name_keys=names.keys,
        name_numbers=names.numbers,
        chains=_part_of_chains(ids, loose, chains, all_chains),
        company_across=_company_across(ids, loose, chains, all_chains),
        gtins=gtins,
        gtin_masters=row_of[is_gtin][at],
        aliases=names.keys[codes],
        alias_masters=row_of[codes],
        alias_matches=np.zeros(len(codes), dtype=np.uint8),
        alias_decisions=np.zeros(0, dtype=np.uint8),
        alias_decision_starts=np.zeros(len(codes) + 1, dtype=np.int64),
        private=names.private,
        cores=cores[with_core],
        core_masters=row_of[with_core],
        words=words[:, 0].astype(np.uint32),
        word_masters=words[:, 1],
        labels=np.frombuffer(b"".join(names.labels), dtype=np.uint8),
        label_starts=_starts([len(label) for label in names.labels]),
        centre=centre,
    )


def _naming_words(facts: Facts, rows: Longs) -> Longs:
    """The words that name masters with their rows, distinct and sorted; names of row -1 are left out."""
    names, places = np.nonzero(naming_mask(facts) & (rows >= 0)[:, None])
    return np.unique(np.column_stack([facts.forms()[names, places].astype(np.int64), rows[names]]), axis=0)


def with_decisions(
    tables: Tables, names: CatalogueNames, canonical: Longs, decisions: Mapping[int, Sequence[Decision]]
) -> Tables:
    """The tables with merged masters (`canonical`), and the decisions about codes, by key."""
    codes = code_rows(names)
    found = [decisions.get(key, ()) for key in names.keys[codes].tolist()]
    stored = [msgspec.json.encode(of_code) if of_code else b"" for of_code in found]
    matches = [
        ALIAS_MATCHES.index("alias" if assigned else _match(of_code))
        for assigned, of_code in zip(names.assigned[codes].tolist(), found, strict=True)
    ]
    return replace(
        tables,
        canonical=canonical,
        alias_matches=np.array(matches, dtype=np.uint8),
        alias_decisions=np.frombuffer(b"".join(stored), dtype=np.uint8),
        alias_decision_starts=_starts([len(one) for one in stored]),
    )


def _match(decisions: Sequence[Decision]) -> str:
    """The kind of match of a code: by name, waiting for review, or new."""
    matches = {decision.match for decision in decisions}
    return "vector" if "vector" in matches else "review" if matches else "new"


def code_rows(names: CatalogueNames) -> Longs:
    """The rows of names whose codes are no GTINs, in the order of their keys."""
    codes = np.flatnonzero(names.keys >= FIRST_COMPUTED_ID)
    return codes[np.argsort(names.keys[codes], kind="stable")]


def _starts(counts: Sequence[int]) -> Longs:
    return np.concatenate(([0], np.cumsum(np.array(counts, dtype=np.int64)))).astype(np.int64)


def _part_of_chains(ids: Longs, loose: Bools, chains: Longs, all_chains: int) -> Floats:
    """The share of all chains that sell each master, 0.5 if unknown: for goods without a barcode, which only
    their names identify, and if there is only one chain."""
    known = (ids < FIRST_COMPUTED_ID) & ~loose & (all_chains > 1)
    part: Floats = np.where(known, chains / max(all_chains, 1), _PART_UNKNOWN).astype(np.float32)
    return part


def _company_across(ids: Longs, loose: Bools, chains: Longs, all_chains: int) -> Floats:
    """For each master, the smoothed share of its company's other masters that several chains sell."""
    if all_chains < 2:
        return np.full(len(ids), _ACROSS_UNKNOWN, dtype=np.float32)
    companies = company_of(np.where((ids < FIRST_COMPUTED_ID) & ~loose, ids, 0))
    several = (chains > 1).astype(np.float64)
    _, group = np.unique(companies, return_inverse=True)
    overall = (several.sum() + 1) / (len(ids) + 2)
    others = np.bincount(group)[group] - 1 if len(ids) else np.zeros(0)
    across = np.bincount(group, weights=several)[group] - several if len(ids) else np.zeros(0)
    part = (across + _ACROSS_PRIOR * overall) / (others + _ACROSS_PRIOR)
    # Without a GTIN there is no company: the overall share.
    judged: Floats = np.where(companies != 0, part, overall).astype(np.float32)
    return judged
