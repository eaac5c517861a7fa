"""Fitting of the n-gram encoder: names that chains give to one product become close together.

Two steps, both closed-form and deterministic: a truncated singular value decomposition of the weighted
n-grams (randomized: Halko, Martinsson & Tropp 2011), then linear discriminants (Fisher): the directions in
which different products differ most, relative to how much the names of one product differ. Training pairs
come from the masters: a GTIN in two chains labels a pair of names.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from gogobe.masters.text.ngrams import BUCKETS, HashedGrams, hash_grams
from gogobe.masters.vectors.encoder import Floats, GramEncoder, unit_weights, weighted_sums

DIMENSIONS: Final = 96
_CONCEPTS: Final = 256  # dimensions of the decomposition, before the discriminants are chosen
_OVERSAMPLED: Final = 16
_POWER_ITERATIONS: Final = 1
_MIN_PAIRS: Final = 1_000  # minimum pairs for their covariance; with fewer there are no discriminants
_SHRINKAGE: Final = 0.2
_SEED: Final = 20_260_607


def fit_encoder(
    texts: Sequence[str], masters: npt.NDArray[np.int64], dimensions: int = DIMENSIONS
) -> GramEncoder:
    """Fit to names in normal form and the master of each; names of one master are adjacent.

    About ten thousand names are enough; a hundred thousand take one to two minutes and 1 GB. With fewer names
    than dimensions the remaining dimensions are 0.
    """
    grams = hash_grams(texts)
    weights = _rarity_weights(grams, len(texts))
    unit = unit_weights(grams, weights)
    basis = _concepts(grams, unit, min(_CONCEPTS, max(len(texts), 1)))
    reduced = weighted_sums(grams, unit, basis)
    same = np.flatnonzero(masters[1:] == masters[:-1])
    if len(same) >= _MIN_PAIRS:
        basis = basis @ _discriminants(reduced, same, dimensions)
    width = min(dimensions, basis.shape[1])
    projection = np.zeros((BUCKETS, dimensions), dtype=np.float32)
    projection[:, :width] = basis[:, :width]
    # Half precision holds numbers near 1 best.
    projection /= max(float(np.abs(projection).max(initial=0.0)), 1e-12)
    centre = weighted_sums(grams, unit, projection).mean(axis=0) if len(texts) else np.zeros(dimensions)
    return GramEncoder(weights, projection.astype(np.float16), centre.astype(np.float32))


def _rarity_weights(grams: HashedGrams, texts: int) -> Floats:
    owners = np.repeat(np.arange(texts), np.diff(grams.starts))
    once = np.unique(owners * BUCKETS + grams.buckets) % BUCKETS
    counts = np.bincount(once, minlength=BUCKETS)
    weights: Floats = np.log1p(texts / (1.0 + counts)).astype(np.float32)
    return weights


def _concepts(grams: HashedGrams, unit: Floats, count: int) -> Floats:
    """The leading right singular vectors of the texts' n-gram matrix, (buckets, count)."""
    generator = np.random.default_rng(_SEED)
    sketch = generator.standard_normal((BUCKETS, count + _OVERSAMPLED)).astype(np.float32)
    texts = len(grams.starts) - 1
    by_bucket = _transposed(grams, unit, texts)
    for _ in range(_POWER_ITERATIONS + 1):
        left = _orthonormal(weighted_sums(grams, unit, sketch))
        sketch = _transposed_sums(by_bucket, left)
    return _orthonormal(sketch)[:, :count]


def _orthonormal(columns: Floats) -> Floats:
    """Orthonormal columns that span the same space, by descending variance.

    They come from the eigenvectors of the Gram matrix, which is exact enough for leading directions and ten
    times as fast as decomposing the columns.
    """
    wide = columns.astype(np.float64)
    strengths, directions = np.linalg.eigh(wide.T @ wide)
    kept = strengths[::-1] > 1e-10 * max(float(strengths[-1]), 1e-12)
    scaled = directions[:, ::-1] * np.where(kept, 1 / np.sqrt(np.maximum(strengths[::-1], 1e-300)), 0.0)
    orthonormal: Floats = (wide @ scaled).astype(np.float32)
    return orthonormal


def _transposed(grams: HashedGrams, unit: Floats, texts: int) -> tuple[HashedGrams, Floats]:
    """The same matrix with buckets as rows and texts as columns."""
    order = np.argsort(grams.buckets, kind="stable")
    owners = np.repeat(np.arange(texts), np.diff(grams.starts))[order]
    starts = np.concatenate(([0], np.cumsum(np.bincount(grams.buckets, minlength=BUCKETS))))
    return HashedGrams(owners, starts), unit[order]


def _transposed_sums(by_bucket: tuple[HashedGrams, Floats], left: Floats) -> Floats:
    return weighted_sums(by_bucket[0], by_bucket[1], left.astype(np.float32))


def _discriminants(reduced: Floats, same: npt.NDArray[np.int64], dimensions: int) -> Floats:
    """The directions that distinguish products, (concepts, dimensions), scaled by their discriminative
    power."""
    apart = (reduced[same] - reduced[same + 1]).astype(np.float64)
    within = apart.T @ apart / (2 * len(apart))
    within += _SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    total = np.cov(reduced.astype(np.float64).T)
    whitener = np.linalg.inv(np.linalg.cholesky(within))
    _, directions = np.linalg.eigh(whitener @ total @ whitener.T)
    chosen: Floats = (whitener.T @ directions[:, ::-1][:, :dimensions]).astype(np.float32)
    return chosen
