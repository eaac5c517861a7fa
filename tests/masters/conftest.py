"""A snapshot of real names, including known hard cases, built once."""

from __future__ import annotations

import pytest

from gogobe.masters.build.build import build_snapshot
from gogobe.masters.snapshot.files import Snapshot, open_snapshot
from tests.masters.catalogues import CREAMS, YOGHURTS, row, rows_of, sample_rows


@pytest.fixture(scope="session")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Four real chains, and two that sell creams, yoghurts, drinks and produce."""
    rows = sample_rows()
    for chain in ("a", "b"):
        rows += rows_of(chain, CREAMS, first=0, price=39.9, size=50)
        rows += rows_of(chain, YOGHURTS, first=100, price=5.9, size=150)
        rows += rows_of(chain, ["משקה ענבים גמא 1.5 ליטר"], first=200, price=6.9, size=1500)
        rows += [row(chain, "1500", "עגבניות שרי תמר אשכולות", 14.9, is_weighted=True)]
    folder = tmp_path_factory.mktemp("masters") / "snapshot"
    build_snapshot(rows, folder, version="1")
    return open_snapshot(folder)
