"""Builds the site: the pages of `docs/` and the generated ones, by Sphinx. Every warning is an error."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from gogobe.database.connection import Connection
from gogobe.pipelines.catalogue import JOBS
from website.job_pages import job_page
from website.reference import commands_page, messages_page, metrics_page, settings_page
from website.schema_page import schema_page

ROOT: Final = Path(__file__).parents[1]
CONFIGURATION: Final = Path(__file__).with_name("conf.py")


def build(folder: Path, connection: Connection) -> subprocess.CompletedProcess[str]:
    """Writes the pages into `folder/source` and the site into `folder/html`; `connection`: a database with the
    schema. The result has Sphinx's exit code, which is not 0 after any warning, and its messages."""
    source = folder / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "docs", source)
    _list_all(source)
    write_generated(source, connection)
    return run_sphinx(source, folder / "html")


def _list_all(source: Path) -> None:
    """Adds the pages to the index that it does not list, so that every page is in the navigation."""
    index = (source / "index.md").read_text("utf-8")
    listed = set(index.splitlines())
    more = sorted(page.stem for page in source.glob("*.md") if page.stem not in {*listed, "index"})
    if more:
        lines = ["", "```{toctree}", ":caption: More", ":hidden:", "", *more, "```", ""]
        (source / "index.md").write_text(index + "\n".join(lines), "utf-8")


def write_generated(source: Path, connection: Connection) -> None:
    """Writes the pages that come from the code."""
    pages = {f"jobs/{name}.md": job_page(name) for name in JOBS}
    pages |= {
        "reference/settings.md": settings_page(),
        "reference/messages.md": messages_page(),
        "reference/metrics.md": metrics_page(),
        "reference/commands.md": commands_page(),
        "reference/schema.md": schema_page(connection),
    }
    for name, text in pages.items():
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(text, "utf-8")


def run_sphinx(source: Path, html: Path) -> subprocess.CompletedProcess[str]:
    """Runs Sphinx over a folder of pages. Links that lead nowhere are warnings, and warnings are errors."""
    shutil.copy(CONFIGURATION, source)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-n", "-q", "-E",
               str(source), str(html)]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, check=False)
