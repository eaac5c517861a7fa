"""Evaluation on labelled pairs: real goods without a barcode of four chains."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogobe.masters.build.catalogue import CatalogueError, CatalogueRow, read_catalogue
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.evaluation.evaluate_pairs import (
    PairEvaluation,
    PairFigures,
    Resolved,
    _scope,
    evaluate_pairs,
)
from gogobe.masters.evaluation.labelled_pairs import LabelledPair, read_pairs

DATA = Path(__file__).parents[1] / "data"
CATALOGUE = DATA / "loose_4_chains_2026-08-10.csv.gz"
PAIRS = DATA / "pairs.csv"


def loose_rows() -> list[CatalogueRow]:
    """All goods without a usable barcode of four chains."""
    return list(read_catalogue(CATALOGUE))


def total(figures: list[PairFigures]) -> PairFigures:
    return figures[-1]


@pytest.fixture(scope="module")
def evaluation() -> PairEvaluation:
    return evaluate_pairs([CATALOGUE], PAIRS, "7290696200003")


@pytest.mark.slow
def test_real_pairs_reach_the_aims(evaluation: PairEvaluation) -> None:
    assert evaluation.unknown == 0
    (chain,) = evaluation.chains
    for scope in (evaluation.built, chain.built, chain.arriving):
        everything = total(scope.figures)
        assert everything.kind == "all"
        assert everything.joined >= 0.6 * everything.same
        assert everything.wrong <= 0.015 * everything.different
        assert sum(one.same for one in scope.figures[:-1]) == everything.same
    for scope in (evaluation.built, chain.built):
        everything = total(scope.figures)
        assert everything.joined + everything.in_review >= 0.85 * everything.same
    tails = next(one for one in evaluation.built.figures if one.kind == "code-tail")
    assert tails.joined >= 0.9 * tails.same


@pytest.mark.slow
def test_what_is_not_as_it_should_be_has_its_evidence(evaluation: PairEvaluation) -> None:
    figures = total(evaluation.built.figures)
    assert len(evaluation.built.errors) == figures.same - figures.joined + figures.wrong
    asked = [error for error in evaluation.built.errors if error.outcome == "review"]
    assert len(asked) == figures.in_review
    assert all(error.evidence for error in asked)


def test_outcomes_of_a_handful_counted_by_hand() -> None:
    def pair(a: str, b: str, *, same: bool) -> LabelledPair:
        return LabelledPair(("x", a), ("y", b), f"name {a}", f"name {b}", same, "produce")

    asked = Decision("review", "x", "3", "name 3", 3, 30, "name 30", 0.7, ["price within 20 %"])
    found = {("x", str(number)): Resolved(number, [asked] if number == 3 else []) for number in range(1, 6)}
    found |= {
        ("y", str(10 * number)): Resolved(1 if number in (1, 5) else 10 * number, []) for number in range(1, 6)
    }
    pairs = [
        pair("1", "10", same=True),  # joined
        pair("2", "20", same=True),  # missed
        pair("3", "30", same=True),  # in review
        pair("1", "50", same=False),  # wrong
        pair("4", "40", same=False),
    ]
    scope = _scope(pairs, found)
    assert scope.figures == [PairFigures(kind, 3, 1, 1, 2, 1) for kind in ("produce", "all")]
    assert [(error.outcome, error.name_a) for error in scope.errors] == [
        ("missed", "name 2"),
        ("review", "name 3"),
        ("wrong", "name 1"),
    ]
    assert scope.errors[1].evidence == ["name 3: review 0.70 name 30 (price within 20 %)"]


def test_pairs_that_the_catalogue_does_not_hold(tmp_path: Path) -> None:
    header = "chain_a,code_a,name_a,chain_b,code_b,name_b,same,kind\n"
    other = tmp_path / "pairs.csv"
    other.write_text(f"{header}1,1,x,2,2,y,1,produce\n", "utf-8")
    with pytest.raises(CatalogueError, match="no pair of it has both items"):
        evaluate_pairs([CATALOGUE], other)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("chain_a,code_a\n1,2\n", "no column name_a, chain_b"),
        (
            "chain_a,code_a,name_a,chain_b,code_b,name_b,same,kind\n1,1,x,2,2,y,yes,z\n",
            "line 2: 'yes' in column same",
        ),
        ("\udcff", "cannot be read"),
    ],
)
def test_files_that_are_no_pairs(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(CatalogueError, match=message):
        read_pairs(path)


def test_the_pairs_of_the_data() -> None:
    pairs = read_pairs(PAIRS)
    assert (len(pairs), sum(pair.same for pair in pairs)) == (608, 425)
    assert pairs[0].has("7290696200003")
    assert not pairs[0].has("1")
