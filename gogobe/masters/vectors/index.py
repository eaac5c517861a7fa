"""Nearest-neighbour indexes behind one small interface: exact, and Annoy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, Protocol

import numpy as np
import numpy.typing as npt
from annoy import AnnoyIndex as _Annoy

from gogobe.masters.vectors.item_vectors import SIZE_AND_PRICE_DIMENSIONS

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

TREES: Final = 24
SEARCHED: Final = 2_000
"""Nodes that Annoy inspects for a vector: with more, recall and time grow."""
SIZE_AND_PRICE_IN_TREES: Final = np.float32(0.7)
"""The factor on the dimensions of size and price while trees are built."""
_SEED: Final = 20_260_607


@dataclass(frozen=True)
class Nearest:
    """For each query vector the rows found, nearest first, and their cosines: (vectors, count) each; -1 and
    0.0 if there are fewer."""

    rows: Rows
    cosines: Floats


class VectorIndex(Protocol):
    """Finds the indexed vectors nearest to a vector of length 1, by cosine."""

    @property
    def vectors(self) -> Floats:
        """The indexed vectors, by row."""

    def search(self, vectors: Floats, count: int) -> Nearest:
        """The `count` nearest rows of each vector."""


class AnnoyIndex:
    """An Annoy file, memory-mapped: all processes of a machine share it. Results are deterministic."""

    def __init__(self, path: Path, dimensions: int, *, searched: int = SEARCHED) -> None:
        """Raises OSError if the file is missing or is no index of so many dimensions."""
        self._annoy = _Annoy(dimensions, "angular")
        self._annoy.load(str(path))
        self._searched = searched
        self._vectors = _nodes(path, dimensions, "r")["vector"][: len(self)]
        if len(self) and not np.allclose(self._annoy.get_item_vector(len(self) - 1), self._vectors[-1]):
            raise OSError(f"{path}: not the file layout of this version of Annoy")

    def __len__(self) -> int:
        return int(self._annoy.get_n_items())

    @property
    def vectors(self) -> Floats:
        return self._vectors

    def search(self, vectors: Floats, count: int) -> Nearest:
        rows = np.full((len(vectors), count), -1, dtype=np.int64)
        distances = np.full((len(vectors), count), np.sqrt(2), dtype=np.float32)
        for place, vector in enumerate(vectors.tolist()):
            found, far = self._annoy.get_nns_by_vector(vector, count, self._searched, include_distances=True)
            rows[place, : len(found)] = found
            distances[place, : len(far)] = far
        # Annoy's angular distance is the Euclidean distance of unit vectors: sqrt(2 - 2 cosine).
        return Nearest(rows, np.where(rows >= 0, 1 - distances**2 / 2, np.float32(0)))


class AnnoyBuilder:
    """Writes an Annoy file, on disk from the first vector, so that memory does not grow with it.

    Two chains often give a product different sizes. Trees that divide vectors by size as much as by name
    would send such a query down another branch. So trees are built from vectors whose last `beside`
    dimensions (size and price) are shortened. Once the trees exist, the vectors are written back in full and
    the planes between branches are shortened instead. A full vector then takes the same branch as the
    shortened one, and Annoy's distances are those of full vectors.
    """

    def __init__(self, path: Path, dimensions: int, *, beside: int = SIZE_AND_PRICE_DIMENSIONS) -> None:
        self._path = path
        self._dimensions = dimensions
        self._beside = slice(dimensions - beside, dimensions)
        self._annoy = _Annoy(dimensions, "angular")
        self._annoy.set_seed(_SEED)
        self._annoy.on_disk_build(str(path))
        self._count = 0

    def add(self, vectors: Floats) -> None:
        """Append vectors of length 1 as the next rows."""
        shortened = vectors.copy()
        shortened[:, self._beside] *= SIZE_AND_PRICE_IN_TREES
        for row, vector in enumerate(shortened.tolist(), self._count):
            self._annoy.add_item(row, vector)
        self._count += len(vectors)

    def finish(self, trees: int = TREES) -> None:
        """Build the trees, in one thread so that the file is reproducible, and close the file."""
        self._annoy.build(trees, n_jobs=1)
        self._annoy.unload()
        nodes = _nodes(self._path, self._dimensions, "r+")
        items, branches = nodes[: self._count], nodes[self._count :]
        items["vector"][:, self._beside] /= SIZE_AND_PRICE_IN_TREES
        items["norm"] = np.einsum("ij,ij->i", items["vector"], items["vector"])
        # A node whose descendants fit behind its head lists them; only a larger node has a plane.
        planes = np.flatnonzero(branches["descendants"] > self._dimensions + _HEAD - 1)
        branches["vector"][planes, self._beside] *= SIZE_AND_PRICE_IN_TREES


_HEAD: Final = 3  # numbers of 4 bytes before a node's vector


def _nodes(path: Path, dimensions: int, mode: Literal["r", "r+"]) -> npt.NDArray[np.void]:
    """The nodes of an Annoy file, memory-mapped: the items in order, then those of the trees (annoylib.h,
    `struct Angular::Node`; an item stores its squared norm where a branch has its first child)."""
    node = np.dtype(
        [
            ("descendants", np.int32),
            ("norm", np.float32),
            ("child", np.int32),
            ("vector", np.float32, dimensions),
        ]
    )
    if not path.stat().st_size:
        return np.zeros(0, dtype=node)
    return np.asarray(np.memmap(path, dtype=node, mode=mode))


class ExactIndex:
    """Exact search by comparing all vectors: the ground truth for an approximate index."""

    def __init__(self, vectors: Floats) -> None:
        self._vectors = vectors

    @property
    def vectors(self) -> Floats:
        return self._vectors

    def search(self, vectors: Floats, count: int) -> Nearest:
        rows = np.full((len(vectors), count), -1, dtype=np.int64)
        cosines = np.zeros((len(vectors), count), dtype=np.float32)
        kept = min(count, len(self._vectors))
        for start in range(0, len(vectors) if kept else 0, 256):
            similarity = vectors[start : start + 256] @ self._vectors.T
            nearest = _largest(similarity, kept)
            order = np.argsort(-np.take_along_axis(similarity, nearest, axis=1), axis=1, kind="stable")
            nearest = np.take_along_axis(nearest, order, axis=1)
            rows[start : start + 256, :kept] = nearest
            cosines[start : start + 256, :kept] = np.take_along_axis(similarity, nearest, axis=1)
        return Nearest(rows, cosines)


_RUN: Final = 64


def _largest(values: Floats, count: int) -> Rows:
    """The columns of the `count` largest values of each row, unordered.

    They are in the `count` runs of columns with the largest maxima, which are cheap to find.
    """
    width = values.shape[1] // _RUN * _RUN
    if width <= count * _RUN:
        return np.argpartition(values, -count, axis=1)[:, -count:]
    runs = values[:, :width].reshape(len(values), -1, _RUN).max(axis=2)
    best = np.argpartition(runs, -count, axis=1)[:, -count:]
    columns = (best[:, :, None] * _RUN + np.arange(_RUN)).reshape(len(values), -1)
    rest = np.broadcast_to(np.arange(width, values.shape[1]), (len(values), values.shape[1] - width))
    columns = np.concatenate([columns, rest], axis=1)
    among = np.argpartition(np.take_along_axis(values, columns, axis=1), -count, axis=1)[:, -count:]
    return np.take_along_axis(columns, among, axis=1)
