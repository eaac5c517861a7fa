"""Copies qualities that one name of a barcode states to its other names.

If one chain writes "packed tomatoes" and another "tomatoes" under one barcode, both sell packed ones. Without
this the second name would join the barcode to loose tomatoes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from gogobe.masters.build.gather import CatalogueNames
from gogobe.masters.text.arrays import run_starts

Longs = npt.NDArray[np.int64]
Bits = npt.NDArray[np.uint16]


def share_qualities(names: CatalogueNames, rows: Longs) -> CatalogueNames:
    """The names, where those in `rows` also have the qualities that another name of their master in `rows`
    states and no name contradicts."""
    qualities = names.facts.qualities.copy()
    order = rows[np.argsort(names.masters[rows], kind="stable")]
    qualities[order] = _filled(qualities[order], names.masters[order])
    return replace(names, facts=replace(names.facts, qualities=qualities))


def _filled(qualities: Bits, masters: Longs) -> Bits:
    """Qualities (n, qualities) of names sorted by master; unstated ones are filled from the master's other
    names if these agree."""
    if not len(qualities):
        return qualities
    begins = run_starts(masters)
    run_of = np.repeat(np.arange(len(begins)), np.diff(begins, append=len(masters)))
    nothing = np.uint16(np.iinfo(np.uint16).max)
    most = np.maximum.reduceat(qualities, begins, axis=0)
    least = np.minimum.reduceat(np.where(qualities > 0, qualities, nothing), begins, axis=0)
    agreed = np.where(most == least, most, np.uint16(0))
    filled: Bits = np.where(qualities > 0, qualities, agreed[run_of])
    return filled
