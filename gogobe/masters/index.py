"""Nearest vectors, behind an interface small enough that any index fits it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt
from annoy import AnnoyIndex as _Annoy

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

TREES: Final = 24
SEARCHED: Final = 2_500
"""Nodes that Annoy looks at for a probe: more find more and take longer."""
_NODE_HEAD: Final = 3  # numbers of 4 bytes before a vector in Annoy's file: descendants, and the norm's place
_SEED: Final = 20_260_607


@dataclass(frozen=True)
class Nearest:
    """For each vector asked, the rows found, nearest first, and their cosines: (vectors, count) each; -1 and
    0.0 where there are fewer."""

    rows: Rows
    cosines: Floats


class VectorIndex(Protocol):
    """Finds, for vectors of length 1, those of its own that lie nearest by cosine."""

    @property
    def vectors(self) -> Floats:
        """Its own vectors, by row."""

    def search(self, vectors: Floats, count: int) -> Nearest:
        """The `count` nearest of each vector."""


class AnnoyIndex:
    """An Annoy file, mapped into memory: all processes of a machine share it. Answers are deterministic.

    Annoy's trees miss a master whose size is published differently: one number far off, and the query goes down
    another branch. So every vector is asked for twice, as it is and with its last `beside` dimensions (all that
    stands beside the name) left out, and of both answers those nearest to the whole vector are taken.
    """

    def __init__(self, path: Path, dimensions: int, *, beside: int = 0, searched: int = SEARCHED) -> None:
        """Raises OSError where the file is missing or is no index of so many dimensions."""
        self._annoy = _Annoy(dimensions, "angular")
        self._annoy.load(str(path))
        self._beside = beside
        self._searched = searched
        self._vectors = _stored_vectors(path, len(self), dimensions)
        if len(self) and not np.allclose(self._annoy.get_item_vector(len(self) - 1), self._vectors[-1]):
            raise OSError(f"{path}: not laid out as this version of Annoy lays out its files")

    def __len__(self) -> int:
        return int(self._annoy.get_n_items())

    @property
    def vectors(self) -> Floats:
        return self._vectors

    def search(self, vectors: Floats, count: int) -> Nearest:
        found = self._probe(vectors, count)
        if self._beside:
            names_only = vectors.copy()
            names_only[:, -self._beside :] = 0
            found = np.concatenate([found, self._probe(names_only, count)], axis=1)
        return nearest_of(self._vectors, vectors, found, count)

    def _probe(self, vectors: Floats, count: int) -> Rows:
        rows = np.full((len(vectors), count), -1, dtype=np.int64)
        for place, vector in enumerate(vectors.tolist()):
            found = self._annoy.get_nns_by_vector(vector, count, self._searched)
            rows[place, : len(found)] = found
        return rows


def nearest_of(stored: Floats, vectors: Floats, rows: Rows, count: int) -> Nearest:
    """Of the rows named for each vector (-1: none; some twice) the `count` nearest by cosine, ties by row."""
    rows = np.sort(rows, axis=1)
    rows[:, 1:][rows[:, 1:] == rows[:, :-1]] = -1
    cosines = np.empty(rows.shape, dtype=np.float32)
    for place, vector in enumerate(vectors):
        cosines[place] = stored[rows[place]] @ vector
    cosines[rows < 0] = -np.inf
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :count]
    rows, cosines = np.take_along_axis(rows, order, axis=1), np.take_along_axis(cosines, order, axis=1)
    return Nearest(rows, np.where(rows >= 0, cosines, np.float32(0)))


def _stored_vectors(path: Path, count: int, dimensions: int) -> Floats:
    """The vectors in an Annoy file, mapped: a node is its number of descendants, its norm in the place of two
    children, and the vector (annoylib.h, `struct Angular::Node`); items come first, in order."""
    if not count:
        return np.zeros((0, dimensions), dtype=np.float32)
    numbers = np.memmap(path, dtype=np.float32, mode="r", shape=(count, _NODE_HEAD + dimensions))
    return np.asarray(numbers)[:, _NODE_HEAD:]


class ExactIndex:
    """Every vector compared with every other: the truth that an approximate index is measured against."""

    def __init__(self, vectors: Floats) -> None:
        self._vectors = vectors

    @property
    def vectors(self) -> Floats:
        return self._vectors

    def search(self, vectors: Floats, count: int) -> Nearest:
        rows = np.full((len(vectors), count), -1, dtype=np.int64)
        cosines = np.zeros((len(vectors), count), dtype=np.float32)
        kept = min(count, len(self._vectors))
        for start in range(0, len(vectors), 256):
            likeness = vectors[start : start + 256] @ self._vectors.T
            nearest = np.argpartition(-likeness, kept - 1, axis=1)[:, :kept]
            order = np.argsort(-np.take_along_axis(likeness, nearest, axis=1), axis=1, kind="stable")
            nearest = np.take_along_axis(nearest, order, axis=1)
            rows[start : start + 256, :kept] = nearest
            cosines[start : start + 256, :kept] = np.take_along_axis(likeness, nearest, axis=1)
        return Nearest(rows, cosines)


class AnnoyBuilder:
    """Writes an Annoy file, on disk from the first vector on, so that memory does not grow with it."""

    def __init__(self, path: Path, dimensions: int) -> None:
        self._annoy = _Annoy(dimensions, "angular")
        self._annoy.set_seed(_SEED)
        self._annoy.on_disk_build(str(path))
        self._count = 0

    def add(self, vectors: Floats) -> None:
        """Append vectors as the next rows."""
        for vector in vectors:
            self._annoy.add_item(self._count, vector)
            self._count += 1

    def finish(self, trees: int = TREES) -> None:
        """Build the trees, in one thread so that the file is the same each time, and close the file."""
        self._annoy.build(trees, n_jobs=1)
        self._annoy.unload()
