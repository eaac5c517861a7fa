"""Lags of topics."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gogobe.io.kafka.lags import Lags
from gogobe.io.kafka.topics import commit_offsets, ensure_topics, publish
from tests.discovery.kafka import broker


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with broker(tmp_path_factory.mktemp("kafka")) as address:
        yield address


@pytest.mark.server
def test_lags_of_several_topics(kafka: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gogobe.io.kafka.lags.REQUEST_SECONDS", 60.0)
    ensure_topics(kafka, ["lags.one", "lags.two"], 2)
    publish(kafka, "lags.one", ((b"%d" % n, b"x") for n in range(10)))
    commit_offsets(kafka, "group", "lags.two", {0: 0})  # the group has a coordinator from here on
    lags = Lags(kafka, "group", ("lags.one", "lags.two"))
    assert lags.now() == {"lags.one": 10, "lags.two": 0}
    publish(kafka, "lags.two", [(b"k", b"x")])
    assert lags.now() == {"lags.one": 10, "lags.two": 1}
    lags.close()


def test_without_a_broker_nothing_waits_as_far_as_is_known(caplog: pytest.LogCaptureFixture):
    lags = Lags("127.0.0.1:1", "group", ("lags.one",))
    assert lags.now() == {"lags.one": 0}
    assert "the lag of lags.one is unknown" in caplog.text
    lags.close()
