"""The step that divides announcements between the job and the overflow."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from apache_beam.internal import pickler
from apache_beam.pvalue import TaggedOutput

from gogobe.io.kafka.options import KafkaAddress, KafkaOptions
from gogobe.io.kafka.publisher import Marked, Publisher
from gogobe.io.kafka.topics import PublishError, ensure_topics, read_to_end
from gogobe.io.objects import ObjectStore
from gogobe.io.shares import BURST, CROWD
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered, decoder
from gogobe.transforms import share
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.publish import keyed_overflow
from gogobe.transforms.share import _Share
from tests.database.samples import at
from tests.discovery.kafka import broker


class FixedLags:
    """In the place of `Lags`."""

    def __init__(self, *_arguments: Any) -> None:
        self.lags = {DISCOVERED: 0, OVERFLOW: 0}

    def now(self) -> dict[str, int]:
        return self.lags


class FixedPublisher:
    """In the place of `Publisher`."""

    def __init__(self, *_arguments: Any) -> None:
        self.published: list[Marked] = []

    def publish(self, records: Sequence[Marked]) -> None:
        self.published += records

    def close(self) -> None:
        """As `Publisher.close`."""


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    """The step as a runner sends it to its workers."""
    monkeypatch.setattr(share, "Lags", FixedLags)
    monkeypatch.setattr(share, "Publisher", FixedPublisher)
    sent: bytes = pickler.dumps(
        _Share("127.0.0.1:1", "group", DeadLetters("share", ObjectStore(str(tmp_path))))
    )
    return sent


@pytest.fixture
def step(sent: bytes) -> _Share:
    return received(sent)


def received(sent: bytes) -> _Share:
    step: _Share = pickler.loads(sent)
    step.setup()
    return step


def announcement(chain: str, number: int = 1) -> FileDiscovered:
    return FileDiscovered(chain, f"http://127.0.0.1/Price7290027600007-001-2025080703{number:02}.gz", at(1))


def divided(step: _Share, chain: str, count: int, waiting: int) -> tuple[int, int]:
    """How many of a bundle go on, and how many to the overflow."""
    lags: Any = step._turns._lags
    lags.lags = {DISCOVERED: waiting, OVERFLOW: 0}
    step.start_bundle()
    outputs = [one for number in range(count) for one in step.process(announcement(chain, number))]
    assert all(isinstance(one, FileDiscovered) for one in outputs)
    return len(outputs), len(diverted_by(step))


def diverted_by(step: _Share) -> list[FileDiscovered]:
    """What the end of the bundle writes to the overflow."""
    overflow: Any = step._overflow
    overflow.published.clear()
    step.finish_bundle()
    assert all(one.key == b"a" for one in overflow.published), "chains take turns in the overflow"
    return [decoder(FileDiscovered).decode(one.value) for one in overflow.published]


def test_while_few_wait_nothing_is_divided(step: _Share):
    assert divided(step, "a", 20, waiting=CROWD - 1) == (20, 0)


def test_a_crowd_is_divided_and_nothing_is_lost(step: _Share):
    assert divided(step, "a", 20, waiting=CROWD) == (BURST, 20 - BURST)
    assert divided(step, "b", 1, waiting=CROWD) == (1, 0)


def test_chains_take_turns_in_the_overflow():
    assert keyed_overflow(announcement("a"))[0] == b"a"


def test_instances_of_one_process_divide_together(sent: bytes):
    """Else a file could overtake an older one of its store that another instance diverted."""
    one, other = received(sent), received(sent)
    assert divided(one, "a", 20, waiting=CROWD) == (BURST, 20 - BURST)
    other.start_bundle()
    assert list(other.process(announcement("a"))) == []
    assert diverted_by(other) == [announcement("a")]


def test_what_is_too_large_for_the_overflow_is_a_dead_letter(step: _Share, monkeypatch: pytest.MonkeyPatch):
    divided(step, "a", BURST + 1, waiting=CROWD)
    monkeypatch.setattr(share, "MAX_VALUE_BYTES", 10)
    step.start_bundle()
    (letter,) = step.process(announcement("a"))
    assert isinstance(letter, TaggedOutput)
    assert (letter.value.stage, letter.value.reason) == ("share", "message_too_large")
    assert diverted_by(step) == []


@pytest.mark.server
def test_what_is_diverted_is_in_the_topic_before_the_bundle_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(share, "Lags", FixedLags)
    step = _Share("127.0.0.1:1", "group", DeadLetters("share", ObjectStore(str(tmp_path / "store"))))
    step.setup()
    with broker(tmp_path) as kafka:
        ensure_topics(kafka, [OVERFLOW])
        step._overflow = Publisher(kafka, OVERFLOW, 60.0)
        lags: Any = step._turns._lags
        lags.lags = {DISCOVERED: CROWD, OVERFLOW: 0}
        step.start_bundle()
        assert sum(len(list(step.process(announcement("a", n)))) for n in range(20)) == BURST
        step.finish_bundle()
        values = [decoder(FileDiscovered).decode(value) for _, value in read_to_end(kafka, OVERFLOW)]
        assert values == [announcement("a", n) for n in range(BURST, 20)]
    step.start_bundle()
    list(step.process(announcement("a")))
    step._overflow = Publisher("127.0.0.1:1", OVERFLOW, 0.5)
    with pytest.raises(PublishError):
        step.finish_bundle()
    step.teardown()


def test_options_that_no_client_can_use_stop_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    options = KafkaOptions(security_protocol="SSL", ssl_ca_location=str(tmp_path / "missing.pem"))
    letters = DeadLetters("share", ObjectStore(str(tmp_path)))
    step = _Share(KafkaAddress("127.0.0.1:1", options), "group", letters)
    step.setup()
    step.start_bundle()
    assert list(step.process(announcement("a"))) == [announcement("a")]
    assert "no lag can be read" in caplog.text
