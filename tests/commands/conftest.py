"""What the operator's commands are tested with: a broker with the topics, a store, and the command itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gogobe.cli import main
from gogobe.commands import health, reach
from gogobe.io.kafka.topics import ensure_topics
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import TOPICS
from tests.discovery.kafka import broker

Gogobe = Callable[..., Result]


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a broker with all topics that lives as long as the test run."""
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        ensure_topics(address, TOPICS)
        yield address


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers have a minute to answer, on however slow a machine."""
    monkeypatch.setattr(reach, "SECONDS", 60.0)
    monkeypatch.setattr(health, "PROBE_SECONDS", 60.0)
    monkeypatch.setattr(health, "STATEMENT_SECONDS", 60.0)


@pytest.fixture
def hurried(patient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that never answer are waited for as briefly as possible."""
    monkeypatch.setattr(reach, "SECONDS", 3.0)
    monkeypatch.setattr(health, "PROBE_SECONDS", 4.0)


@pytest.fixture
def store(tmp_path: Path) -> ObjectStore:
    return ObjectStore(str(tmp_path / "store"))


@pytest.fixture
def gogobe(tmp_path: Path, dsn: str, store: ObjectStore) -> Gogobe:
    """Runs the command with the test's database and store; `kafka` in its keywords is the broker's address."""

    def run(*arguments: str, kafka: str = "127.0.0.1:1") -> Result:
        environment = {
            "GOGOBE_DATABASE": dsn,
            "GOGOBE_STORE": store.url,
            "GOGOBE_MASTERS": str(tmp_path / "masters"),
            "GOGOBE_KAFKA": kafka,
            "GOGOBE_CONFIG": None,
        }
        return CliRunner().invoke(main, [*arguments, "--var", str(tmp_path / "var")], env=environment)

    return run
