"""Nearest neighbours: Annoy compared with exact search, exact search with sorting."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from gogobe.masters.vectors.encoder import unit_rows
from gogobe.masters.vectors.index import AnnoyBuilder, AnnoyIndex, ExactIndex

Floats = npt.NDArray[np.float32]


@pytest.fixture
def vectors() -> Floats:
    found = np.random.default_rng(3).standard_normal((800, 12)).astype(np.float32)
    return unit_rows(found)


@pytest.fixture
def path(tmp_path: Path, vectors: Floats) -> Path:
    builder = AnnoyBuilder(tmp_path / "index.ann", 12, beside=4)
    builder.add(vectors[:300])
    builder.add(vectors[300:])
    builder.finish()
    return tmp_path / "index.ann"


def test_every_vector_finds_itself_and_what_brute_force_finds(path: Path, vectors: Floats) -> None:
    index = AnnoyIndex(path, 12)
    found, exact = index.search(vectors[:50], 10), ExactIndex(vectors).search(vectors[:50], 10)
    assert found.rows[:, 0].tolist() == list(range(50))
    assert np.allclose(found.cosines[:, 0], 1, atol=1e-5)
    same = found.rows == exact.rows
    assert same.mean() > 0.99
    assert np.allclose(found.cosines[same], exact.cosines[same], atol=1e-5)


def test_the_file_holds_the_vectors_as_they_were_added(path: Path, vectors: Floats) -> None:
    assert np.allclose(AnnoyIndex(path, 12).vectors, vectors, atol=1e-7)


def test_the_same_vectors_make_the_same_file(path: Path, vectors: Floats, tmp_path: Path) -> None:
    builder = AnnoyBuilder(tmp_path / "again.ann", 12, beside=4)
    builder.add(vectors)
    builder.finish()
    assert path.read_bytes() == (tmp_path / "again.ann").read_bytes()


def test_asked_for_more_than_there_are_the_rest_is_missing(vectors: Floats) -> None:
    found = ExactIndex(vectors[:3]).search(vectors[:2], 5)
    assert (found.rows[:, 3:] == -1).all()
    assert (found.cosines[:, 3:] == 0).all()


def test_of_many_vectors_brute_force_finds_those_that_sorting_finds() -> None:
    many = unit_rows(np.random.default_rng(5).standard_normal((2_003, 8)).astype(np.float32))
    queries = np.concatenate([many[:20], many[-20:]])
    found = ExactIndex(many).search(queries, 9)
    similarity = queries @ many.T
    assert np.array_equal(found.rows, np.argsort(-similarity, axis=1, kind="stable")[:, :9])
    assert np.array_equal(found.cosines, np.take_along_axis(similarity, found.rows, axis=1))


def test_without_vectors_nothing_is_found() -> None:
    assert (ExactIndex(np.zeros((0, 8), np.float32)).search(np.ones((2, 8), np.float32), 3).rows == -1).all()


def test_what_differs_beside_the_name_only_is_found_sooner_where_the_trees_know_it(tmp_path: Path) -> None:
    random = np.random.default_rng(11)
    names = random.standard_normal((4_000, 12)).astype(np.float32)
    beside, other = random.standard_normal((2, 4_000, 12)).astype(np.float32)
    stored, queries = (unit_rows(np.concatenate([names, one], axis=1)) for one in (beside, other))

    def found(known: int) -> float:
        path = tmp_path / f"{known}.ann"
        builder = AnnoyBuilder(path, 24, beside=known)
        builder.add(stored)
        builder.finish()
        rows = AnnoyIndex(path, 24, searched=200).search(queries[:500], 50).rows
        return float((rows == np.arange(500)[:, None]).any(axis=1).mean())

    assert found(12) > found(0) + 0.05


def test_an_index_of_other_dimensions_is_refused(path: Path) -> None:
    with pytest.raises(OSError, match=r"(?i)size|index"):
        AnnoyIndex(path, 13)
