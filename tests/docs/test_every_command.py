"""Every command of `gogobe` is shown in README or in a page of docs/."""

from __future__ import annotations

from pathlib import Path

import pytest

from gogobe.cli import main
from tests.commands.test_help import paths

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("path", [path for path in paths(main) if path], ids=" ".join)
def test_a_command_is_shown(path: tuple[str, ...]):
    called = f"gogobe {' '.join(path)}"
    assert [page.name for page in PAGES if called in page.read_text("utf-8")] != []
