"""The evaluation on real names, and its counts."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from gogobe.masters.build.catalogue import CatalogueError
from gogobe.masters.evaluation.evaluate import Evaluation, Outcome, _figures, evaluate
from tests.masters.catalogues import SAMPLE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    return evaluate([SAMPLE])


def test_each_chain_has_its_turn_and_all_are_counted_together(evaluation: Evaluation) -> None:
    assert len(evaluation.chains) == 4
    assert evaluation.queries == sum(one.queries for one in evaluation.chains) == 1417
    assert evaluation.negatives == sum(one.negatives for one in evaluation.chains) == 628
    assert evaluation.accepted == sum(one.accepted for one in evaluation.chains)


def test_real_names_find_their_masters(evaluation: Evaluation) -> None:
    assert evaluation.candidate_recall_at_50 > 0.95
    assert evaluation.exact_recall_at_50 >= evaluation.candidate_recall_at_50 - 0.01
    assert evaluation.rerank_recall_at_1 > 0.7
    assert evaluation.accept_precision > 0.95
    assert evaluation.accept_recall > 0.3


def test_the_curve_rises_in_recall_as_the_score_falls(evaluation: Evaluation) -> None:
    recalls = [point.recall for point in evaluation.curve]
    assert recalls == sorted(recalls, reverse=True)


def test_one_chain_with_a_limit(evaluation: Evaluation) -> None:
    one = evaluate([SAMPLE], "7290700100008", 50)
    assert [figures.chain for figures in one.chains] == ["7290700100008"] == [one.chain]
    assert one.queries == 50
    assert one.masters == next(c.masters for c in evaluation.chains if c.chain == one.chain)


def test_figures_of_a_handful_counted_by_hand() -> None:
    outcome = Outcome(
        negative=np.array([False, False, False, False, True]),
        found_at=np.array([0, 3, 20, -1, -1]),
        exact_at=np.array([0, 3, 20, 45, -1]),
        right=np.array([True, True, False, False, False]),
        unknown=np.array([False, False, True, False, False]),
        scores=np.array([0.99, 0.9, 0.2, 0, 0.98], dtype=np.float32),
        accepted=np.array([True, False, False, False, True]),
        seconds=0.5,
    )
    figures = _figures("c", 7, outcome, 0.95)
    assert (figures.queries, figures.negatives, figures.accepted) == (5, 1, 2)
    assert figures.candidate_recall_at_1 == 0.25
    assert figures.candidate_recall_at_10 == 0.5
    assert (figures.candidate_recall_at_50, figures.exact_recall_at_50) == (0.75, 1.0)
    assert figures.rerank_recall_at_1 == 0.5
    assert (figures.accept_precision, figures.accept_recall) == (0.5, 0.25)
    assert (figures.accept_from, figures.accepted_unknown) == (0.95, 1)
    assert figures.recall_at_aim == 0.25, "from 0.99 on all are right, from 0.98 on one of two"
    assert figures.queries_per_second == 10
    assert [(point.precision, point.recall) for point in figures.curve] == [
        (0.5, 0.5),
        (0.6667, 0.5),
        (0.5, 0.25),
        (1.0, 0.25),
    ]


def test_a_chain_without_a_gtin_has_no_figures_to_speak_of() -> None:
    none, nowhere = np.zeros(0, dtype=np.bool_), np.zeros(0, dtype=np.int64)
    outcome = Outcome(none, nowhere, nowhere, none, none, np.zeros(0, dtype=np.float32), none, 0.0)
    figures = _figures("c", 7, outcome, 0.95)
    assert (figures.queries, figures.accept_recall, figures.recall_at_aim, figures.curve) == (0, 0, 0, [])


def test_a_chain_without_a_gtin_is_not_asked(tmp_path: Path) -> None:
    lines = gzip.decompress(SAMPLE.read_bytes()).decode().splitlines()
    path = tmp_path / "five.csv"
    path.write_text("\n".join([*lines, "999,12,חלב,,1,ליטר,ליטר,6.9,0"]), "utf-8")
    assert len(evaluate([path], limit=20).chains) == 4
    with pytest.raises(CatalogueError, match="no chain 999 with GTINs"):
        evaluate([path], "999")


def test_errors_name_what_is_there(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match="7290027600007"):
        evaluate([SAMPLE], "7")
    lines = gzip.decompress(SAMPLE.read_bytes()).decode().splitlines()
    one_chain = tmp_path / "one.csv"
    one_chain.write_text("\n".join(lines[:50]), "utf-8")
    with pytest.raises(CatalogueError, match="needs two"):
        evaluate([one_chain])
    one_chain.write_text(lines[0].replace("price", "cost"), "utf-8")
    with pytest.raises(CatalogueError, match="no column price"):
        evaluate([one_chain])
    with pytest.raises(CatalogueError, match=r"missing\.csv"):
        evaluate([tmp_path / "missing.csv"])
