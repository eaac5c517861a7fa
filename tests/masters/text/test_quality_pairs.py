"""Comparison of the qualities of two names."""

from __future__ import annotations

import pytest

from gogobe.masters.text.facts import Described, describe
from gogobe.masters.text.qualities import NAMES
from gogobe.masters.text.quality_pairs import QualityPairs, pair_qualities


def pairs_of(one: str, other: str) -> QualityPairs:
    bits = describe([Described(one), Described(other)])[1].qualities
    return pair_qualities(bits[:1], bits[1:])


@pytest.mark.parametrize(
    ("one", "other", "relation", "qualities"),
    [
        ("בננה", "בננות", "", set()),
        ("פלפל אדום", "פלפלים אדומים", "", set()),
        ("פלפל אדום", "פלפל ירוק", "contradict", {"colour"}),
        ("כרוב אדום", "כרוב סגול", "near", {"colour"}),
        ("סלמון קפוא מעושן", "סלמון טרי", "contradict", {"state"}),
        ("סלמון מעושן", "סלמון", "one_sided", {"process"}),
        ("סלמון", "סלמון טרי", "usual", {"state"}),
        ("זיתים ללא גלעין", "זיתים עם גלעין", "contradict", {"stone"}),
        ("זיתים ללא גלעין", "זיתים", "one_sided", {"stone"}),
        ("זיתים עם גלעין", "זיתים", "usual", {"stone"}),
    ],
)
def test_how_qualities_go_together(one: str, other: str, relation: str, qualities: set[str]) -> None:
    for pairs in (pairs_of(one, other), pairs_of(other, one)):
        for name in ("contradict", "near", "one_sided", "usual"):
            row = getattr(pairs, name)[0]
            found = {quality for quality, holds in zip(NAMES, row, strict=True) if holds}
            if name == relation:
                assert found == qualities
            elif name in ("contradict", "near"):
                assert not found, name


def test_which_name_states_it() -> None:
    column = NAMES.index("process")
    assert pairs_of("סלמון מעושן", "סלמון").first[0, column]
    assert not pairs_of("סלמון", "סלמון מעושן").first[0, column]
