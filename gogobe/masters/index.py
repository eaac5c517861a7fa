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

TREES: Final = 60
SEARCHED: Final = 6_000
"""Nodes that Annoy looks at for a query: more find more and take longer."""
_SEED: Final = 20_260_607


@dataclass(frozen=True)
class Nearest:
    """For each vector asked, the rows found, nearest first, and their cosines: (vectors, count) each; -1 and
    0.0 where there are fewer."""

    rows: Rows
    cosines: Floats


class VectorIndex(Protocol):
    """Finds, for vectors of length 1, those of its own that lie nearest by cosine."""

    def search(self, vectors: Floats, count: int) -> Nearest:
        """The `count` nearest of each vector."""


class AnnoyIndex:
    """An Annoy file, mapped into memory: all processes of a machine share it. Answers are deterministic."""

    def __init__(self, path: Path, dimensions: int, searched: int = SEARCHED) -> None:
        """Raises OSError where the file is missing or is no index of so many dimensions."""
        self._annoy = _Annoy(dimensions, "angular")
        self._annoy.load(str(path))
        self._searched = searched

    def __len__(self) -> int:
        return int(self._annoy.get_n_items())

    def search(self, vectors: Floats, count: int) -> Nearest:
        rows = np.full((len(vectors), count), -1, dtype=np.int64)
        cosines = np.zeros((len(vectors), count), dtype=np.float32)
        for place, vector in enumerate(vectors):
            found, apart = self._annoy.get_nns_by_vector(vector, count, self._searched, True)
            rows[place, : len(found)] = found
            cosines[place, : len(found)] = apart
        # Annoy's angular distance is the chord's length, the root of 2 - 2 * cosine.
        return Nearest(rows, np.where(rows >= 0, 1 - cosines**2 / 2, 0).astype(np.float32))


class ExactIndex:
    """Every vector compared with every other: the truth that an approximate index is measured against."""

    def __init__(self, vectors: Floats) -> None:
        self._vectors = vectors

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
