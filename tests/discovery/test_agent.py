"""The agent as a process: every engine's replica, restarts, kills, several agents at once."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gogobe.database.connection import Connection, connect
from gogobe.demo.portals.shelf import ShelfFile
from gogobe.io.kafka.topics import ensure_topics
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import DISCOVERED
from tests.discovery.kafka import announced, broker
from tests.discovery.replicas import ENGINES, Replicas, replicas

pytestmark = pytest.mark.server
COMMAND = [sys.executable, "-c", "from gogobe.cli import main; main()", "crawl"]


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        ensure_topics(address, [DISCOVERED])
        yield address


class Topic:
    """What was announced since the test began."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._begin = Counter(self._names())

    def _names(self) -> list[tuple[str, str]]:
        """Chain and file name of each announcement; a name that lacks its ending on the portal gets it."""
        names = [(one.chain, one.file_name or file_name_of(one.url)) for one in announced(self._bootstrap)]
        return [(chain, name if name.endswith(".gz") else f"{name}.gz") for chain, name in names]

    def found(self) -> Counter[tuple[str, str]]:
        return Counter(self._names()) - self._begin


@pytest.fixture
def topic(bootstrap: str) -> Topic:
    return Topic(bootstrap)


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Replicas]:
    with replicas(tmp_path) as made:
        yield made


class Crawl:
    """Runs `gogobe crawl` against the replicas."""

    def __init__(self, folder: Path, bootstrap: str, dsn: str) -> None:
        self.lease = 30.0
        self._folder = folder
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(Path(__file__).parents[2]),
            "GOGOBE_KAFKA": bootstrap,
            "GOGOBE_DATABASE": dsn,
            "GOGOBE_CHAINS": str(folder / "chains.toml"),
            "GOGOBE_FETCH_HOSTS": "127.0.0.1",
        }

    def once(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        """Exit code, and each portal's line."""
        done = self.start("--once", "--json", *arguments)
        output, errors = done.communicate(timeout=120)
        assert done.returncode in (0, 1), errors
        assert "Traceback" not in errors, errors
        return done.returncode, {line["portal"]: line for line in map(json.loads, output.splitlines())}

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        # The bundled chains are real ones: only those of the file are asked.
        chains = [argument for key in ENGINES for argument in ("--chain", key)]
        return subprocess.Popen(
            [*COMMAND, *(chains if "--chain" not in arguments else []), *arguments],
            env={**self._environment, "GOGOBE_CRAWL_LEASE": f"{self.lease}"}, cwd=self._folder,
            text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


@pytest.fixture
def crawl(tmp_path: Path, bootstrap: str, dsn: str, shops: Replicas) -> Crawl:
    shops.write(tmp_path / "chains.toml")
    return Crawl(tmp_path, bootstrap, dsn)


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "it has not come about"
        time.sleep(0.2)


def end(process: subprocess.Popen[str], number: signal.Signals = signal.SIGINT) -> str:
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    return errors


def test_every_engine_announces_what_its_portal_holds_and_nothing_twice(
    crawl: Crawl, shops: Replicas, topic: Topic
):
    code, lines = crawl.once()
    assert (code, {key: (line["files"], line["announced"]) for key, line in lines.items()}) == (
        0,
        dict.fromkeys(ENGINES, (25, 25)),
    )
    assert topic.found() == Counter(shops.names())
    code, lines = crawl.once()
    assert (code, [line["announced"] for line in lines.values()]) == (0, [0] * len(ENGINES))
    new = ShelfFile("Price7290000001002-001-202608111200.gz", b"x", datetime.now(UTC))
    shops.shelves["bina"].put(new)
    _, lines = crawl.once("--chain", "bina", "--chain", "laibcatalog")
    assert [(key, line["announced"]) for key, line in sorted(lines.items())] == [
        ("bina", 1),
        ("laibcatalog", 0),
    ]
    assert topic.found() == Counter(shops.names())


def test_a_failing_portal_sets_the_exit_code(crawl: Crawl, shops: Replicas, tmp_path: Path, db: Connection):
    shops.portals["wolt"]["url"] = "http://127.0.0.1:9/v1/index.html"
    shops.write(tmp_path / "chains.toml")
    code, lines = crawl.once()
    assert (code, lines["wolt"]["outcome"]) == (1, "failed")
    assert list(lines["wolt"]["errors"]) == ["unreachable"]
    assert sum(line["announced"] for line in lines.values()) == 250
    rows = db.execute("SELECT portal, failures, circuit, announced FROM portals ORDER BY portal").fetchall()
    assert ("wolt", 1, "closed", 0) in rows
    assert ("bina", 0, "closed", 25) in rows
    assert db.execute("SELECT kind, count FROM portal_errors WHERE portal = 'wolt'").fetchall() == [
        ("unreachable", 1)
    ]


@pytest.mark.parametrize("after", [0.0, 0.3, 1.0])
def test_an_agent_that_is_killed_and_started_again(
    crawl: Crawl, shops: Replicas, topic: Topic, db: Connection, after: float
):
    """Killed as soon as the first files are claimed, and a little later."""
    crawl.lease = 3.0
    process = crawl.start("--once")
    wait_until(lambda: bool(_count(db, "announcement_batches")) or process.poll() is not None)
    time.sleep(after)
    process.kill()
    process.communicate()
    code, _ = crawl.once()
    assert code == 0
    assert topic.found() == Counter(shops.names())
    code, lines = crawl.once()
    assert sum(line["announced"] for line in lines.values()) == 0


@contextlib.contextmanager
def stopped_before_confirming(dsn: str) -> Iterator[Connection]:
    """Agents wait, inside this `with`, after their messages are published and before the database knows it."""
    with connect(dsn) as holder:
        holder.execute("SELECT pg_advisory_lock(4711)")
        holder.execute(
            """
            CREATE FUNCTION wait_for_test() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN PERFORM pg_advisory_xact_lock(4711); RETURN NEW; END $$;
            CREATE TRIGGER wait_for_test BEFORE UPDATE OF published_at ON announcement_batches
            FOR EACH ROW EXECUTE FUNCTION wait_for_test()
            """
        )
        yield holder


def _is_waiting(db: Connection) -> bool:
    """Whether an agent waits for the test."""
    return db.execute("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone() is not None


def test_an_agent_that_is_killed_between_publishing_and_confirming(
    crawl: Crawl, shops: Replicas, topic: Topic, db: Connection, dsn: str
):
    crawl.lease = 3.0
    with stopped_before_confirming(dsn):
        process = crawl.start("--once")
        wait_until(lambda: _is_waiting(db))
        process.kill()
        process.communicate()
        # Its server process would go on after the lock, and confirm the batch.
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
        wait_until(lambda: not _is_waiting(db))
        assert topic.found()
        assert _unpublished(db) == 1
    db.execute("DROP TRIGGER wait_for_test ON announcement_batches")
    code, _ = crawl.once()
    assert code == 0
    assert topic.found() == Counter(shops.names())
    assert _unpublished(db) == 0


@pytest.mark.parametrize("arguments", [(), ("--once",)], ids=["watch", "once"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_a_signal_in_the_middle_ends_an_agent_cleanly(
    crawl: Crawl,
    shops: Replicas,
    topic: Topic,
    db: Connection,
    dsn: str,
    number: signal.Signals,
    arguments: tuple[str],
):
    """The batch under way is confirmed, the lease ends at once, and a restart announces only the rest."""
    with stopped_before_confirming(dsn) as holder:
        process = crawl.start(*arguments)
        wait_until(lambda: _is_waiting(db))
        process.send_signal(number)
        time.sleep(0.5)
        holder.execute("SELECT pg_advisory_unlock(4711)")
        _, errors = process.communicate(timeout=120)
    assert process.returncode == (1 if arguments else 0), errors
    assert "Traceback" not in errors
    assert ("interrupted" in errors) == bool(arguments)
    assert (_count(db, "crawl_agents"), _unpublished(db)) == (0, 0)
    before = topic.found()
    assert before
    assert before.total() == _count(db, "announcements")
    code, lines = crawl.once()
    assert (code, sum(line["announced"] for line in lines.values())) == (0, 275 - before.total())
    assert topic.found() == Counter(shops.names())


def _unpublished(db: Connection) -> int:
    row = db.execute("SELECT count(*) FROM announcement_batches WHERE published_at IS NULL").fetchone()
    return row[0] if row else 0


def _count(db: Connection, table: str) -> int:
    row = db.execute(f"SELECT count(*) FROM {table}".encode()).fetchone()
    return row[0] if row else 0


def test_several_agents_share_the_portals_and_take_over_from_the_dead(
    crawl: Crawl, shops: Replicas, topic: Topic, db: Connection, tmp_path: Path
):
    shops.write(tmp_path / "chains.toml", every=1.0)
    crawl.lease = 3.0
    agents = [crawl.start() for _ in range(3)]
    try:
        wait_until(lambda: _count(db, "crawl_agents") == 3)
        wait_until(lambda: topic.found() == Counter(shops.names()))
        wait_until(lambda: len(_watching(db)) > 1)
        agents[0].kill()
        agents[0].communicate()
        for shelf in shops.shelves.values():
            if shelf is not shops.shelves["cerberus_ftp"]:
                shelf.put(ShelfFile(_new_name(shelf.files), b"new", datetime.now(UTC)))
        wait_until(lambda: sum(topic.found().values()) >= len(shops.names()))
        time.sleep(2)
        assert topic.found() == Counter(shops.names())
    finally:
        errors = [end(agent) for agent in agents[1:]]
    assert [agent.returncode for agent in agents[1:]] == [0, 0]
    assert all("Traceback" not in error for error in errors), errors
    # The agents that were stopped have ended their leases; the killed one has not.
    assert _count(db, "crawl_agents") == 1


def _watching(db: Connection) -> set[str]:
    return {row[0] for row in db.execute("SELECT DISTINCT agent FROM portals")}


def _new_name(names: Sequence[str] | Any) -> str:
    first = next(iter(names))
    return first.replace("PriceFull", "Promo")


def test_an_agent_shows_its_metrics_and_ends_cleanly(crawl: Crawl, shops: Replicas, topic: Topic):
    process = crawl.start("--metrics-port", "0")
    assert process.stderr is not None
    address = process.stderr.readline().split()[-1]
    wait_until(lambda: topic.found() == Counter(shops.names()))
    for line in (
        'gogobe_files_announced_total{chain="bina"} 25.0',
        'gogobe_listings_total{chain="wolt",outcome="complete"} 1.0',
        'gogobe_portal_circuit_open{portal="cerberus_ftp"} 0.0',
        "gogobe_portals_watched 11.0",
    ):
        wait_until(partial(_shows, address, line))
    assert "Traceback" not in end(process, signal.SIGTERM)
    assert process.returncode == 0


def _shows(address: str, line: str) -> bool:
    with urllib.request.urlopen(address, timeout=60) as answer:
        return line in answer.read().decode()
