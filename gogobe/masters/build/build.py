"""From a catalogue to a masters snapshot: a folder that workers map into memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.gather import Gathered, gather
from gogobe.masters.build.link import join_masters
from gogobe.masters.build.word_odds import learn_word_odds
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.matching.model import learned_model
from gogobe.masters.snapshot.files import (
    ALIAS_MATCHES,
    INDEX,
    Manifest,
    Masters,
    SnapshotError,
    Tables,
    is_plain,
    save_arrays,
    write_manifest,
)
from gogobe.masters.snapshot.lexicon import build_lexicon, company_of
from gogobe.masters.vectors.encoder import Encoder, Floats
from gogobe.masters.vectors.encoder_fit import fit_encoder
from gogobe.masters.vectors.index import AnnoyBuilder, AnnoyIndex
from gogobe.masters.vectors.item_vectors import BESIDE_NAME, centred, item_vectors, master_vectors

Longs = npt.NDArray[np.int64]

_NAMES_AT_ONCE: Final = 20_000
_NAMES_TO_LEARN: Final = 20_000
_ACROSS_PRIOR: Final = 4.0  # as many masters as it takes to believe a company rather than all companies
_ACROSS_UNKNOWN: Final = 0.3  # about what it is where several chains are known
_PART_UNKNOWN: Final = 0.5


def build_snapshot(
    rows: Iterable[CatalogueRow], folder: Path, *, encoder: Encoder | None = None, version: str | None = None
) -> Manifest:
    """Write a snapshot into `folder`, which must be empty or not exist; its manifest comes last.

    Without an encoder one is learned from the rows' own names. The same rows give the same snapshot, whatever
    their order. `version` sorts by time; the time now, in UTC, unless given. Raises SnapshotError where the
    folder holds something or the version is no plain name, OSError where it cannot be written.
    """
    if version is not None and not is_plain(version):
        raise SnapshotError(f"{version!r}: no name of a version; letters, digits, `_`, `.` and `-` make one")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SnapshotError(f"{folder}: not empty; build into a new folder")
    now = datetime.now(UTC)
    names = gather(rows)
    ids, first = np.unique(names.masters, return_index=True)
    starts = np.append(first, len(names)).astype(np.int64)
    row_of = np.repeat(np.arange(len(ids)), np.diff(starts))

    encoder = encoder or _learn_encoder(names, row_of, starts)
    centre = _write_index(folder / INDEX, names, starts, encoder)
    tables = _tables(names, ids, starts, row_of, centre)
    index = AnnoyIndex(folder / INDEX, len(centre))
    odds = learn_word_odds(names.facts, starts, index)
    lexicon = build_lexicon(names.facts.words, row_of, names.facts.company, odds)
    tables = _joined(Masters(tables, names.facts, lexicon, encoder, index), names)
    save_arrays(folder, "names", names.facts)
    save_arrays(folder, "lexicon", lexicon)
    save_arrays(folder, "masters", tables)
    encoder.save(folder)
    return write_manifest(folder, version or f"{now:%Y%m%dT%H%M%S.%fZ}", now, tables, encoder.kind)


def _joined(masters: Masters, names: Gathered) -> Tables:
    """The tables with masters that have no GTIN joined to those that they are, and why."""
    tables = masters.tables
    sizes = np.diff(tables.starts)[np.searchsorted(tables.masters, names.masters)]
    asked = np.flatnonzero(
        (names.keys == names.masters) & (names.keys >= FIRST_COMPUTED_ID) & (sizes == 1) & ~names.settled
    )
    joined = join_masters(Matcher(masters, learned_model()), names, asked)
    codes = _codes(names)
    decisions = [joined.decisions.get(row) for row in codes.tolist()]
    stored = [msgspec.json.encode(decision) if decision else b"" for decision in decisions]
    matches = [
        ALIAS_MATCHES.index("alias" if settled else decision.match if decision else "new")
        for settled, decision in zip(names.settled[codes].tolist(), decisions, strict=True)
    ]
    return replace(
        tables,
        canonical=joined.canonical,
        alias_matches=np.array(matches, dtype=np.uint8),
        alias_decisions=np.frombuffer(b"".join(stored), dtype=np.uint8),
        alias_decision_starts=_starts(np.array([len(one) for one in stored], dtype=np.int64)),
    )


def _codes(names: Gathered) -> Longs:
    """The rows of names whose codes are no GTINs, in the order of their keys."""
    codes = np.flatnonzero(names.keys >= FIRST_COMPUTED_ID)
    return codes[np.argsort(names.keys[codes], kind="stable")]


def _learn_encoder(names: Gathered, row_of: Longs, starts: Longs) -> Encoder:
    """An encoder of some ten thousand names: those of masters with several names first, then evenly chosen."""
    several = np.flatnonzero(np.diff(starts)[row_of] > 1)
    single = np.flatnonzero(np.diff(starts)[row_of] == 1)
    chosen = np.sort(
        np.concatenate([_evenly(several, _NAMES_TO_LEARN // 2), _evenly(single, _NAMES_TO_LEARN // 2)])
    )
    return fit_encoder([names.texts[row] for row in chosen], row_of[chosen])


def _evenly(rows: Longs, count: int) -> Longs:
    """At most `count` of the rows: runs of neighbours, evenly spread; so a master's names stay together."""
    runs = max(count // 100, 1)
    if len(rows) <= count:
        return rows
    begins = np.linspace(0, len(rows) - 100, runs).astype(np.int64)
    return rows[np.unique((begins[:, None] + np.arange(100)).ravel())]


def _write_index(path: Path, names: Gathered, starts: Longs, encoder: Encoder) -> Floats:
    """Write the index of the masters' vectors; their mean."""
    masters = len(starts) - 1
    vectors = np.zeros((masters, encoder.dimensions + BESIDE_NAME), dtype=np.float32)
    for begin in range(0, masters, _NAMES_AT_ONCE):
        end = min(begin + _NAMES_AT_ONCE, masters)
        part = np.arange(starts[begin], starts[end])
        texts = names.texts[part[0] : part[-1] + 1]
        own = item_vectors(encoder, texts, names.facts.take(part))
        vectors[begin:end] = master_vectors(own, starts[begin : end + 1] - starts[begin])
    centre: Floats = vectors.mean(axis=0) if masters else np.zeros(vectors.shape[1], dtype=np.float32)
    builder = AnnoyBuilder(path, vectors.shape[1])
    for begin in range(0, masters, _NAMES_AT_ONCE):
        builder.add(centred(vectors[begin : begin + _NAMES_AT_ONCE], centre))
    builder.finish()
    return centre


def _tables(names: Gathered, ids: Longs, starts: Longs, row_of: Longs, centre: Floats) -> Tables:
    sellers = np.unique((row_of.astype(np.uint64) << np.uint64(32)) | names.chains)
    chains = np.bincount((sellers >> np.uint64(32)).astype(np.int64), minlength=len(ids))
    all_chains = len(np.unique(names.chains))
    is_gtin = names.keys < FIRST_COMPUTED_ID
    # A GTIN is its own master; only one that was merged into another has to be looked up.
    gtins, at = np.unique(names.keys[is_gtin], return_index=True)
    codes = _codes(names)
    return Tables(
        masters=ids,
        canonical=np.arange(len(ids)),
        starts=starts,
        name_chains=names.chains,
        name_keys=names.keys,
        chains=_part_of_chains(ids, chains, all_chains),
        company_across=_company_across(ids, chains, all_chains),
        gtins=gtins,
        gtin_masters=row_of[is_gtin][at],
        aliases=names.keys[codes],
        alias_masters=row_of[codes],
        alias_matches=np.zeros(len(codes), dtype=np.uint8),
        alias_decisions=np.zeros(0, dtype=np.uint8),
        alias_decision_starts=np.zeros(len(codes) + 1, dtype=np.int64),
        labels=np.frombuffer(b"".join(names.labels), dtype=np.uint8),
        label_starts=_starts(np.array([len(label) for label in names.labels], dtype=np.int64)),
        centre=centre,
    )


def _starts(counts: Longs) -> Longs:
    return np.concatenate(([0], np.cumsum(counts))).astype(np.int64)


def _part_of_chains(ids: Longs, chains: Longs, all_chains: int) -> Floats:
    """For each master, what part of all chains sells it. Nobody can know it of one without a GTIN, whose items
    are found by their names alone, or of any where there is but one chain: then it says neither that many sell
    it nor that few do."""
    known = (ids < FIRST_COMPUTED_ID) & (all_chains > 1)
    part: Floats = np.where(known, chains / max(all_chains, 1), _PART_UNKNOWN).astype(np.float32)
    return part


def _company_across(ids: Longs, chains: Longs, all_chains: int) -> Floats:
    """For each master, the part of its company's other masters that several chains sell, smoothed."""
    if all_chains < 2:
        return np.full(len(ids), _ACROSS_UNKNOWN, dtype=np.float32)
    companies = company_of(np.where(ids < FIRST_COMPUTED_ID, ids, 0))
    several = (chains > 1).astype(np.float64)
    _, group = np.unique(companies, return_inverse=True)
    overall = (several.sum() + 1) / (len(ids) + 2)
    others = np.bincount(group)[group] - 1 if len(ids) else np.zeros(0)
    across = np.bincount(group, weights=several)[group] - several if len(ids) else np.zeros(0)
    part = (across + _ACROSS_PRIOR * overall) / (others + _ACROSS_PRIOR)
    # Without a GTIN there is no company to judge by.
    judged: Floats = np.where(companies != 0, part, overall).astype(np.float32)
    return judged
