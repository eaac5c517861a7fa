"""The download step: what leaves it when, from whom, and what fails on our side."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe.chains.portal import PortalSettings
from gogobe.io.download_work import Ticket
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import Fetched, FetchSettings
from gogobe.io.folders import PARTS
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, WaitingFile, decoder, encode
from gogobe.transforms.coders import MessageCoder
from gogobe.transforms.download import DownloadConfig, Downloader, _Download
from gogobe.transforms.waiting import PORTAL_GONE
from tests.io.samples import config
from tests.portals import Portal, Request, Response, portal

NOW = datetime(2025, 8, 8, tzinfo=UTC)
SECONDS = 60.0
SETTINGS = FetchSettings(attempts=1, allowed=AllowedHosts.parse("127.0.0.1 localhost"))


@contextlib.contextmanager
def bundle(made: DownloadConfig) -> Iterator[_Download]:
    """The step, set up, in its first bundle."""
    step = _Download(made)
    step.setup()
    step.start_bundle()
    try:
        yield step
    finally:
        step.teardown()


class Gate:
    """Answers hold back what is named "slow" until the gate is opened."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def answer(self, request: Request) -> Response:
        if "slow" in request.path:
            assert self.open.wait(SECONDS)
        return Response(body=request.path.encode())


@pytest.fixture
def gate() -> Iterator[Gate]:
    made = Gate()
    yield made
    made.open.set()


@pytest.fixture
def served(gate: Gate) -> Iterator[Portal]:
    with portal(gate.answer) as running:
        yield running


@pytest.fixture
def step(tmp_path: Path, gate: Gate) -> Iterator[_Download]:
    with bundle(config(ObjectStore(str(tmp_path / "store")), SETTINGS)) as made:
        yield made
        gate.open.set()


def file(url: str, store: int, hour: int, slow: str = "fast") -> FileDiscovered:
    return FileDiscovered("chain", f"{url}/{slow}/Price7290-{store}-20250101{hour:02}00.gz", NOW)


def name_of(output: Any) -> str:
    value = output.value if isinstance(output, WindowedValue) else output
    assert isinstance(value, FileDownloaded)
    return value.file_name


def test_a_slow_store_holds_up_only_itself(step: _Download, served: Portal, gate: Gate):
    slow, behind, other = (
        file(served.url, 1, 0, "slow"),
        file(served.url, 1, 1),
        file(served.url, 2, 0),
    )
    early = [one for message in (slow, behind, other) for one in step.process(message)]
    results = iter([*early, *step.finish_bundle()]) if early else step.finish_bundle()
    assert name_of(next(results)) == "Price7290-2-202501010000.gz"
    gate.open.set()
    assert [name_of(one) for one in results] == ["Price7290-1-202501010000.gz", "Price7290-1-202501010100.gz"]


def test_a_slow_portal_leaves_threads_to_others(step: _Download, served: Portal, gate: Gate):
    for store in range(4):
        list(step.process(file(served.url, store, 0, "slow")))
    list(step.process(file(served.url.replace("127.0.0.1", "localhost"), 9, 0)))
    results = step.finish_bundle()
    assert name_of(next(results)) == "Price7290-9-202501010000.gz"
    assert len([path for path in served.paths if "slow" in path]) <= 2
    gate.open.set()
    assert len(list(results)) == 4


def test_at_most_two_downloads_a_thread_are_pending(served: Portal, gate: Gate, tmp_path: Path):
    with bundle(config(ObjectStore(str(tmp_path / "store")), SETTINGS, threads=1)) as step:
        for store in range(2):
            list(step.process(file(served.url, store, 0, "slow")))
        third = threading.Thread(target=lambda: list(step.process(file(served.url, 3, 0))))
        third.start()
        third.join(0.5)
        assert third.is_alive(), "the third was taken while two were pending"
        gate.open.set()
        third.join(SECONDS)
        assert not third.is_alive()


def test_what_a_finished_bundle_gives_is_in_a_window(step: _Download, served: Portal):
    list(step.process(FileDiscovered("chain", f"{served.url}/x.gz", NOW)))
    list(step.process(FileDiscovered("chain", "gopher://p/etc", NOW)))
    outputs = list(step.finish_bundle())
    (letter,) = [one for one in outputs if isinstance(one, TaggedOutput)]
    (good,) = [one for one in outputs if not isinstance(one, TaggedOutput)]
    assert isinstance(good, WindowedValue)
    assert isinstance(letter.value, WindowedValue)
    assert letter.value.value.reason == "unsupported_url"


def test_a_store_out_of_reach_is_raised_and_the_next_bundle_goes_on(
    step: _Download, served: Portal, gate: Gate, tmp_path: Path
):
    (tmp_path / "store").write_text("a file where the folder should be")
    list(step.process(file(served.url, 2, 0, "slow")))
    list(step.process(file(served.url, 1, 0)))
    with pytest.raises(OSError, match="store"):
        list(step.finish_bundle())
    (tmp_path / "store").unlink()
    gate.open.set()
    step.start_bundle()  # the slow one comes again with its bundle
    outputs = [*step.process(file(served.url, 1, 0)), *step.finish_bundle()]
    assert [name_of(one) for one in outputs] == ["Price7290-1-202501010000.gz"]


def test_a_signature_is_used_and_not_passed_on(step: _Download, served: Portal):
    signed = f"{served.url}/Price7290-1-202501010000.gz?sv=1&sig=S1gned&id=3"
    outputs = [*step.process(FileDiscovered("chain", signed, NOW)), *step.finish_bundle()]
    (found,) = [one.value if isinstance(one, WindowedValue) else one for one in outputs]
    assert served.requests[-1].path.endswith("sig=S1gned&id=3")
    assert found.source_url == f"{served.url}/Price7290-1-202501010000.gz?id=3"
    assert b"S1gned" not in encode(found)
    assert list((Path(step._config.store.url) / PARTS).iterdir()) == []


@settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture], deadline=None)
@given(
    url=st.text(min_size=1, max_size=300),
    path=st.sampled_from(["", "http://p/", "http://u:p@p/", "http://p/x?sig=1", "x://"]),
    file_name=st.none() | st.text(max_size=255),
    chain=st.from_regex(r"\A[\w.-]{1,63}\Z"),
)
def test_every_valid_announcement_can_be_encoded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, path: str, file_name: str | None, chain: str
):
    """What a coder refuses between two steps fails outside of any step, and then at every attempt."""

    def fetched(_fetcher: Fetcher, _url: str, part: Path, *_: Any) -> Fetched:
        part.write_bytes(b"prices")
        return Fetched(6, "ab" * 32)

    try:
        message = decoder(FileDiscovered).decode(encode(FileDiscovered(chain, path + url, NOW, file_name)))
    except ValueError:
        return
    monkeypatch.setattr(Fetcher, "fetch", fetched)
    anything: Any = None
    made = config(ObjectStore(str(tmp_path / "store")), SETTINGS)
    found = Downloader(made, Fetcher(SETTINGS), anything).download(message, Ticket())
    assert MessageCoder(FileDownloaded).decode(MessageCoder(FileDownloaded).encode(found)) == found


# What a portal does not give


def values(outputs: Any) -> list[Any]:
    """The elements of outputs, without window and tag."""
    untagged = [one.value if isinstance(one, TaggedOutput) else one for one in outputs]
    return [one.value if isinstance(one, WindowedValue) else one for one in untagged]


def of(step: _Download, *messages: FileDiscovered) -> list[Any]:
    """What comes of a bundle of messages."""
    step.start_bundle()
    return values([*(one for message in messages for one in step.process(message)), *step.finish_bundle()])


def again(waiting: WaitingFile, url: str = "", since: datetime | None = None) -> FileDiscovered:
    """The announcement of a file that waited."""
    return FileDiscovered(
        waiting.chain,
        url or waiting.url,
        waiting.discovered_at,
        attempts=waiting.attempts,
        waiting_since=since or waiting.waiting_since,
    )


def answers_by_folder(**statuses: int) -> Callable[[Request], Response]:
    """Each folder answers with its status; all others give the file."""

    def answer(request: Request) -> Response:
        status = statuses.get(request.path.split("/")[1], 200)
        headers = {"Retry-After": "120"} if status == 429 else {}
        return Response(status, b"prices" if status == 200 else b"", headers)

    return answer


def test_what_may_pass_waits_and_what_may_not_is_a_dead_letter(tmp_path: Path):
    with (
        portal(answers_by_folder(busy=503, gone=404)) as running,
        bundle(config(ObjectStore(str(tmp_path / "store")), SETTINGS)) as step,
    ):
        found = of(step, file(running.url, 1, 0, "busy"), file(running.url, 2, 0, "gone"))
        (waiting,) = [one for one in found if isinstance(one, WaitingFile)]
        (letter,) = [one for one in found if isinstance(one, DeadLetter)]
        assert letter.reason == "not_found"
        assert (waiting.reason, waiting.attempts, waiting.host) == ("server_error", 1, running.host)
        assert waiting.url == f"{running.url}/busy/Price7290-1-202501010000.gz"
        assert 15 <= (waiting.due_at - waiting.failed_at).total_seconds() <= 30
        (later,) = of(step, again(waiting))
        assert (later.attempts, later.waiting_since) == (2, waiting.waiting_since)
        assert later.discovered_at == waiting.discovered_at
        assert 30 <= (later.due_at - later.failed_at).total_seconds() <= 60
        assert decoder(WaitingFile).decode(encode(later)) == later


def test_a_file_that_waited_too_long_is_a_dead_letter_with_its_history(tmp_path: Path):
    with (
        portal(answers_by_folder(busy=503)) as running,
        bundle(config(ObjectStore(str(tmp_path / "store")), SETTINGS, give_up=3600)) as step,
    ):
        (waiting,) = of(step, file(running.url, 1, 0, "busy"))
        (still,) = of(step, again(waiting, since=datetime.now(UTC) - timedelta(minutes=59)))
        assert isinstance(still, WaitingFile)
        (letter,) = of(step, again(still, since=datetime.now(UTC) - timedelta(minutes=61)))
        assert (letter.reason, letter.attempts, letter.source_url) == (PORTAL_GONE, 3, waiting.url)
        assert "1.0 hours" in letter.detail
        assert "server_error" in letter.detail
        # One that its portal gives at last is no dead letter, however long it took.
        good = again(waiting, f"{running.url}/good/x.gz", datetime.now(UTC) - timedelta(days=3))
        assert isinstance(of(step, good)[0], FileDownloaded)


def test_a_portal_that_is_down_is_not_asked_again_by_each_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gogobe.io.hosts.FIRST_SECONDS", 500.0)  # no pause ends during the test
    with (
        portal(answers_by_folder(down=500)) as running,
        bundle(config(ObjectStore(str(tmp_path / "store")), SETTINGS)) as step,
    ):
        found = [one for n in range(30) for one in of(step, file(running.url, n, 0, "down"))]
        assert [one.reason for one in found] == ["server_error"] * 4 + ["host_ill"] * 26
        assert len(running.requests) == 4
        assert {one.attempts for one in found[4:]} == {0}
        assert min((one.due_at - one.failed_at).total_seconds() for one in found[4:]) > 15
        old = again(found[-1], since=datetime.now(UTC) - timedelta(days=2))
        assert of(step, old)[0].reason == PORTAL_GONE, "it is given up though the host is not asked"


def test_retry_after_is_kept(tmp_path: Path):
    with (
        portal(answers_by_folder(limited=429)) as running,
        bundle(config(ObjectStore(str(tmp_path / "store")), SETTINGS)) as step,
    ):
        begun = time.monotonic()
        first, second = of(step, file(running.url, 1, 0, "limited")), of(step, file(running.url, 2, 0, "good"))
        assert (first[0].reason, second[0].reason) == ("server_error", "host_ill")
        least = 119 - (time.monotonic() - begun)
        assert [(one.due_at - one.failed_at).total_seconds() >= least for one in (*first, *second)] == [
            True
        ] * 2
        assert len(running.requests) == 1


def test_a_signed_link_that_is_over_waits_for_a_new_one(tmp_path: Path):
    settings = PortalSettings(engine="html_links", url="http://127.0.0.1", signature=("ticket",))
    with (
        portal(lambda request: Response(200, b"prices") if "new" in request.path else Response(403)) as running,
        bundle(config(ObjectStore(str(tmp_path / "store")), SETTINGS, settings)) as step,
    ):
        address = f"{running.url}/Price7290-1-202501010000.gz"
        (waiting,) = of(step, FileDiscovered("chain", f"{address}?ticket=old", NOW))
        assert (waiting.reason, waiting.is_signed, waiting.url) == ("link_expired", True, address)
        (found,) = of(step, again(waiting, f"{address}?ticket=new"))
        assert found.source_url == address
        (letter,) = of(step, FileDiscovered("chain", address, NOW))
        assert (letter.reason, letter.source_url) == ("forbidden", address)
        for number in range(10):  # a dead link says nothing about the portal
            (waiting,) = of(step, FileDiscovered("chain", f"{address}?ticket={number}", NOW))
            assert waiting.reason == "link_expired"


def test_a_slow_download_ends_after_its_bundle_and_another_worker_finds_it(
    gate: Gate, served: Portal, tmp_path: Path
):
    store = ObjectStore(str(tmp_path / "store"))
    with bundle(config(store, SETTINGS, wait=0.1)) as step, bundle(config(store, SETTINGS)) as other:
        (waiting,) = of(step, file(served.url, 1, 0, "slow"))
        assert (waiting.reason, waiting.attempts) == ("slow", 0)
        gate.open.set()
        until = time.monotonic() + SECONDS
        found: list[Any] = []
        while not found and time.monotonic() < until:
            found = of(step)
        assert [one.file_name for one in found] == ["Price7290-1-202501010000.gz"]
        (same,) = of(other, again(waiting))
        # Its failure is over from now on: a file that was delivered twice may have failed after its download.
        assert same.downloaded_at > found[0].downloaded_at > waiting.failed_at
        assert msgspec.structs.replace(same, downloaded_at=found[0].downloaded_at) == found[0]
        assert len(served.requests) == 1
        # Another announcement of the same address is another content: it is asked for.
        of(other, FileDiscovered("chain", waiting.url, NOW + timedelta(hours=1), waiting_since=NOW))
        assert len(served.requests) == 2


def test_a_stored_file_never_waits_for_a_portal(tmp_path: Path):
    """However long it takes to read it, for any address."""
    store = ObjectStore(str(tmp_path / "store"))
    (tmp_path / "file").write_bytes(b"prices")
    path = store.put("raw/chain/aa/aa", tmp_path / "file")
    message = FileDiscovered("chain", "file:///gone/Price7290-1-202501010000.gz", NOW, s3_path=path)
    with bundle(config(store, SETTINGS, wait=0.0)) as step:
        assert [type(one) for one in values(list(step.process(message)))] == [FileDownloaded]
        assert of(step) == []
