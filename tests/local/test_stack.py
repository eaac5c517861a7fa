"""The stack's folder: what is removed when it stops."""

from __future__ import annotations

from pathlib import Path

from gogobe.local.stack import Stack
from gogobe.secrets import Secret


def test_stopping_removes_the_secrets_of_its_pipelines(tmp_path: Path):
    stack = Stack(tmp_path)
    kept = Secret.of_value("planted").kept_in(stack.secrets / "database_password")
    assert kept.value() == "planted"
    assert stack.stop() == []
    assert not stack.secrets.exists()
