"""Choosing rows of arrays."""

from __future__ import annotations

import numpy as np

from gogobe.masters.text.arrays import evenly, places_in_runs


def test_rows_are_chosen_evenly_with_both_ends() -> None:
    rows = np.arange(100, 111)
    assert evenly(rows, 3).tolist() == [100, 105, 110]
    assert evenly(rows, 11).tolist() == evenly(rows, 99).tolist() == rows.tolist()


def test_places_in_runs_begin_anew_with_each() -> None:
    assert places_in_runs(np.array([3, 0, 2])).tolist() == [0, 1, 2, 0, 1]
    assert places_in_runs(np.zeros(0, dtype=np.int64)).tolist() == []
