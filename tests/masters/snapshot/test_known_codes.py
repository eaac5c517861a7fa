"""Look-up of codes in a snapshot, one batch at a time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.masters.snapshot.files import Snapshot
from gogobe.masters.snapshot.known_codes import KnownCodes

GTINS = st.lists(st.integers(min_value=0, max_value=40), max_size=20)


@pytest.mark.slow
@given(known=GTINS, asked=GTINS)
def test_the_gtins_that_a_snapshot_knows_are_those_in_its_table(
    snapshot: Snapshot, known: list[int], asked: list[int]
) -> None:
    gtins = np.unique(np.array(known, dtype=np.int64))
    tables = replace(snapshot.tables, gtins=gtins, gtin_masters=np.zeros(len(gtins), dtype=np.int64))
    found = KnownCodes(tables).knows(np.array(asked, dtype=np.int64))
    assert found.tolist() == [gtin in known for gtin in asked]
