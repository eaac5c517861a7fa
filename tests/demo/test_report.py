"""The tables of the demo's report: 80 columns, and a second run says that nothing was loaded."""

from __future__ import annotations

import io
import unicodedata
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec

from gogobe.commands.follow import FileOutcome
from gogobe.commands.terminal import PlainConsole
from gogobe.database.matches import ChainMatches, MatchedCode
from gogobe.database.review.pairs import ReviewPair
from gogobe.demo.published import CHAINS
from gogobe.demo.report import (
    WIDTH,
    ChainPrice,
    CrawledPortal,
    ProductComparison,
    RunReport,
    items_per_second,
    latencies,
    show_report,
)

STARTED = datetime(2026, 8, 11, 9, tzinfo=UTC)
NAME = "חלב תנובה בקרטון 3% שומן ליטר מועשר בסידן וויטמינים"


def outcome(
    number: int, *, announced: float = 1, first: float = 2, end: float = 5, state: str = "loaded"
) -> FileOutcome:
    """A file; the times are seconds after STARTED."""
    made = FileOutcome(
        f"http://p/{number}", f"{number}.gz", "super_sapir", STARTED + timedelta(seconds=announced), store="264",
        kind="pricefull", state=state, announced=5_123, read=5_123, loaded=5_000, unchanged=100, refused=23,
        first_loaded_at=STARTED + timedelta(seconds=first),
    )  # fmt: skip
    made.end(STARTED + timedelta(seconds=end))
    return made


def report(files: list[FileOutcome]) -> RunReport:
    median, p95 = latencies(files, STARTED)
    return RunReport(
        started_at=f"{STARTED}",
        seconds=9,
        portals=[CrawledPortal(key, "directory_index", 13, 13) for key in CHAINS.values()],
        files=files,
        latency_median=median,
        latency_p95=p95,
        items=5_100,
        items_per_second=items_per_second(files, STARTED),
        newly_loaded=5_000,
        comparison=[
            ProductComparison(
                7290000042435 + number,
                NAME,
                [ChainPrice(key, "1129.90", "2026-08-11") for key in CHAINS.values()],
            )
            for number in range(12)
        ],
        by_weight=[
            ProductComparison(
                10**14 + number, NAME, [ChainPrice(key, "129.90", "2026-08-11") for key in CHAINS.values()]
            )
            for number in range(8)
        ],
        masters_version="20260811T000000.000000Z",
        matches=[ChainMatches(key, 12_345, 1_234, 123, 12, 1_234) for key in CHAINS.values()],
        joined_by_name=[
            MatchedCode(
                10**14 + n // 2, "super_sapir", "7290000042435", NAME, Decimal("129.90"), "vector", 0.9, []
            )
            for n in range(14)
        ],
        to_review=[
            ReviewPair("super_sapir", "7290", "1", NAME, 10**14, 10**14 + 1, NAME, 0.5, ["words"])
            for _ in range(8)
        ],
    )


def lines_of(shown: RunReport) -> list[str]:
    output = io.StringIO()
    show_report(PlainConsole(file=output, width=WIDTH), shown)
    return output.getvalue().splitlines()


def test_a_run_takes_two_screens_of_80_columns():
    bad = outcome(27, state="dead letter")
    bad.reasons = ["html_page"]
    lines = lines_of(report([*map(outcome, range(26)), bad]))
    assert max(sum(not unicodedata.combining(char) for char in line) for line in lines) <= WIDTH
    assert len(lines) <= 100
    text = "\n".join(lines)
    # Codes, prices, counts and reasons are never cut; names are.
    for whole in ("7290000042435", "1129.90", "dead letter: html_page", "5,123", "12,345", "super_sapir"):
        assert whole in text
    assert "…" in text
    assert NAME not in text


def test_a_wider_terminal_shows_whole_names():
    output = io.StringIO()
    show_report(PlainConsole(file=output, width=200), report([outcome(1)]))
    assert NAME in output.getvalue()


def test_a_second_run_says_that_nothing_is_new():
    files = [outcome(number, announced=-100, first=-90, end=-80) for number in range(3)]
    second = msgspec.structs.replace(
        report(files), newly_loaded=0, portals=[CrawledPortal("victory", "laibcatalog", 2, 0)]
    )
    text = "\n".join(lines_of(second))
    assert "Nothing new was announced or loaded" in text
    assert text.count("unchanged") == 3
    assert "5,100" not in text
    assert "median" not in text


def test_figures_are_of_the_files_that_this_run_loaded():
    old = outcome(1, announced=-100, first=-90, end=-80)
    fresh = [outcome(2, announced=0, first=2, end=4), outcome(3, announced=0, first=3, end=7)]
    assert latencies([old, *fresh], STARTED) == (5.5, 7.0)
    assert latencies([old], STARTED) == (None, None)
    assert items_per_second([old, *fresh], STARTED) == 2 * 5_100 / 5
    assert items_per_second([old], STARTED) is None


def test_a_product_is_shown_with_all_of_its_codes():
    shown = report([outcome(1)])
    one_product = [msgspec.structs.replace(code, master_id=10**14) for code in shown.joined_by_name[:9]]
    text = "\n".join(lines_of(msgspec.structs.replace(shown, joined_by_name=one_product)))
    assert text.count("0.90") == 9
    assert "\n".join(lines_of(shown)).count("0.90") == 6


def test_old_prices_are_left_out_and_named():
    prices = [
        ChainPrice("victory", "1.00", "2016-08-27", is_old=True),
        ChainPrice("yohananof", "7.90", "2026-08-11"),
    ]
    made = report([outcome(1)])
    made.comparison, made.by_weight = [ProductComparison(7290000042435, NAME, prices)], []
    text = "\n".join(lines_of(made))
    assert "Left out as old: victory, last seen 2016-08-27" in text
    assert "Prices published from 2026-08-11 to 2026-08-11" in text
    assert "7.90" in text
    assert "1.00" not in text
