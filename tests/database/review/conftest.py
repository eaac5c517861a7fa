"""Fixtures: masters to merge and to separate."""

from __future__ import annotations

import pytest

from gogobe.database.load.loader import Loader
from tests.database.samples import file_batches, item


@pytest.fixture
def three(dsn: str) -> str:
    """Three chains that sell one product under a code of their own each: masters 1, 2 and 3."""
    with Loader(dsn) as loader:
        for number in (1, 2, 3):
            rows = [item(str(number), str(number), name=f"tomato {number}")]
            loader.load(file_batches(rows, chain=f"c{number}", chain_id=str(number)))
    return dsn
