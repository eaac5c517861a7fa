"""A file that kills or hangs its worker process is given up after three attempts; its neighbours go on."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from gogobe.feeds.reader import FeedReader
from gogobe.io.objects import ObjectStore
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch
from gogobe.transforms import parse, poison, watchdog
from gogobe.transforms.masters import MastersAddress
from gogobe.transforms.parse import ParseAndMatch
from gogobe.transforms.poison import FORGOTTEN_SECONDS, Attempts
from tests.transforms.test_parse import stored

BAD = "PriceFull7290058140886-013-202507131800.gz"
SECONDS = 60.0


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the machine remembers of files."""
    monkeypatch.setattr(poison, "default_folder", lambda: tmp_path / "reading")
    return tmp_path / "reading"


def breaks(monkeypatch: pytest.MonkeyPatch, how: Callable[[], object]) -> None:
    """What the reader does to its process, in the middle of the bad file."""

    class Reader(FeedReader):
        def __iter__(self) -> Iterator[Any]:
            for number, block in enumerate(super().__iter__()):
                if number == 2 and self._file_name == BAD:
                    how()
                yield block

    monkeypatch.setattr(parse, "FeedReader", Reader)


def run_out_of_time() -> None:
    """The step is watched, and its time is almost over."""
    dog = watchdog.Watchdog()
    assert dog._deadlines
    for watched in dog._deadlines:
        dog._deadlines[watched] = time.monotonic() + 0.5
    dog._set(None)  # sets the timer by the deadlines of all


def kill_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def wait() -> None:
    run_out_of_time()
    time.sleep(SECONDS)


def hold_the_interpreter() -> None:
    """As native code does that never returns: no other Python thread runs meanwhile."""
    run_out_of_time()
    re.match(r"(a+)+$", "a" * 60 + "b")


def in_a_process(tmp_path: Path, *files: FileDownloaded) -> tuple[int | None, list[Any]]:
    """The files through the step in a worker process of their own: its exit code, and what came out of it."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def work() -> None:
        snapshots = SnapshotStore(str(tmp_path / "masters"))
        step = ParseAndMatch(ObjectStore(str(tmp_path)), snapshots, 1000)._dofn
        step.setup()
        step.start_bundle()
        for file in files:
            for output in step.process(file, MastersAddress(snapshots, None)):
                there.send(getattr(output, "value", output))
        step.teardown()

    process = context.Process(target=work)
    process.start()
    there.close()
    outputs = []
    try:
        while True:
            outputs.append(here.recv())
    except EOFError:
        process.join(SECONDS)
    return process.exitcode, outputs


def rows_and_letters(outputs: list[Any]) -> tuple[int, list[str]]:
    rows = sum(len(one.items) for one in outputs if isinstance(one, IngestBatch))
    return rows, [one.reason for one in outputs if isinstance(one, DeadLetter)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "exit_code"),
    [(kill_itself, -signal.SIGKILL), (wait, 1), (hold_the_interpreter, 1)],
    ids=["killed", "waits", "hangs"],
)
def test_a_file_that_ends_its_process_is_given_up_after_three_attempts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: Callable[[], object], exit_code: int
):
    breaks(monkeypatch, how)
    good = stored(tmp_path)
    bad = msgspec.structs.replace(good, file_name=BAD, content_sha256="bad")
    items, _ = rows_and_letters(in_a_process(tmp_path, good)[1])
    assert items > 4000
    for _ in range(3):
        code, outputs = in_a_process(tmp_path, bad, good)
        assert code == exit_code
        assert rows_and_letters(outputs) == (500, []), "one block is held back"
    code, outputs = in_a_process(tmp_path, bad, good)
    assert code == 0
    assert rows_and_letters(outputs) == (items, ["poison"])
    letter = next(one for one in outputs if isinstance(one, DeadLetter))
    assert (letter.stage, letter.file, letter.attempts) == ("parse", BAD, 3)
    assert "3 worker processes died or hung" in letter.detail
    breaks(monkeypatch, lambda: None)
    os.utime(next((folder / "attempts").iterdir()), (0, time.time() - FORGOTTEN_SECONDS - 1))
    assert rows_and_letters(in_a_process(tmp_path, bad)[1]) == (items, []), "it is tried again after a day"


def test_an_attempt_is_counted_once_and_ends_with_the_file(tmp_path: Path):
    dead = os.fork()
    if dead == 0:
        with Attempts(tmp_path).reading("a"):
            os._exit(1)
    os.waitpid(dead, 0)
    one, other = Attempts(tmp_path), Attempts(tmp_path)
    for attempts in (one, other, one):
        attempts.collect()
        assert one.count("a") == other.count("a") == 1
    assert len(list(tmp_path.glob("*.note"))) == 2, "those of processes that live"

    def outage() -> None:
        with one.reading("a"):
            other.collect()
            raise ConnectionError("the object store")

    with pytest.raises(ConnectionError):
        outage()
    assert one.count("a") == 1, "an outage is no attempt, and a process that lives is not dead"
    with one.reading("a"):
        pass
    assert one.count("a") == 0
    one.close()
    other.close()
    assert [path.name for path in tmp_path.iterdir()] == ["attempts"]


@pytest.mark.parametrize("name", ["../../escaped", "/etc/passwd", "", "a/b", "\ud800", "x" * 5000])
def test_a_hash_from_a_message_may_be_any_text(tmp_path: Path, name: str):
    attempts = Attempts(tmp_path / "reading")
    with attempts.reading(name):
        assert attempts.count(name) == 0
    attempts.close()
    assert [path.name for path in tmp_path.iterdir()] == ["reading"]


def test_time_counts_only_while_outputs_are_made(monkeypatch: pytest.MonkeyPatch):
    clock, bounds = SimpleNamespace(now=1000.0), list[float]()
    timer = SimpleNamespace(
        dump_traceback_later=lambda wait, **_: bounds.append(wait), cancel_dump_traceback_later=lambda: None
    )
    monkeypatch.setattr(watchdog, "time", SimpleNamespace(monotonic=lambda: clock.now))
    monkeypatch.setattr(watchdog, "faulthandler", timer)

    def outputs() -> Iterator[int]:
        for number in range(3):
            clock.now += 0.1
            yield number

    dog = watchdog.Watchdog()
    for _ in dog.watch(outputs(), 1.0):
        clock.now += 5.0
    assert bounds == pytest.approx([1.0, 0.9, 0.8, 0.7])
    assert dog._deadlines == {}
