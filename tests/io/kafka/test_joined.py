"""Values that were joined to one."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.kafka.beam import JOINED, JOINED_POLLS
from gogobe.io.kafka.joined import MAGIC, MOST_VALUES, split
from gogobe.io.kafka.shares import CROWD

JAVA = Path(__file__).parents[3] / "var" / "java"
JOIN_POLLS = Path(__file__).parent / "data" / "JoinPolls.java"
POLL = [(0, 5, "one"), (0, 6, "null"), (1, 3, "שלום"), (0, 9, "")]


def joined(values: list[bytes]) -> bytes:
    """As `io.gogobe.JoinedPolls` joins them."""
    return MAGIC + b"".join(struct.pack(">I", len(value)) + value for value in values)


@given(st.lists(st.binary(max_size=50), max_size=MOST_VALUES))
def test_joined_values_are_split_again(values: list[bytes]):
    assert list(split(joined(values))) == values


@given(st.binary().filter(lambda value: not value.startswith(MAGIC)))
def test_another_value_stays_as_it_is(value: bytes):
    assert list(split(value)) == [value]


@pytest.mark.parametrize(
    "rest", [b"\0", b"\0\0\0\5abcd", b"\xff\xff\xff\xff", joined([b"a"])[8:] + b"\0\0", b"\0" * 40_000]
)
def test_what_only_begins_like_joined_values_is_one_value(rest: bytes):
    assert list(split(MAGIC + rest)) == [MAGIC + rest]


def polled(large: int, records: list[tuple[int, int, str]] = POLL) -> list[tuple[int, int, list[bytes]]]:
    """What `io.gogobe.JoinedPolls` makes of a poll: partition, offset, and the values that Python splits."""
    java = shutil.which("java")
    assert java is not None
    jars = f"{JAVA}/overrides.jar:{JAVA}/expansion/*"
    poll = [str(part) for record in records for part in record]
    command = [java, "-cp", jars, str(JOIN_POLLS), str(large), *poll]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    found = [line.split(" ") for line in lines]
    return sorted((int(one[0]), int(one[1]), list(split(bytes.fromhex(one[2])))) for one in found)


@pytest.mark.slow
def test_java_joins_the_records_of_a_large_poll_by_partition():
    assert polled(4) == [(0, 9, [b"one", b"", b""]), (1, 3, ["שלום".encode()])], "with the last offset"


@pytest.mark.slow
def test_java_joins_no_large_values():
    """Memory is bounded, and a large record is joined to none."""
    poll = [(0, 1, "a"), (0, 2, "b"), (0, 3, "1100000*x"), (0, 4, "600000*y"), (0, 5, "600000*z"), (0, 6, "c")]
    found = [(offset, [(len(value), value[:1]) for value in values]) for _, offset, values in polled(6, poll)]
    assert found == [
        (2, [(1, b"a"), (1, b"b")]),
        (3, [(1_100_000, b"x")]),
        (4, [(600_000, b"y")]),
        (6, [(600_000, b"z"), (1, b"c")]),
    ]


@pytest.mark.slow
def test_java_leaves_the_records_of_a_smaller_poll_as_they_are():
    assert [offset for _, offset, _ in polled(5)] == [5, 6, 9, 3]


def test_a_joined_poll_is_a_crowd():
    """So that no bundle lets hundreds of files go on at once: a checkpoint would wait for them."""
    assert JOINED["interceptor.classes"] == JOINED_POLLS
    assert CROWD <= int(JOINED["gogobe.join.from"]) <= int(JOINED["max.poll.records"])
