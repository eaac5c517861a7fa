"""Whether the other item of a judged pair is a candidate, counted by hand."""

from __future__ import annotations

from gogobe.masters.build.catalogue import CatalogueRow
from gogobe.masters.evaluation.candidate_recall import CandidateRecall, candidate_recall
from gogobe.masters.evaluation.labelled_pairs import LabelledPair
from gogobe.masters.text.facts import Described
from tests.masters.catalogues import gtin

THINGS = ("עגבניה", "מלפפון", "חציל", "קישוא", "בננה", "אננס", "רימון", "תמר", "אגס", "שזיף", "תפוז", "מנגו")


def row(chain: str, code: str, name: str, *, weighed: bool = True) -> CatalogueRow:
    return CatalogueRow(chain, code, Described(name, price=8.0, is_weighted=weighed))


def pair(a: tuple[str, str], b: tuple[str, str], kind: str, *, same: bool = True) -> LabelledPair:
    return LabelledPair(a, b, "", "", same, kind)


def test_by_vector_and_by_code() -> None:
    rows = [row(chain, f"{chain}{place}", name) for chain in "12" for place, name in enumerate(THINGS)]
    rows += [row("1", "46020", "גבינת גלבוע"), row("2", "7290000046020", "צהובה חצי קשה")]
    rows += [row("1", gtin(1), "סבון", weighed=False), row("2", gtin(1), "סבון", weighed=False)]
    pairs = [
        pair(("1", "10"), ("2", "20"), "produce"),  # the same name
        pair(("1", "10"), ("2", "21"), "produce", same=False),
        pair(("1", "46020"), ("2", "7290000046020"), "code-tail"),  # the names share nothing
        pair(("1", gtin(1)), ("2", gtin(1)), "other"),  # one barcode: no question of candidates
    ]
    by_code, by_name, total = candidate_recall(rows, pairs)
    assert by_name == CandidateRecall("produce", 1, 1, 1, 1, 1, 1)
    assert (by_code.kind, by_code.pairs, by_code.at_10, by_code.compared) == ("code-tail", 1, 1, 1)
    assert (total.kind, total.pairs, total.at_10) == ("all", 2, 2)


def test_without_any_pair_of_listings() -> None:
    assert candidate_recall([row("1", "1", "אגס")], []) == [CandidateRecall("all", 0, 0, 0, 0, 0, 0)]
