"""The settings files that the pages show are read as they are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gogobe.secrets import secrets_of
from gogobe.settings import load_settings

ROOT = Path(__file__).parents[2]
SETTINGS = re.compile(r"(?:^    .*\n|^\n)+", re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "mark"), [("README.md", "database_password"), ("docs/pipeline.md", "[kafka_options]")]
)
def test_a_settings_file_on_a_page_is_read(page: str, mark: str, tmp_path: Path):
    (block,) = [one for one in SETTINGS.findall((ROOT / page).read_text("utf-8")) if mark in one]
    (tmp_path / "gogobe.toml").write_text(re.sub(r"^    ", "", block, flags=re.MULTILINE))
    settings = load_settings({}, {}, tmp_path / "gogobe.toml")
    assert settings != load_settings({}, {})
    assert [secret.reference is not None for _, secret in secrets_of(settings)] == [True]
