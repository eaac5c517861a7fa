"""Array helpers."""

from __future__ import annotations

import numpy as np

from gogobe.masters.text.arrays import evenly, places_in_runs, run_starts


def test_rows_are_chosen_evenly_with_both_ends() -> None:
    rows = np.arange(100, 111)
    assert evenly(rows, 3).tolist() == [100, 105, 110]
    assert evenly(rows, 11).tolist() == evenly(rows, 99).tolist() == rows.tolist()


def test_places_in_runs_begin_anew_with_each() -> None:
    assert places_in_runs(np.array([3, 0, 2])).tolist() == [0, 1, 2, 0, 1]
    assert places_in_runs(np.zeros(0, dtype=np.int64)).tolist() == []


def test_runs_begin_where_a_row_differs_from_the_one_before() -> None:
    assert run_starts(np.array([5, 5, 7, 5])).tolist() == [0, 2, 3]
    assert run_starts(np.array([1, 1, 1]), np.array([4, 5, 5])).tolist() == [0, 1]
    assert run_starts(np.zeros(0)).tolist() == []
