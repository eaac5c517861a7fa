"""The step that divides announcements between the job and the overflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from apache_beam.internal import pickler

from gogobe.io.kafka.offsets import PartitionOffsets
from gogobe.io.kafka.options import KafkaAddress, KafkaOptions
from gogobe.io.kafka.publisher import Marked, Publisher, ends_of
from gogobe.io.kafka.shares import BURST, CROWD
from gogobe.io.kafka.topics import PublishError, commit_offsets, ensure_topics, publish, read_to_end
from gogobe.io.objects import ObjectStore
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered, decoder
from gogobe.transforms import share
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.share import _Share
from tests.database.samples import at
from tests.discovery.kafka import broker


class FixedLags:
    """In the place of `Lags`."""

    def __init__(self, *_arguments: Any) -> None:
        self.waiting = 0
        self.done = 0

    def now(self) -> dict[str, dict[int, PartitionOffsets]]:
        overflow = PartitionOffsets(0, self.done, self.done)
        return {DISCOVERED: {0: PartitionOffsets(0, self.waiting, 0)}, OVERFLOW: {3: overflow}}


class FixedPublisher:
    """In the place of `Publisher`."""

    def __init__(self, *_arguments: Any) -> None:
        self.published: list[Marked] = []
        self.fails = False

    def publish(self, records: Sequence[Marked]) -> dict[int, int]:
        if self.fails:
            raise PublishError("as a broker that is away")
        self.published += records
        return {3: len(self.published)}

    def close(self) -> None:
        """As `Publisher.close`."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    """The step as a runner sends it to its workers."""
    monkeypatch.setattr(share, "Lags", FixedLags)
    monkeypatch.setattr(share, "Publisher", FixedPublisher)
    step = _Share("127.0.0.1:1", "group", DeadLetters("share", ObjectStore(str(tmp_path))), None)
    sent: bytes = pickler.dumps(step)
    return sent


@pytest.fixture
def step(sent: bytes) -> _Share:
    return received(sent)


def received(sent: bytes) -> _Share:
    step: _Share = pickler.loads(sent)
    step.setup()
    stand_still(step)
    return step


def stand_still(step: _Share) -> None:
    """No time passes, in which shares would fill."""
    step._turns._shares.clock = lambda: 1000.0


def announcement(chain: str, number: int = 1) -> FileDiscovered:
    return FileDiscovered(chain, f"http://127.0.0.1/Price7290027600007-001-2025080703{number:02}.gz", at(1))


def lags_of(step: _Share) -> FixedLags:
    return cast("FixedLags", step._turns._lags)


def publisher_of(step: _Share) -> FixedPublisher:
    return cast("FixedPublisher", step._overflow)


def divided(step: _Share, chain: str, count: int, waiting: int) -> tuple[int, int]:
    """How many of a bundle go on, and how many to the overflow."""
    lags_of(step).waiting = waiting
    outputs = [one for number in range(count) for one in step.process(announcement(chain, number))]
    assert all(isinstance(one, FileDiscovered) for one in outputs)
    return len(outputs), len(diverted_by(step))


def diverted_by(step: _Share) -> list[FileDiscovered]:
    """What the end of the bundle writes to the overflow."""
    before = len(publisher_of(step).published)
    step.finish_bundle()
    written = publisher_of(step).published[before:]
    assert {one.partition for one in written} <= {3}
    return [decoder(FileDiscovered).decode(one.value) for one in written]


def test_while_few_wait_nothing_is_divided(step: _Share):
    assert divided(step, "a", 20, waiting=CROWD - 1) == (20, 0)


def test_a_crowd_is_divided_and_nothing_is_lost(step: _Share):
    assert divided(step, "a", 20, waiting=CROWD) == (BURST, 20 - BURST)
    assert divided(step, "b", 1, waiting=CROWD) == (1, 0)


def test_instances_of_one_process_divide_together(sent: bytes):
    """Else a file could overtake an older one of its store that another instance diverted."""
    one, other = received(sent), received(sent)
    assert divided(one, "a", 20, waiting=CROWD) == (BURST, 20 - BURST)
    assert list(other.process(announcement("a"))) == []
    assert diverted_by(other) == [announcement("a")]


def test_what_is_too_large_for_the_overflow_goes_on(step: _Share, monkeypatch: pytest.MonkeyPatch):
    divided(step, "a", BURST, waiting=CROWD)
    monkeypatch.setattr(share, "MAX_VALUE_BYTES", 10)
    assert divided(step, "a", 2, waiting=CROWD) == (2, 0)


def test_what_a_failed_bundle_diverted_is_forgotten(sent: bytes):
    """The runner repeats it, with another instance; nothing of it is on its way."""
    step = received(sent)
    publisher_of(step).fails = True
    with pytest.raises(PublishError):
        divided(step, "a", BURST + 1, waiting=CROWD)
    step.teardown()
    other = received(sent)
    other._turns._shares._expires = 0.0
    assert divided(other, "a", 10, waiting=0) == (10, 0)


def test_a_large_bundle_is_written_in_parts(step: _Share, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(share, "MOST_EXCESS", 5)
    lags_of(step).waiting = CROWD
    for number in range(BURST + 5):
        list(step.process(announcement("a", number)))
    assert len(publisher_of(step).published) == 5


@pytest.mark.server
def test_what_is_diverted_is_in_the_topic_before_the_bundle_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("gogobe.io.kafka.lags.REQUEST_SECONDS", 60.0)
    letters = DeadLetters("share", ObjectStore(str(tmp_path / "store")))
    with broker(tmp_path) as kafka:
        ensure_topics(kafka, [DISCOVERED, OVERFLOW])
        publish(kafka, DISCOVERED, [(b"%d" % n, b"waits") for n in range(CROWD)])
        commit_offsets(kafka, "group", OVERFLOW, {1: 0})  # the group has a coordinator from here on
        step = _Share(kafka, "group", letters, {DISCOVERED: [0, 1, 2, 3], OVERFLOW: [1]})
        step.setup()
        stand_still(step)
        went_on = [one for n in range(20) for one in step.process(announcement("a", n))]
        assert went_on == [announcement("a", n) for n in range(BURST)]
        step.finish_bundle()
        values = [decoder(FileDiscovered).decode(value) for _, value in read_to_end(kafka, OVERFLOW)]
        assert values == [announcement("a", n) for n in range(BURST, 20)]
        written = {partition for partition, end in ends_of(kafka, OVERFLOW).items() if end}
        assert written == {1}, "a partition that the job reads"
        assert not list(step.process(announcement("a")))
    step._overflow = Publisher("127.0.0.1:1", OVERFLOW, 0.5)
    with pytest.raises(PublishError):
        step.finish_bundle()
    step.teardown()


def test_options_that_no_client_can_use_stop_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    options = KafkaOptions(security_protocol="SSL", ssl_ca_location=str(tmp_path / "missing.pem"))
    letters = DeadLetters("share", ObjectStore(str(tmp_path)))
    step = _Share(KafkaAddress("127.0.0.1:1", options), "group", letters, None)
    step.setup()
    assert list(step.process(announcement("a"))) == [announcement("a")]
    assert "no lag can be read" in caplog.text
