"""Scheduling without Beam and without a network: work that ends, and time that passes, when the test says so."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from gogobe.io.download_work import Ended, Plan, Postponed, Ticket, Work
from gogobe.io.downloads import Downloads
from gogobe.io.hosts import Limits

pytestmark = pytest.mark.slow

SECONDS = 60.0
NEVER = 1000.0


class Pieces:
    """Pieces of work by name: each waits until it is released. Counts what runs, by host."""

    def __init__(self) -> None:
        self._gates: dict[str, threading.Event] = {}
        self._started: dict[str, threading.Event] = {}
        self._lock = threading.Lock()
        self.running: Counter[str] = Counter()
        self.most: Counter[str] = Counter()
        self.tickets: dict[str, Ticket] = {}

    def piece(self, name: str, host: str = "h", *, fails: bool = False) -> Work[str]:
        self._gates[name] = threading.Event()
        self._started[name] = threading.Event()

        def run(ticket: Ticket) -> Ended[str]:
            with self._lock:
                self.running[host] += 1
                self.most[host] = max(self.most[host], self.running[host])
            self.tickets[name] = ticket
            self._started[name].set()
            until = time.monotonic() + SECONDS
            while not self._gates[name].wait(0.01) and not ticket.is_cancelled:
                assert time.monotonic() < until
            with self._lock:
                self.running[host] -= 1
            return Ended(name, host_failed=fails)

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


class Clock:
    """The scheduler's time in seconds, which the test moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Tried:
    """A scheduler under test, with its pieces of work."""

    def __init__(self, plan: Plan, limits: Callable[[str], Limits]) -> None:
        self.work = Pieces()
        self.clock = Clock()
        self.downloads: Downloads[str, str] = Downloads(plan, limits, self.clock)
        self._wait = plan.wait

    def submit(self, name: str, order: str = "", host: str = "h", *, fails: bool = False) -> list[str]:
        """Submits a piece of work of its own name; what is due, as names, or as names with a reason."""
        piece = self.work.piece(name, host, fails=fails)
        due = self.downloads.submit(name, identity=name.encode(), order=order or name, host=host, work=piece)
        return list(map(shown, due))

    def finish(self) -> Iterator[str]:
        return map(shown, self.downloads.finish())

    def run(self, name: str, host: str = "h", *, fails: bool = False) -> list[str]:
        """Submits what ends at once, and finishes."""
        due = self.submit(name, host=host, fails=fails)
        self.work.release(name)
        return [*due, *self.finish()]

    def finish_late(self) -> list[str]:
        """Finishes when the time that a bundle waits is over for all that has not ended."""
        self.clock.now += self._wait + 1.0
        return list(self.finish())

    def until_late(self, count: int) -> list[str]:
        """What ends after its bundle, as later bundles get it."""
        found: list[str] = []
        until = time.monotonic() + SECONDS
        while len(found) < count:
            found += self.finish()
            assert time.monotonic() < until, found
            time.sleep(0.005)
        return found

    def close(self) -> None:
        self.work.release_all()
        self.downloads.close()


def shown(result: tuple[str, Ended[str] | Postponed]) -> str:
    message, outcome = result
    if isinstance(outcome, Ended):
        assert outcome.value == message
        return message
    return f"{message} {outcome.reason}"


Make = Callable[..., Tried]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Tried] = []

    def build(limits: Callable[[str], Limits] = lambda _: Limits(2), **plan: Any) -> Tried:
        made.append(Tried(Plan(**({"threads": 4, "wait": NEVER, "pending": 8} | plan)), limits))
        return made[-1]

    yield build
    for one in made:
        one.close()


def test_a_store_s_results_keep_their_order_and_others_overtake(make: Make):
    tried = make()
    for key, name, host in (("s", "s1", "a"), ("s", "s2", "a"), ("t", "t1", "b"), ("s", "s3", "b")):
        assert tried.submit(name, key, host) == []
    tried.work.wait_until_started("s1", "s2", "t1", "s3")
    results = tried.finish()
    tried.work.release("s3", "s2", "t1")
    assert next(results) == "t1"
    # s2 and s3 have ended, and wait for s1.
    tried.work.release("s1")
    assert list(results) == ["s1", "s2", "s3"]


def test_a_result_that_is_due_leaves_with_the_next_submission(make: Make):
    tried = make()
    tried.submit("slow", host="a")
    tried.submit("fast", host="b")
    tried.work.release("fast")
    left: list[str] = []
    for number in range(6):
        left += tried.submit(f"other {number}", host="c")
        tried.work.release(f"other {number}")
    left += tried.submit("last", host="d")  # the eighth: has to wait for nothing
    left += tried.submit("more", host="d")  # the ninth: has to wait for one
    assert left, "nothing overtook the slow one"
    assert "slow" not in left


def test_a_host_has_no_more_than_its_share_of_the_threads(make: Make):
    tried = make()
    for number in range(4):
        tried.submit(f"a{number}", host="a")
    tried.submit("b", host="b")
    tried.work.wait_until_started("a0", "a1", "b")
    tried.work.release("b")
    results = tried.finish()
    assert next(results) == "b"
    assert tried.work.started() == {"a0", "a1", "b"}
    tried.work.release("a0")
    tried.work.wait_until_started("a2")
    tried.work.release_all()
    assert sorted(results) == ["a0", "a1", "a2", "a3"]
    assert tried.work.most == {"a": 2, "b": 1}


def test_only_so_many_are_pending(make: Make):
    tried = make(threads=1, pending=2)
    tried.submit("a")
    tried.submit("b")
    due: list[str] = []
    submitting = threading.Thread(target=lambda: due.extend(tried.submit("c")))
    submitting.start()
    submitting.join(0.2)
    assert submitting.is_alive(), "the third was taken while two were pending"
    tried.work.release("a")
    submitting.join(SECONDS)
    assert not submitting.is_alive()
    assert due == ["a"]
    tried.work.release_all()
    assert list(tried.finish()) == ["b", "c"]


def test_what_the_work_raises_is_raised_in_its_turn(make: Make):
    tried = make()

    def fails(_: Ticket) -> Ended[str]:
        raise ConnectionError("the store is out of reach")

    tried.submit("s1", "s", "a")
    tried.downloads.submit("s2", identity=b"s2", order="s", host="a", work=fails)
    tried.submit("t1", "t", "b")
    results = tried.finish()
    tried.work.release("t1")
    assert next(results) == "t1"
    tried.work.release("s1")
    with pytest.raises(ConnectionError):
        list(results)
    tried.downloads.abandon()
    assert tried.run("u1", "a") == ["u1"]


def test_what_is_abandoned_never_starts_and_gives_nothing(make: Make):
    tried = make()
    for number in range(4):
        tried.submit(f"a{number}", host="a")
    tried.work.wait_until_started("a0", "a1")
    tried.downloads.abandon()
    assert list(tried.finish()) == []
    tried.submit("b", host="a")
    assert "b" not in tried.work.started(), "the abandoned ones still run, and have their share"
    tried.work.release("a0", "a1")
    tried.work.wait_until_started("b")
    tried.work.release("b")
    assert list(tried.finish()) == ["b"]
    assert tried.work.started() == {"a0", "a1", "b"}


# What a bundle does not wait for


def test_a_slow_download_is_left_behind_and_ends_in_a_later_bundle(make: Make):
    tried = make()
    tried.submit("slow", host="a")
    assert tried.finish_late() == ["slow slow"]
    tried.work.wait_until_started("slow")
    assert tried.work.tickets["slow"].is_left
    tried.work.release("slow")
    assert tried.until_late(1) == ["slow"]


def test_what_comes_again_while_it_is_downloaded_is_not_downloaded_twice(make: Make):
    tried = make()
    tried.submit("slow")
    assert tried.finish_late() == ["slow slow"]
    tried.work.wait_until_started("slow")
    first = tried.work.tickets["slow"]
    again = tried.downloads.submit("slow", identity=b"slow", order="", host="h", work=tried.work.piece("other"))
    assert list(map(shown, again)) == ["slow slow"]
    assert "other" not in tried.work.started()
    assert tried.work.tickets["slow"] is first


def test_a_host_that_was_slow_is_not_waited_for_and_others_are(make: Make):
    tried = make()
    for number in range(4):
        tried.submit(f"a{number}", host="a")
    assert tried.finish_late() == [f"a{number} slow" for number in range(4)]
    for number in range(4, 50):
        assert tried.submit(f"a{number}", host="a") == [f"a{number} slow"]
    assert list(tried.finish()) == []
    assert tried.run("b", "b") == ["b"]
    tried.work.release_all()
    assert sorted(tried.until_late(50)) == sorted(f"a{number}" for number in range(50))
    assert tried.work.most["a"] == 2
    assert tried.run("a50", "a") == ["a50"], "the host is quick again"


def test_slow_hosts_leave_all_threads_to_the_others(make: Make):
    tried = make(threads=2, slow_threads=2, pending=4)
    # Two hosts fill the slow lane, a third finds no room in it.
    for host in "abc":
        tried.submit(host, host=host)
        assert tried.finish_late() == [f"{host} {'busy' if host == 'c' else 'slow'}"]
    tried.work.wait_until_started("c")
    assert tried.work.tickets["c"].is_cancelled
    assert [tried.run(f"d{number}", "d") for number in range(4)] == [[f"d{number}"] for number in range(4)]
    tried.work.release("a", "b")
    assert sorted(tried.until_late(2)) == ["a", "b"]


def test_the_backlog_is_bounded(make: Make):
    tried = make(backlog=3)
    for number in range(2):
        tried.submit(f"a{number}")
    assert tried.finish_late() == ["a0 slow", "a1 slow"]
    assert [tried.submit(f"b{number}") for number in range(3)] == [["b0 slow"], ["b1 busy"], ["b2 busy"]]


def test_a_dead_host_is_not_asked_after_a_few_failures(make: Make):
    tried = make()
    outcomes = [tried.run(f"a{number}", "a", fails=True) for number in range(20)]
    assert outcomes == [[f"a{number}"] for number in range(4)] + [[f"a{n} host_ill"] for n in range(4, 20)]
    assert len(tried.work.started()) == 4
    assert tried.run("b", "b") == ["b"]


def test_what_waits_for_a_host_that_turns_out_ill_is_dropped(make: Make):
    tried = make(limits=lambda _: Limits(4))
    for number in range(4):
        tried.submit(f"a{number}", fails=True)
    assert tried.finish_late() == [f"a{number} slow" for number in range(4)]
    for number in range(4, 12):
        tried.submit(f"a{number}")
    tried.work.release("a0", "a1", "a2", "a3")
    assert sorted(tried.until_late(4)) == ["a0", "a1", "a2", "a3"]
    assert tried.work.started() <= {"a0", "a1", "a2", "a3", "a4", "a5", "a6"}
    tried.work.release_all()


def test_a_rate_holds_and_what_it_delays_is_not_waited_for(make: Make):
    tried = make(limits=lambda _: Limits(8, 20.0), threads=8, pending=12, wait=0.2)
    begun: list[float] = []

    def work(name: str, _: Ticket) -> Ended[str]:
        begun.append(tried.clock.now)
        return Ended(name)

    names = [f"a{number}" for number in range(12)]
    results: list[str] = []
    for name in names:
        due = tried.downloads.submit(
            name, identity=name.encode(), order=name, host="h", work=partial(work, name)
        )
        results += map(shown, due)
    tried.clock.now = 0.25
    results += tried.finish()
    delayed = [one for one in results if one.endswith("slow")]
    assert len(delayed) >= len(names) - 1, "only the first one began at once"
    until = time.monotonic() + SECONDS
    while len(results) < len(names) + len(delayed):
        assert time.monotonic() < until, results
        tried.clock.now += 0.05
        results += tried.finish()
        time.sleep(0.005)
    assert sorted(one for one in results if one not in delayed) == sorted(names)
    assert all(moment >= number / 20.0 - 1e-9 for number, moment in enumerate(sorted(begun)))


def test_closing_waits_for_what_a_bundle_waited_for_and_not_for_the_slow(make: Make):
    tried = make()
    tried.submit("slow", host="a")
    assert tried.finish_late() == ["slow slow"]
    tried.work.wait_until_started("slow")
    tried.downloads.close()
    assert tried.work.running["a"] == 1


def test_nothing_is_lost_and_every_store_is_in_order_whatever_takes_how_long():
    chance = random.Random(5)
    downloads: Downloads[int, tuple[str, int]] = Downloads(
        Plan(threads=8, wait=NEVER, pending=16), lambda _: Limits(3)
    )
    running: Counter[str] = Counter()
    lock = threading.Lock()
    overtaken = threading.Event()

    def piece(key: str, host: str, number: int, _: Ticket) -> Ended[tuple[str, int]]:
        with lock:
            running[host] += 1
            assert running[host] <= 3
            assert running.total() <= 8
        if number == 0:
            overtaken.wait(SECONDS)
        time.sleep(chance.random() / 200)
        with lock:
            running[host] -= 1
        return Ended((key, number))

    results: list[Any] = []
    for number in range(600):
        key = f"store {chance.randrange(20)}"
        host = f"host {chance.randrange(4)}"
        work = partial(piece, key, host, number)
        results += downloads.submit(number, identity=b"%d" % number, order=key, host=host, work=work)
        if results:
            overtaken.set()
    results += downloads.finish()
    downloads.close()
    found = [outcome.value for _, outcome in results]
    assert sorted(number for _, number in found) == list(range(600))
    for key in {key for key, _ in found}:
        numbers = [number for one, number in found if one == key]
        assert numbers == sorted(numbers)
    assert [number for _, number in found] != list(range(600))


def test_every_submission_has_an_outcome_whatever_is_slow_fails_or_is_refused():
    """At random: each message has an outcome of its bundle, and each download that was begun ends once."""
    chance = random.Random(7)
    downloads: Downloads[int, int] = Downloads(
        Plan(threads=4, slow_threads=3, wait=0.02, pending=8, backlog=10), lambda _: Limits(2, 400.0)
    )

    def piece(number: int, seconds: float, ticket: Ticket) -> Ended[int]:
        until = time.monotonic() + seconds
        while time.monotonic() < until and not ticket.is_cancelled:
            time.sleep(0.001)
        return Ended(number, host_failed=number % 5 == 0)

    outcomes: Counter[tuple[int, bool]] = Counter()
    for number in range(400):
        work = partial(piece, number, chance.choice([0.0, 0.001, 0.001, 0.06]))
        host = f"host {chance.randrange(8)}"
        due = downloads.submit(number, identity=b"%d" % number, order=host, host=host, work=work)
        if number % 8 == 7:
            due += downloads.finish()
        outcomes.update((message, isinstance(outcome, Ended)) for message, outcome in due)
    outcomes.update((message, isinstance(outcome, Ended)) for message, outcome in downloads.finish())
    downloads.close()
    assert {message for message, _ in outcomes} == set(range(400))
    assert set(outcomes.values()) == {1}
