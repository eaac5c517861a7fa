"""Names that mean harm, shown by every command that shows names."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from click.testing import CliRunner, Result

from gogobe.cli import main
from gogobe.commands import evaluate, options
from gogobe.commands.follow import FileOutcome
from gogobe.commands.terminal import PlainConsole
from gogobe.database.load.loader import Loader
from gogobe.database.matches import ChainMatches, MatchedCode
from gogobe.database.review.pairs import ReviewPair, decided_pairs, record_decisions
from gogobe.database.views import refresh_views
from gogobe.demo.report import ChainPrice, CrawledPortal, ProductComparison, RunReport, show_report
from gogobe.masters.build.build import build_snapshot
from gogobe.masters.codes.decisions import Decision
from gogobe.masters.evaluation.evaluate import Evaluation, Figures
from gogobe.masters.published.store import SnapshotStore
from tests.database.samples import file_batches, item
from tests.masters.samples import VEGETABLES, catalogue

HOSTILE = "[/b][red]a[/red]\x1b[2J\x1b]0;x\x07\u202eb\u2066:smile:=1+1"
SHOWN = "[/b][red]a[/red]\\x1b[2J\\x1b]0;x\\x07\\u202eb\\u2066:smile:=1+1"
OWN, OTHER = 10**14 + 5, 10**14 + 6


def check(output: str, times: int = 1) -> None:
    """The text is shown, so many times at least, and none of it was obeyed. Cells may be folded."""
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", output)
    folded = re.sub(r"[\s│┃]", "", output)
    assert folded.count(SHOWN) >= times, output


def run(*arguments: object, answers: str = "") -> Result:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], input=answers)
    assert result.exception is None, result.output
    return result


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """So wide that no cell is cut."""
    monkeypatch.setattr(options, "TABLE_WIDTH", 1000)


@pytest.fixture
def market(dsn: str) -> str:
    """Two chains of hostile names that sell a product of hostile names each, and a pair of them."""
    with Loader(dsn) as loader:
        for chain_id, master_id in ((HOSTILE, OWN), ("2", OTHER)):
            one = item("55", "5.90", master_id=master_id, match="new", name=HOSTILE, manufacturer=HOSTILE)
            loader.load(file_batches([one], chain=HOSTILE, chain_id=chain_id))
    record_decisions(dsn, [Decision("review", HOSTILE, "55", HOSTILE, OWN, OTHER, HOSTILE, 0.7, [HOSTILE])])
    refresh_views(dsn)
    return dsn


def test_prices(market: str, tmp_path: Path) -> None:
    output = run("prices", "smile", f"--database={market}", f"--var={tmp_path}").output
    check(output, times=3)


def test_review_in_the_terminal(market: str, tmp_path: Path) -> None:
    given = ["masters", "review", f"--database={market}", f"--var={tmp_path}"]
    check(run(*given, "--list").output, times=4)
    check(run(*given, "--by", HOSTILE, answers="n\n").output, times=4)


def test_review_by_file_and_back(market: str, tmp_path: Path) -> None:
    path = tmp_path / "pairs.csv"
    given = ["masters", "review", f"--database={market}", f"--var={tmp_path}", "--by=dana"]
    run(*given, "--export", path)
    path.write_text(path.read_text("utf-8-sig").replace(",,[/b]", ",yes,[/b]"), "utf-8")
    assert "1 yes, 0 no" in run(*given, "--import", path).output
    (pair,) = decided_pairs(market)
    assert (pair.chain_id, pair.item_name, pair.is_same) == (HOSTILE, HOSTILE, True)


def test_merges(market: str, tmp_path: Path) -> None:
    given = ["--by", HOSTILE, f"--database={market}", f"--var={tmp_path}"]
    run("masters", "merge", OWN, OTHER, "--reason", HOSTILE, *given)
    check(run("masters", "unmerge", *given[2:]).output, times=4)


def test_check(tmp_path: Path) -> None:
    rows = catalogue([*VEGETABLES, f"משחת שיניים לבנה {HOSTILE}"])
    wrong = msgspec.structs.replace(rows[-1], master_id=rows[0].master_id, decided=True)
    build_snapshot([*rows[:-1], wrong], tmp_path / "built", version="v1")
    check(run("masters", "check", "--folder", tmp_path / "built", f"--var={tmp_path}").output)


def test_list(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stored = [SimpleNamespace(version=HOSTILE, manifest=None, is_current=False)]
    monkeypatch.setattr(SnapshotStore, "versions", lambda _: stored)
    check(run("masters", "list", "--masters", HOSTILE.replace("]0;", "]"), f"--var={tmp_path}").output)


def test_inspect(tmp_path: Path) -> None:
    # XML holds no controls of ASCII; an element's name is in a problem's sentence.
    name = HOSTILE.replace("\x1b", "\x9b").replace("\x07", "\x85")
    shown = SHOWN.replace("\\x1b", "\\x9b").replace("\\x07", "\\x85")
    rows = f"<Item><ItemCode>{name}</ItemCode><ItemName>{name}</ItemName><ItemPrice>1</ItemPrice></Item>"
    rows += f"<Item><ItemCode>2</ItemCode><ItemName>n</ItemName><ItemPrice>{name}</ItemPrice></Item>"
    file = tmp_path / "[b]PriceFull7290-1-202501010000\x9b.xml"
    file.write_text(f"<Root><ChainId>{name}</ChainId><Items>{rows}</Items></Root>", "utf-8")
    output = run("inspect", file).output
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", output)
    assert re.sub(r"[\s│┃]", "", output).count(shown.replace("\\x85", "\\x85")) >= 4
    assert "[b]PriceFull7290-1-202501010000\\x9b.xml" in output


def test_a_message_that_quotes(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["masters", "build", f"{tmp_path}/{HOSTILE[:40]}", f"--var={tmp_path}"])
    assert result.exit_code == 1
    assert "\\x1b[2J" in result.output
    assert "\x1b" not in result.output
    result = CliRunner().invoke(main, ["inspect", f"{tmp_path}/x\x1b[2J"])
    assert result.exit_code == 2
    assert "\\x1b[2J" in result.output


def test_evaluate(capsys: pytest.CaptureFixture[str]) -> None:
    zeros = {field.name: 0 for field in msgspec.structs.fields(Figures)}
    figures = Figures(**zeros | {"chain": HOSTILE, "curve": []})  # type: ignore[arg-type]
    evaluate.show_evaluation(
        PlainConsole(width=1000), Evaluation(**msgspec.structs.asdict(figures), chains=[figures])
    )
    check(capsys.readouterr().out)


def test_the_demos_report() -> None:
    report = RunReport(
        started_at=f"{datetime.now(UTC)}",
        seconds=1.0,
        portals=[CrawledPortal(HOSTILE, HOSTILE, 1, 1)],
        files=[
            FileOutcome(
                f"http://x/{HOSTILE}/{HOSTILE}",
                HOSTILE,
                HOSTILE,
                datetime.now(UTC),
                kind=HOSTILE,
                store=HOSTILE,
                reasons=[HOSTILE],
            )
        ],
        latency_median=None,
        latency_p95=None,
        items=0,
        items_per_second=None,
        newly_loaded=0,
        comparison=[ProductComparison(1, HOSTILE, [ChainPrice(HOSTILE, "1.00")])],
        by_weight=[ProductComparison(1, HOSTILE, [ChainPrice(HOSTILE, "1.00")])],
        masters_version=HOSTILE,
        matches=[ChainMatches(HOSTILE, 1, 0, 0, 0, 0)],
        joined_by_name=[],
        to_review=[ReviewPair(HOSTILE, HOSTILE, HOSTILE, HOSTILE, 1, 2, HOSTILE, 0.5, [HOSTILE])],
    )
    report.joined_by_name.append(
        msgspec.convert(
            {"master_id": 1, "chain": HOSTILE, "item_code": HOSTILE, "name": HOSTILE, "cheapest": "1", "match": "gtin", "score": 1.0, "reasons": [HOSTILE]},
            MatchedCode,
        )
    )  # fmt: skip
    console = PlainConsole(file=io.StringIO(), width=600)
    show_report(console, report)
    file = console.file
    assert isinstance(file, io.StringIO)
    check(file.getvalue(), times=14)
