"""Text encoders: the interface, and the character n-gram encoder that is fitted to a catalogue's own
names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

import numpy as np
import numpy.typing as npt

from gogobe.masters.text.ngrams import HashedGrams, hash_grams

Floats = npt.NDArray[np.float32]


class Encoder(Protocol):
    """Turns names in normal form into vectors whose cosine measures similarity."""

    @property
    def kind(self) -> str:
        """Its name in a snapshot's manifest."""

    @property
    def dimensions(self) -> int:
        """The length of its vectors."""

    def encode(self, texts: Sequence[str]) -> Floats:
        """A vector of length 1 for each text, (texts, dimensions); zeros for a text without known parts."""

    def save(self, folder: Path) -> None:
        """Write the files `encoder_*` that `load_encoder` needs into a folder."""


def unit_rows(vectors: Floats) -> Floats:
    """The vectors scaled to length 1; zero vectors stay zero."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: Floats = (vectors / np.maximum(lengths, 1e-9)).astype(np.float32)
    return scaled


@dataclass(frozen=True)
class GramEncoder:
    """Character n-grams, weighted by rarity and projected so that names of one product are close together.

    `weights` (buckets,) are those of the hashed n-grams, `projection` (buckets, dimensions) maps them, and
    `centre` (dimensions,) is the mean of the names it was fitted on.
    """

    weights: Floats
    projection: npt.NDArray[np.float16]
    centre: Floats

    @property
    def kind(self) -> str:
        return "grams"

    @property
    def dimensions(self) -> int:
        return int(self.projection.shape[1])

    def encode(self, texts: Sequence[str]) -> Floats:
        grams = hash_grams(texts, buckets=len(self.weights))
        weights = unit_weights(grams, self.weights)
        return unit_rows(weighted_sums(grams, weights, self.projection) - self.centre)

    def save(self, folder: Path) -> None:
        np.save(folder / "encoder_weights.npy", self.weights)
        np.save(folder / "encoder_projection.npy", self.projection)
        np.save(folder / "encoder_centre.npy", self.centre)

    @classmethod
    def load(cls, folder: Path) -> GramEncoder:
        """The encoder saved in a folder, its tables memory-mapped."""
        weights, projection, centre = (
            np.asarray(np.load(folder / f"encoder_{part}.npy", mmap_mode="r"))
            for part in ("weights", "projection", "centre")
        )
        return cls(weights, projection, centre)


def unit_weights(grams: HashedGrams, weights: Floats) -> Floats:
    """The weight of each n-gram in its text, scaled so that a text's weights have length 1."""
    own = weights[grams.buckets]
    squares = np.concatenate(([0.0], np.cumsum(own.astype(np.float64) ** 2)))
    lengths = np.sqrt(squares[grams.starts[1:]] - squares[grams.starts[:-1]])
    scaled: Floats = (own / np.repeat(np.maximum(lengths, 1e-9), np.diff(grams.starts))).astype(np.float32)
    return scaled


_GRAMS_AT_ONCE: Final = 1 << 12  # their rows of the table fit in a core's cache


def weighted_sums(grams: HashedGrams, weights: Floats, table: npt.NDArray[np.floating]) -> Floats:
    """For each text the weighted sum of its n-grams' rows of a table: (texts, columns)."""
    texts = len(grams.starts) - 1
    sums = np.zeros((texts, table.shape[1]), dtype=np.float32)
    begin = 0
    while begin < texts:
        limit = grams.starts[begin] + _GRAMS_AT_ONCE
        end = max(int(np.searchsorted(grams.starts, limit, side="right")) - 1, begin + 1)
        part = slice(int(grams.starts[begin]), int(grams.starts[end]))
        if part.stop > part.start:
            rows = table[grams.buckets[part]].astype(np.float32) * weights[part, None]
            starts = grams.starts[begin:end] - part.start
            present = np.diff(grams.starts[begin : end + 1]) > 0
            sums[begin:end][present] = np.add.reduceat(rows, starts[present], axis=0)
        begin = end
    return sums
