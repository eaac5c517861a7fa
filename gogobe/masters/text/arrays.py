"""Array helpers: evenly spread samples of rows, and runs of equal rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Longs = npt.NDArray[np.int64]


def evenly(rows: Longs, count: int) -> Longs:
    """At most `count` of the rows, evenly spread, with the first and the last."""
    return rows if len(rows) <= count else rows[np.linspace(0, len(rows) - 1, count).astype(np.int64)]


def places_in_runs(lengths: Longs) -> Longs:
    """For consecutive runs of these lengths, the position of each element in its run: 0, 1, 2, 0, 1, …"""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def run_starts(*ordered: npt.NDArray[Any]) -> Longs:
    """The starts of runs of equal rows, given columns of one length in which equal rows are adjacent."""
    if not len(ordered[0]):
        return np.zeros(0, dtype=np.int64)
    begins = np.zeros(len(ordered[0]), dtype=np.bool_)
    begins[0] = True
    for column in ordered:
        begins[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(begins)
