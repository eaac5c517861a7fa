"""Builds a masters snapshot from a catalogue: a folder that workers map into memory."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.cluster import ClusteredNames, cluster_names
from gogobe.masters.build.gather import CatalogueNames, gather
from gogobe.masters.build.link import link_masters
from gogobe.masters.build.tables import build_tables, with_decisions
from gogobe.masters.build.word_odds import learn_word_odds
from gogobe.masters.codes.gtin import FIRST_COMPUTED_ID
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.matching.model import Model, learned_model
from gogobe.masters.snapshot.files import (
    INDEX,
    Manifest,
    Masters,
    SnapshotError,
    Tables,
    is_plain,
    save_arrays,
    write_manifest,
)
from gogobe.masters.snapshot.lexicon import build_lexicon
from gogobe.masters.vectors.encoder import Encoder, Floats
from gogobe.masters.vectors.encoder_fit import fit_encoder
from gogobe.masters.vectors.index import AnnoyBuilder, AnnoyIndex
from gogobe.masters.vectors.item_vectors import SIZE_AND_PRICE_DIMENSIONS, centred, item_vectors, master_vectors

Longs = npt.NDArray[np.int64]

_NAMES_AT_ONCE: Final = 20_000
_NAMES_TO_LEARN: Final = 20_000


def build_snapshot(
    rows: Iterable[CatalogueRow],
    folder: Path,
    *,
    encoder: Encoder | None = None,
    version: str | None = None,
    model: Model | None = None,
) -> Manifest:
    """Write a snapshot into `folder`, which must be empty or missing; its manifest is written last.

    Without an `encoder` one is fitted to the rows' names. The same rows give the same snapshot, in any order.
    `version` sorts by time, the current UTC time by default. `model` decides what is one product, the
    built-in one by default. Raises SnapshotError if the folder is not empty or the version is no plain name,
    OSError if the folder cannot be written.
    """
    if version is not None and not is_plain(version):
        raise SnapshotError(f"{version!r}: not a valid version; use letters, digits, `_`, `.` and `-`")
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise SnapshotError(f"{folder}: not empty; build into a new folder")
    now = datetime.now(UTC)
    model = model or learned_model()
    names = gather(rows)
    encoder = encoder or learn_encoder(names)
    clustered = cluster_names(names, encoder, model.pairs)
    names = clustered.names
    ids, first = np.unique(names.masters, return_index=True)
    starts = np.append(first, len(names)).astype(np.int64)
    row_of = np.repeat(np.arange(len(ids)), np.diff(starts))
    centre = _write_index(folder / INDEX, names, starts, encoder)
    index = AnnoyIndex(folder / INDEX, len(centre))
    odds = learn_word_odds(names.facts, starts, index)
    lexicon = build_lexicon(names.facts.words, row_of, names.facts.company, odds)
    tables = build_tables(clustered, ids, starts, centre)
    masters = Masters(tables, names.facts, lexicon, clustered.costs, encoder, index)
    tables = _linked(masters, clustered, model)
    save_arrays(folder, "names", names.facts)
    save_arrays(folder, "lexicon", lexicon)
    save_arrays(folder, "costs", clustered.costs)
    save_arrays(folder, "masters", tables)
    encoder.save(folder)
    return write_manifest(folder, version or f"{now:%Y%m%dT%H%M%S.%fZ}", now, tables, encoder.kind)


def _linked(masters: Masters, clustered: ClusteredNames, model: Model) -> Tables:
    """The tables with single listings of packed goods linked to GTINs, and the decisions about them."""
    tables, names = masters.tables, clustered.names
    sizes = np.diff(tables.starts)[np.searchsorted(tables.masters, names.masters)]
    asked = np.flatnonzero((names.keys >= FIRST_COMPUTED_ID) & (sizes == 1) & ~names.assigned)
    linked = link_masters(Matcher(masters, model), names, asked)
    decisions = dict(clustered.decisions)
    for row, decision in linked.decisions.items():
        key = int(names.keys[row])
        if decision.match == "vector":
            decisions[key] = [decision]
        else:
            decisions.setdefault(key, [decision])
    return with_decisions(tables, names, linked.canonical, decisions)


def learn_encoder(names: CatalogueNames) -> Encoder:
    """Fit an encoder to about ten thousand names, first of masters with several names, then evenly chosen."""
    _, row_of, counts = np.unique(names.masters, return_inverse=True, return_counts=True)
    several, single = np.flatnonzero(counts[row_of] > 1), np.flatnonzero(counts[row_of] == 1)
    chosen = np.sort(
        np.concatenate([_evenly(several, _NAMES_TO_LEARN // 2), _evenly(single, _NAMES_TO_LEARN // 2)])
    )
    return fit_encoder([names.texts[row] for row in chosen], row_of[chosen])


def _evenly(rows: Longs, count: int) -> Longs:
    """At most `count` of the rows: evenly spread runs of neighbours, so that a master's names stay
    together."""
    runs = max(count // 100, 1)
    if len(rows) <= count:
        return rows
    begins = np.linspace(0, len(rows) - 100, runs).astype(np.int64)
    return rows[np.unique((begins[:, None] + np.arange(100)).ravel())]


def _write_index(path: Path, names: CatalogueNames, starts: Longs, encoder: Encoder) -> Floats:
    """Write the index of the masters' vectors; returns their mean."""
    masters = len(starts) - 1
    vectors = np.zeros((masters, encoder.dimensions + SIZE_AND_PRICE_DIMENSIONS), dtype=np.float32)
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
