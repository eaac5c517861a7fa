"""Candidate clusters of an item: by vector, by word and by code."""

from __future__ import annotations

import numpy as np
import pytest

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.matching.cluster_candidates import COMPARED, cluster_candidates
from gogobe.masters.matching.matcher import Matcher
from gogobe.masters.matching.model import learned_model
from gogobe.masters.matching.queries import queries_of
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from gogobe.masters.text.facts import Described
from tests.masters.catalogues import rows_of

THINGS = (
    "מלון",
    "חציל",
    "קישוא",
    "תפוז",
    "אגס",
    "שזיף",
    "בצל",
    "גזר",
    "סלק",
    "דלעת",
    "אננס",
    "מנגו",
    "רימון",
    "תמר",
)


def loose(name: str) -> Described:
    return Described(name, price=8.0, is_weighted=True)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    rows = [CatalogueRow("1", str(9000 + n), loose(thing)) for n, thing in enumerate(THINGS)]
    rows.append(CatalogueRow("1", "7290000098756", loose("דג נסיכה")))
    folder = tmp_path_factory.mktemp("likes") / "s"
    build_snapshot([*rows, *rows_of("2", [f"מגבת רחצה מספר {n}" for n in range(30)])], folder)
    return open_snapshot(folder)


def candidates(snapshot: Snapshot, name: str, code: str, *, by_vector: bool = True) -> list[str]:
    items = queries_of([loose(name)], np.array([10**14 + 1]), [code])
    vectors = Matcher(snapshot, learned_model()).vectors(items)
    nearest = snapshot.index.search(vectors, 50).rows if by_vector else np.full((1, 50), -1)
    asked, rows = cluster_candidates(snapshot, items, vectors, nearest)
    assert set(asked.tolist()) <= {0}
    return [snapshot.tables.label(int(snapshot.tables.starts[row])) for row in rows]


def test_by_word_whatever_its_number(snapshot: Snapshot) -> None:
    assert candidates(snapshot, "קשואים", "1", by_vector=False) == ["קישוא"]


def test_by_the_end_of_a_code(snapshot: Snapshot) -> None:
    assert candidates(snapshot, "אמנון", "98756", by_vector=False) == ["דג נסיכה"]


def test_by_vector_and_never_packed_goods(snapshot: Snapshot) -> None:
    found = candidates(snapshot, "חציל", "1")
    assert "חציל" in found
    assert len(found) == COMPARED
    assert not [name for name in found if name.startswith("מגבת")]


def test_nothing_in_common(snapshot: Snapshot) -> None:
    assert candidates(snapshot, "כרוב", "1", by_vector=False) == []


@pytest.mark.parametrize("thing", THINGS)
def test_a_shared_word_comes_before_a_vector_that_says_little(snapshot: Snapshot, thing: str) -> None:
    items = queries_of([loose(thing)], np.array([10**14 + 1]), ["1"])
    # The vector is that of other goods, and all clusters are among the nearest: more than are compared.
    others = queries_of([loose("דג נסיכה")], np.array([10**14 + 1]), ["1"])
    vectors = Matcher(snapshot, learned_model()).vectors(others)
    nearest = np.flatnonzero(snapshot.tables.loose)[None, :]
    assert nearest.size > COMPARED
    _, rows = cluster_candidates(snapshot, items, vectors, nearest)
    assert thing in [snapshot.tables.label(int(snapshot.tables.starts[row])) for row in rows]
