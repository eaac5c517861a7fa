"""Scheduling without Beam and without a network: work that ends when the test says so."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from gogobe.io.downloads import Downloads

SECONDS = 20.0


class Work:
    """Pieces of work by name: each waits until it is released. Counts what runs, by host."""

    def __init__(self) -> None:
        self._gates: dict[str, threading.Event] = {}
        self._started: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    def piece(self, name: str, host: str = "h") -> Callable[[], str]:
        self._gates[name] = threading.Event()
        self._started[name] = threading.Event()

        def run() -> str:
            with self._lock:
                self.running[host] += 1
                self.most[host] = max(self.most[host], self.running[host])
            self._started[name].set()
            assert self._gates[name].wait(SECONDS)
            with self._lock:
                self.running[host] -= 1
            return name

        return run

    def release(self, *names: str) -> None:
        for name in names:
            self._gates[name].set()

    def release_all(self) -> None:
        self.release(*self._gates)

    def wait_until_started(self, *names: str) -> None:
        for name in names:
            assert self._started[name].wait(SECONDS), f"{name} did not start"

    def started(self) -> set[str]:
        return {name for name, event in self._started.items() if event.is_set()}


@pytest.fixture
def work() -> Iterator[Work]:
    made = Work()
    yield made
    made.release_all()


@pytest.fixture
def downloads(work: Work) -> Iterator[Downloads[str]]:
    made: Downloads[str] = Downloads(threads=4, per_host=2, pending=8)
    yield made
    work.release_all()
    made.close()


def test_a_store_s_results_keep_their_order_and_others_overtake(work: Work, downloads: Downloads[str]):
    for key, name, host in (("s", "s1", "a"), ("s", "s2", "a"), ("t", "t1", "b"), ("s", "s3", "b")):
        assert downloads.submit(key, host, work.piece(name, host)) == []
    work.wait_until_started("s1", "s2", "t1", "s3")
    results = downloads.finish()
    work.release("s3", "s2", "t1")
    assert next(results) == "t1"
    # s2 and s3 have ended, and wait for s1.
    work.release("s1")
    assert list(results) == ["s1", "s2", "s3"]


def test_a_result_that_is_due_leaves_with_the_next_submission(work: Work, downloads: Downloads[str]):
    downloads.submit("slow", "a", work.piece("slow", "a"))
    downloads.submit("fast", "b", work.piece("fast", "b"))
    work.release("fast")
    left: list[str] = []
    for number in range(6):
        key = f"other {number}"
        left += downloads.submit(key, "c", work.piece(key, "c"))
        work.release(key)
    left += downloads.submit("last", "d", work.piece("last", "d"))  # the eighth: has to wait for nothing
    left += downloads.submit("more", "d", work.piece("more", "d"))  # the ninth: has to wait for one
    assert left, "nothing overtook the slow one"
    assert "slow" not in left


def test_a_host_has_no_more_than_its_share_of_the_threads(work: Work, downloads: Downloads[str]):
    for number in range(4):
        downloads.submit(f"a{number}", "a", work.piece(f"a{number}", "a"))
    downloads.submit("b", "b", work.piece("b", "b"))
    work.wait_until_started("a0", "a1", "b")
    work.release("b")
    results = downloads.finish()
    assert next(results) == "b"
    assert work.started() == {"a0", "a1", "b"}
    work.release("a0")
    work.wait_until_started("a2")
    work.release_all()
    assert sorted(results) == ["a0", "a1", "a2", "a3"]
    assert work.most == {"a": 2, "b": 1}


def test_only_so_many_are_pending(work: Work):
    downloads: Downloads[str] = Downloads(threads=1, per_host=1, pending=2)
    try:
        downloads.submit("a", "h", work.piece("a"))
        downloads.submit("b", "h", work.piece("b"))
        due: list[str] = []
        submitting = threading.Thread(target=lambda: due.extend(downloads.submit("c", "h", work.piece("c"))))
        submitting.start()
        submitting.join(0.2)
        assert submitting.is_alive(), "the third was taken while two were pending"
        work.release("a")
        submitting.join(SECONDS)
        assert not submitting.is_alive()
        assert due == ["a"]
        work.release_all()
        assert list(downloads.finish()) == ["b", "c"]
    finally:
        work.release_all()
        downloads.close()


def test_what_waits_for_an_earlier_of_its_store_counts_as_pending(work: Work):
    downloads: Downloads[str] = Downloads(threads=2, per_host=2, pending=2)
    try:
        downloads.submit("s", "h", work.piece("s1"))
        downloads.submit("s", "h", work.piece("s2"))
        work.release("s2")
        submitting = threading.Thread(target=lambda: downloads.submit("t", "h", work.piece("t")))
        submitting.start()
        submitting.join(0.2)
        assert submitting.is_alive()
        work.release("s1")
        submitting.join(SECONDS)
        assert not submitting.is_alive()
    finally:
        work.release_all()
        downloads.close()


def test_what_the_work_raises_is_raised_in_its_turn(work: Work, downloads: Downloads[str]):
    def fails() -> str:
        raise ConnectionError("the store is out of reach")

    downloads.submit("s", "a", work.piece("s1", "a"))
    downloads.submit("s", "a", fails)
    downloads.submit("t", "b", work.piece("t1", "b"))
    results = downloads.finish()
    work.release("t1")
    assert next(results) == "t1"
    work.release("s1")
    with pytest.raises(ConnectionError):
        list(results)
    downloads.abandon()
    downloads.submit("u", "a", work.piece("u1", "a"))
    work.release("u1")
    assert list(downloads.finish()) == ["u1"]


def test_what_is_abandoned_never_starts_and_gives_nothing(work: Work, downloads: Downloads[str]):
    for number in range(4):
        downloads.submit(f"a{number}", "a", work.piece(f"a{number}", "a"))
    work.wait_until_started("a0", "a1")
    downloads.abandon()
    assert list(downloads.finish()) == []
    downloads.submit("b", "a", work.piece("b", "a"))
    assert "b" not in work.started(), "the abandoned ones still run, and have their share"
    work.release("a0", "a1")
    work.wait_until_started("b")
    work.release("b")
    assert list(downloads.finish()) == ["b"]
    assert work.started() == {"a0", "a1", "b"}


def test_nothing_is_lost_and_every_store_is_in_order_whatever_takes_how_long():
    chance = random.Random(5)
    downloads: Downloads[tuple[str, int]] = Downloads(threads=8, per_host=3, pending=16)
    running: Counter[str] = Counter()
    lock = threading.Lock()

    def piece(key: str, host: str, number: int) -> tuple[str, int]:
        with lock:
            running[host] += 1
            assert running[host] <= 3
            assert running.total() <= 8
        threading.Event().wait(chance.random() / 200)
        with lock:
            running[host] -= 1
        return key, number

    results: list[tuple[str, int]] = []
    for number in range(600):
        key = f"store {chance.randrange(20)}"
        host = f"host {chance.randrange(4)}"
        results += downloads.submit(key, host, partial(piece, key, host, number))
    results += downloads.finish()
    downloads.close()
    assert sorted(number for _, number in results) == list(range(600))
    for key in {key for key, _ in results}:
        numbers = [number for found, number in results if found == key]
        assert numbers == sorted(numbers)
    assert [number for _, number in results] != list(range(600))
