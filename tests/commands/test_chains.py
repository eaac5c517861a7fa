"""`gogobe chains`: every chain, with its portals' health where there is a database."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from gogobe.cli import main
from gogobe.database.connection import Connection
from gogobe.database.load.loader import Loader
from gogobe.database.portals import PortalErrors, PortalHealth, write_health
from tests.commands.conftest import Gogobe
from tests.database.samples import file_batches, item

NOW = datetime(2026, 8, 11, 6, tzinfo=UTC)


@pytest.fixture
def health(db: Connection) -> None:
    """Wolt's portal is ill, Victory's is well."""
    wolt = PortalHealth(
        portal="wolt", chain="wolt", engine="wolt", agent="one", circuit="open", failures=7,
        last_error="timeout: no answer \x1b[31min time", listed_at=NOW,
    )  # fmt: skip
    victory = PortalHealth(
        portal="victory", chain="victory", engine="laibcatalog", agent="one", files=2214, announced=31,
        succeeded_at=NOW, late_median=312.4,
    )  # fmt: skip
    write_health(db, [wolt, victory], [PortalErrors("wolt", "timeout", 7, NOW, "no answer in time")])


def run(folder: Path, *arguments: str, **environment: str) -> str:
    done = CliRunner().invoke(main, ["chains", "--var", str(folder), *arguments], env=environment)
    assert done.exit_code == 0, done.output
    return done.output


def test_without_a_database_the_chains_are_listed(tmp_path: Path):
    rows = {row["portal"]: row for row in map(json.loads, run(tmp_path, "--json").splitlines())}
    assert len(rows) >= 34
    assert rows["shufersal"]["engine"] == "paged_html"
    assert rows["shufersal"]["circuit"] is None
    assert (rows["yeinot_bitan"]["engine"], rows["yeinot_bitan"]["chain_ids"]) == (None, ["7290055700007"])


def test_health_is_shown_as_json_and_as_a_table(tmp_path: Path, dsn: str, health: None):
    output = run(tmp_path, "--json", GOGOBE_DATABASE=dsn)
    rows = {row["portal"]: row for row in map(json.loads, output.splitlines())}
    assert (rows["wolt"]["circuit"], rows["wolt"]["errors"]) == ("open", {"timeout": 7})
    assert (rows["victory"]["files"], rows["victory"]["announced"]) == (2214, 31)
    table = run(tmp_path, GOGOBE_DATABASE=dsn)
    assert "\x1b[31m" not in table
    assert "2,214" in table
    assert "Super-Pharm" in table


@pytest.mark.usefixtures("health")
def test_status_names_the_portals_that_are_ill(gogobe: Gogobe):
    assert "2 watched, 1 failing: wolt (timeout: no answer \\x1b[31min time)" in gogobe("status").output


def test_status_before_anything_is_watched(gogobe: Gogobe):
    assert "none watched yet: `gogobe crawl`" in gogobe("status").output


def test_a_misspelt_chain_is_renamed(gogobe: Gogobe, dsn: str):
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5")], chain="shufresal"))
    result = gogobe("chains", "rename", "shufresal", "Shufersal")
    assert (result.exit_code, result.output) == (0, "shufresal is shufersal: 1 file, 0 dead letters renamed\n")
    assert "did you mean" in gogobe("chains", "rename", "x", "shufresal").output
