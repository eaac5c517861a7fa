"""The stack for tests of the whole: one for a test run, from the class paths that `make install` made."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gogobe.local.stack import StackAddresses, running_stack


@pytest.fixture(scope="session", autouse=True)
def patient() -> Iterator[None]:
    """Servers have a minute to answer a command, on however slow a machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gogobe.commands.reach.SECONDS", 60.0)
        yield


@pytest.fixture(scope="session")
def jars() -> Path:
    """Where `make install` has put the Java class paths."""
    return Path(__file__).parents[2] / "var" / "java"


@pytest.fixture(scope="session")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack's folder: data and logs."""
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="session")
def stack(var: Path, jars: Path) -> Iterator[StackAddresses]:
    """Kafka, PostgreSQL, Flink and Beam's services, running."""
    with running_stack(var, jars) as addresses:
        yield addresses
