"""Nearest vectors: Annoy asked twice against brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from gogobe.masters.encoder import unit_rows
from gogobe.masters.index import AnnoyBuilder, AnnoyIndex, ExactIndex, nearest_of

Floats = npt.NDArray[np.float32]


@pytest.fixture
def vectors() -> Floats:
    found = np.random.default_rng(3).standard_normal((800, 12)).astype(np.float32)
    return unit_rows(found)


@pytest.fixture
def path(tmp_path: Path, vectors: Floats) -> Path:
    builder = AnnoyBuilder(tmp_path / "index.ann", 12)
    builder.add(vectors[:300])
    builder.add(vectors[300:])
    builder.finish()
    return tmp_path / "index.ann"


def test_every_vector_finds_itself_and_what_brute_force_finds(path: Path, vectors: Floats) -> None:
    index = AnnoyIndex(path, 12, beside=4)
    found, exact = index.search(vectors[:50], 10), ExactIndex(vectors).search(vectors[:50], 10)
    assert found.rows[:, 0].tolist() == list(range(50))
    assert np.allclose(found.cosines[:, 0], 1, atol=1e-5)
    assert (found.rows == exact.rows).mean() > 0.99
    assert np.allclose(found.cosines, exact.cosines, atol=1e-5)


def test_the_file_holds_the_vectors_as_they_were_added(path: Path, vectors: Floats) -> None:
    assert np.array_equal(AnnoyIndex(path, 12).vectors, vectors)


def test_the_same_vectors_make_the_same_file(path: Path, vectors: Floats, tmp_path: Path) -> None:
    builder = AnnoyBuilder(tmp_path / "again.ann", 12)
    builder.add(vectors)
    builder.finish()
    assert path.read_bytes() == (tmp_path / "again.ann").read_bytes()


def test_asked_for_more_than_there_are_the_rest_is_missing(vectors: Floats) -> None:
    found = ExactIndex(vectors[:3]).search(vectors[:2], 5)
    assert (found.rows[:, 3:] == -1).all()
    assert (found.cosines[:, 3:] == 0).all()


def test_rows_named_twice_count_once(vectors: Floats) -> None:
    found = nearest_of(vectors, vectors[:1], np.array([[5, 0, 5, -1, 0]]), 4)
    assert found.rows.tolist() == [[0, 5, -1, -1]]


def test_an_index_of_other_dimensions_is_refused(path: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)size|index"):
        AnnoyIndex(path, 13)
