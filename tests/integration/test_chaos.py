"""A short run of `make chaos`: five faults, nothing lost, nothing twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.faults import plan
from chaos.run import run

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]


def test_five_faults_lose_nothing(jars: Path, tmp_path: Path):
    result = run(tmp_path, jars, files=60, faults=plan(5, seed=5), seed=5, say=print, settle=0.0)
    assert result.findings.lines == []
    assert [fault.problem for fault in result.faults] == [""] * 5
    assert (result.files, result.rows > 20_000) == (60, True)
