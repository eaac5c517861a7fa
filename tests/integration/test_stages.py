"""The stages as jobs of their own and `ingest`, on Flink and bounded on DirectRunner."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click.testing
import pytest
import requests

from gogobe.cli import main
from gogobe.io.kafka.topics import read_to_end
from gogobe.io.objects import ObjectStore
from gogobe.local.flink import cancel_jobs
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.records.messages import DOWNLOADED, INGEST
from tests.conftest import Bucket
from tests.integration.small_feeds import (
    BODIES,
    MISSING,
    STORES,
    VERSIONS,
    VIEWS,
    answer,
    check_all_is_loaded_once,
    name_of,
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


def test_files_of_a_bucket_are_loaded_through_a_store_in_a_bucket(
    stack: StackAddresses, var: Path, gs_bucket: Bucket
):
    """Announced by their addresses, each is copied from the archive into the store and loaded; announced by
    `gogobe announce` with the archive's prefix, they are in the store already, and nothing is loaded again."""
    archive = f"{gs_bucket.url}/archive"
    for name, body in BODIES.items():
        put(gs_bucket, f"archive/{name}", body)
    own = place(stack, var, "buckets", store=f"{gs_bucket.url}/store")
    of_gcs = f"--store-endpoint={gs_bucket.endpoint}"
    own.announce(archive, [*BODIES, MISSING])
    done = own.run("ingest", *DIRECT, of_gcs, f"--fetch-folders={archive}")
    assert f"ingest: {len(BODIES) + 1} messages done" in done
    check_all_is_loaded_once(own)
    stored = own.rows("SELECT object_path FROM files ORDER BY 1")
    assert {path.startswith(f"{gs_bucket.url}/store/raw/shufersal/") for (path,) in stored} == {True}
    (row, *_) = own.rows(f"SELECT object_path FROM files WHERE file = '{name_of(1, 1)}'")
    with ObjectStore(own.store, gs_bucket.endpoint).open(row[0]) as source:
        assert source.read() == BODIES[name_of(1, 1)]

    flags = [f"--kafka={stack.kafka}", f"--store={own.store}", of_gcs, f"--var={var}"]
    announced = click.testing.CliRunner().invoke(main, ["announce", archive, *flags])
    assert f"{len(BODIES)} of them from the object store" in announced.output
    assert f"ingest: {len(BODIES)} messages done" in own.run("ingest", *DIRECT, of_gcs)
    check_all_is_loaded_once(own)


def put(bucket: Bucket, name: str, body: bytes) -> None:
    """Puts an object by the server's own interface."""
    where = f"{bucket.endpoint}/upload/storage/v1/b/{bucket.name}/o"
    answer = requests.post(where, body, params={"uploadType": "media", "name": name}, timeout=60)
    answer.raise_for_status()
