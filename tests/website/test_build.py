"""The site: built as `make docs` builds it; a warning fails the build."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from gogobe.database.connection import Connection, connect
from gogobe.database.migrations import schema_steps
from gogobe.pipelines.catalogue import JOBS
from gogobe.records.messages import TOPICS
from gogobe.settings import Settings
from website.build import build, run_sphinx, write_generated
from website.reference import commands_page, messages_page, metrics_page, settings_page
from website.schema_page import schema_page
from website.tables import table

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_site_is_built_without_a_warning(dsn: str, tmp_path: Path):
    with connect(dsn) as connection:
        built = build(tmp_path, connection)
    assert (built.returncode, built.stderr) == (0, "")
    pages = {
        page.relative_to(tmp_path / "html").with_suffix("") for page in (tmp_path / "html").rglob("*.html")
    }
    written = {page.relative_to(ROOT / "docs").with_suffix("") for page in (ROOT / "docs").glob("*.md")}
    assert written < pages
    assert {Path("jobs") / name for name in JOBS} < pages
    for page in (tmp_path / "html").rglob("*.html"):
        # The site is read without a network.
        loaded = re.findall(
            r'<(?:link|script|img)[^>]* (?:href|src)="(https?://[^"]+)', page.read_text("utf-8")
        )
        assert loaded == [], page


@pytest.mark.slow
def test_a_warning_fails_the_build(tmp_path: Path):
    (tmp_path / "source").mkdir()
    page = "# A\n\n[gone](gone.md), [nowhere](#nowhere)\n\n### C\n"
    (tmp_path / "source" / "index.md").write_text(page)
    built = run_sphinx(tmp_path / "source", tmp_path / "html")
    assert built.returncode != 0
    for place in ("gone.md", "nowhere"):
        assert f"cross-reference target not found: '{place}'" in built.stderr
    assert "Non-consecutive header level increase" in built.stderr


def test_the_schema_has_every_table_with_its_columns(db: Connection):
    page = schema_page(db)
    names = {row[0] for row in db.execute("SELECT relname FROM pg_stat_user_tables").fetchall()}
    own = {name for name in names if not re.search(r"_(\d{4}_\d{2}|default)$", name)}
    assert len(own) > 15
    assert [name for name in sorted(own) if f"### `{name}`\n" not in page] == []
    assert "| `batch_id` | text | yes |" in page
    assert schema_steps()[-1].name in page


@pytest.mark.slow
def test_the_reference_pages_have_everything():
    settings = settings_page()
    assert [name for name in Settings.__struct_fields__ if f"| `{name}` |" not in settings] == []
    messages = messages_page()
    assert [topic for topic in TOPICS if f"## `{topic}`\n" not in messages] == []
    assert "| `content_sha256` | string | yes | length from 1 |" in messages
    assert "| `gogobe.load` | `commits` | Load |" in metrics_page()
    commands = commands_page()
    assert "## `gogobe masters build`" in commands
    assert "`--views-every TEXT`" in commands


def test_a_table_keeps_its_columns():
    assert table(("a", "b"), [("1|2", "x\ny")]) == "| a | b |\n| --- | --- |\n| 1\\|2 | x y |\n"


def test_generated_pages_are_written_below_the_source(db: Connection, tmp_path: Path):
    write_generated(tmp_path, db)
    assert sorted(one.name for one in (tmp_path / "jobs").iterdir()) == sorted(f"{name}.md" for name in JOBS)


def test_python_and_data_on_the_pages_can_be_read():
    readers: dict[str, Callable[[str], object]] = {
        "python": ast.parse,
        "toml": tomllib.loads,
        "json": json.loads,
        "yaml": yaml.safe_load,
    }
    found = set()
    for page in (ROOT / "docs").glob("*.md"):
        for language, text in re.findall(r"^```(\w+)\n(.*?)^```", page.read_text("utf-8"), re.M | re.S):
            found.add(language)
            readers[language](text)
    assert {"python", "toml"} <= found
