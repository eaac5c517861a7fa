"""Qualities that one name of a barcode states hold for its other names."""

from __future__ import annotations

import numpy as np

from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.build.gather import CatalogueNames, gather
from gogobe.masters.build.shared_qualities import share_qualities
from gogobe.masters.text.facts import Described
from gogobe.masters.text.qualities import NAMES
from tests.masters.catalogues import gtin


def names_of(*listed: tuple[str, str, str]) -> CatalogueNames:
    return gather(CatalogueRow(chain, code, Described(name)) for chain, code, name in listed)


def quality(names: CatalogueNames, what: str) -> dict[str, int]:
    """The quality of each chain's name."""
    column = names.facts.qualities[:, NAMES.index(what)].tolist()
    return {chain: bits for (chain, _), bits in zip(names.sources, column, strict=True)}


def shared(*listed: tuple[str, str, str]) -> CatalogueNames:
    names = names_of(*listed)
    return share_qualities(names, np.arange(len(names)))


def test_what_one_name_states_holds_for_the_other_names_of_the_barcode() -> None:
    names = shared(("a", gtin(1), "פלפל"), ("b", gtin(1), "פלפל אדום"), ("c", gtin(2), "פלפל"))
    colours = quality(names, "colour")
    assert colours["a"] == colours["b"] != 0 == colours["c"]


def test_names_that_contradict_each_other_share_nothing() -> None:
    names = shared(("a", gtin(1), "פלפל"), ("b", gtin(1), "פלפל אדום"), ("c", gtin(1), "פלפל ירוק"))
    before = names_of(("a", gtin(1), "פלפל"), ("b", gtin(1), "פלפל אדום"), ("c", gtin(1), "פלפל ירוק"))
    assert quality(names, "colour") == quality(before, "colour")


def test_only_the_rows_that_are_asked_for() -> None:
    names = names_of(("a", gtin(1), "פלפל"), ("b", gtin(1), "פלפל אדום"))
    assert quality(share_qualities(names, np.zeros(0, dtype=np.int64)), "colour")["a"] == 0
