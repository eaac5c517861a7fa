"""The step that divides announcements between the job and the overflow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from apache_beam.internal import pickler
from apache_beam.pvalue import TaggedOutput

from gogobe.io.kafka.options import KafkaAddress, KafkaOptions
from gogobe.io.objects import ObjectStore
from gogobe.io.shares import BURST, CROWD
from gogobe.records.messages import DISCOVERED, OVERFLOW, FileDiscovered
from gogobe.transforms import share
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.publish import keyed_overflow
from gogobe.transforms.share import EXCESS, _Share
from tests.database.samples import at


class FixedLags:
    """In the place of `Lags`."""

    def __init__(self, *_arguments: Any) -> None:
        self.lags = {DISCOVERED: 0, OVERFLOW: 0}

    def now(self) -> dict[str, int]:
        return self.lags


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> bytes:
    """The step as a runner sends it to its workers."""
    monkeypatch.setattr(share, "Lags", FixedLags)
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
    outputs = [one for number in range(count) for one in step.process(announcement(chain, number))]
    excess = [one for one in outputs if isinstance(one, TaggedOutput)]
    assert {one.tag for one in excess} <= {EXCESS}
    return len(outputs) - len(excess), len(excess)


def test_while_few_wait_nothing_is_divided(step: _Share):
    assert divided(step, "a", 20, waiting=CROWD) == (20, 0)


def test_a_crowd_is_divided_and_nothing_is_lost(step: _Share):
    assert divided(step, "a", 20, waiting=CROWD + 1) == (BURST, 20 - BURST)
    assert divided(step, "b", 1, waiting=CROWD + 1) == (1, 0)


def test_chains_take_turns_in_the_overflow():
    assert keyed_overflow(announcement("a"))[0] == b"a"


def test_instances_of_one_process_divide_together(sent: bytes):
    """Else a file could overtake an older one of its store that another instance diverted."""
    one, other = received(sent), received(sent)
    assert divided(one, "a", 20, waiting=CROWD + 1) == (BURST, 20 - BURST)
    assert list(other.process(announcement("a"))) != [announcement("a")]


def test_options_that_no_client_can_use_stop_no_file(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    options = KafkaOptions(security_protocol="SSL", ssl_ca_location=str(tmp_path / "missing.pem"))
    letters = DeadLetters("share", ObjectStore(str(tmp_path)))
    step = _Share(KafkaAddress("127.0.0.1:1", options), "group", letters)
    step.setup()
    assert list(step.process(announcement("a"))) == [announcement("a")]
    assert "no lag can be read" in caplog.text
