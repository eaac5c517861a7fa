"""The stages as jobs of their own and `ingest`, on Flink and bounded on DirectRunner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest

from gogobe.cli import main
from gogobe.io.kafka.topics import read_to_end
from gogobe.local.flink import cancel_jobs
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.records.messages import DOWNLOADED, INGEST
from tests.integration.small_feeds import (
    BODIES,
    MISSING,
    STORES,
    VERSIONS,
    VIEWS,
    answer,
    check_all_is_loaded_once,
    place,
    wait_for,
)
from tests.portals import portal

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

DIRECT = ("--runner=DirectRunner", "--bounded")


@pytest.fixture(scope="module")
def var(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a stack of its own: the jobs read all that is in the project's topics."""
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(scope="module")
def stack(var: Path, jars: Path) -> Iterator[StackAddresses]:
    with running_stack(var, jars) as addresses:
        yield addresses


def test_stages_on_two_runners_and_ingest_load_all_of_it_once(stack: StackAddresses, var: Path):
    """Downloads and loads in bounded runs, parsing by two instances on Flink, each with partitions of its own;
    then `ingest` on the same announcements. A store's order holds from stage to stage."""
    with portal(answer) as served:
        own = place(stack, var, "stages", served.host)
        before = {topic: len(read_to_end(stack.kafka, topic)) for topic in (DOWNLOADED, INGEST)}
        names = [*BODIES, MISSING]
        own.announce(served.url, names)
        assert f"download: {len(names)} messages done" in own.run("download", *DIRECT)
        assert own.lags() == [0, len(BODIES), 0]

        started = own.run("parse", "--instances=2", "--parallelism=1")
        assert "gogobe-parse-1of2 is running" in started
        assert "gogobe-parse-2of2 is running" in started
        refused = click.testing.CliRunner().invoke(main, ["run", "parse", "--instance=1/2", f"--var={var}"])
        assert "gogobe-parse-1of2 is running: `gogobe run parse --replace` stops it first" in refused.output
        wait_for("what is downloaded parsed", lambda: own.lags() == [0, 0, STORES * VERSIONS])
        cancel_jobs(stack.flink)

        assert f"load: {STORES * VERSIONS} messages done" in own.run("load", *DIRECT)
        topics = {topic: len(read_to_end(stack.kafka, topic)) - count for topic, count in before.items()}
        assert topics == {DOWNLOADED: len(BODIES), INGEST: STORES * VERSIONS}
        check_all_is_loaded_once(own)
        assert own.rows(VIEWS) != [(0,)]

        own.announce(served.url, names)
        assert f"ingest: {len(names)} messages done" in own.run("ingest", *DIRECT)
        check_all_is_loaded_once(own)
        assert "ingest: 0 messages done" in own.run("ingest", *DIRECT)
