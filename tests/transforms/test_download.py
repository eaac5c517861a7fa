"""The download step: what leaves it when, from whom, and what fails on our side."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe.io.fetching import Fetched, FetchSettings
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import FileDiscovered, FileDownloaded, decoder, encode
from gogobe.transforms import download
from gogobe.transforms.coders import MessageCoder
from gogobe.transforms.download import _Download
from tests.portals import Portal, Request, Response, portal

NOW = datetime(2025, 8, 8, tzinfo=UTC)
SECONDS = 20.0
SETTINGS = FetchSettings(attempts=1, allowed=AllowedHosts.parse("127.0.0.1 localhost"))


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
    made = _Download(ObjectStore(str(tmp_path / "store")), SETTINGS, threads=4, per_host=2)
    made.setup()
    made.start_bundle()
    yield made
    gate.open.set()
    made.teardown()


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
    step = _Download(ObjectStore(str(tmp_path / "store")), SETTINGS, threads=1, per_host=1)
    step.setup()
    step.start_bundle()
    try:
        for store in range(2):
            list(step.process(file(served.url, store, 0, "slow")))
        third = threading.Thread(target=lambda: list(step.process(file(served.url, 3, 0))))
        third.start()
        third.join(0.5)
        assert third.is_alive(), "the third was taken while two were pending"
        gate.open.set()
        third.join(SECONDS)
        assert not third.is_alive()
    finally:
        gate.open.set()
        step.teardown()


def test_what_a_finished_bundle_gives_is_in_a_window(step: _Download, served: Portal):
    list(step.process(FileDiscovered("chain", f"{served.url}/x.gz", NOW)))
    list(step.process(FileDiscovered("chain", "file:///etc/passwd", NOW)))
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
    assert list(Path(step._scratch.name).iterdir()) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    url=st.text(min_size=1, max_size=300),
    path=st.sampled_from(["", "http://p/", "http://u:p@p/", "http://p/x?sig=1", "x://"]),
    file_name=st.none() | st.text(max_size=255),
    chain=st.from_regex(r"\A[\w.-]{1,63}\Z"),
)
def test_whatever_may_be_announced_can_be_passed_on(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, url: str, path: str, file_name: str | None, chain: str
):
    """What a coder refuses between two steps fails outside of any step, and then for ever."""

    def fetched(_url: str, part: Path, *_: Any) -> Fetched:
        part.write_bytes(b"prices")
        return Fetched(6, "ab" * 32)

    try:
        message = decoder(FileDiscovered).decode(encode(FileDiscovered(chain, path + url, NOW, file_name)))
    except ValueError:
        return
    monkeypatch.setattr(download, "fetch", fetched)
    client: Any = None
    found = download.download(message, ObjectStore(str(tmp_path / "store")), SETTINGS, client, tmp_path)
    assert MessageCoder(FileDownloaded).decode(MessageCoder(FileDownloaded).encode(found)) == found
