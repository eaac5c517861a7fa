"""Messages of excessive size and depth: each is a dead letter with its whole original."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from apache_beam.pvalue import TaggedOutput

from gogobe.io.objects import ObjectStore
from gogobe.io.originals import original_of
from gogobe.records.messages import FileDiscovered, encode
from gogobe.transforms.dead_letters import MAX_LETTER_BYTES, DeadLetters
from gogobe.transforms.decode import _Decode
from tests.database.samples import at
from tests.io.kafka.test_joined import joined

GOOD = FileDiscovered("shufersal", "http://p/Price7290-1-202501010000.gz", at(1))


def nested(depth: int) -> bytes:
    return encode(GOOD)[:-1] + b',"more":' + b"[" * depth + b"]" * depth + b"}"


@pytest.mark.parametrize(
    "message",
    [
        nested(1_000),
        nested(100_000),
        b'{"a":' * 100_000,
        json.dumps({"chain": "x", "url": "א" * 3_000_000}, ensure_ascii=False).encode(),
        b'"' * 6_000_000,
        b"\x1f" * 6_000_000,
        b"\xff" * 6_000_000,
        b"\0" * 1_000,
    ],
    ids=["deep", "deeper", "open", "6 MB", "quotes", "control characters", "no text", "NUL"],
)
def test_it_is_a_small_dead_letter_and_the_next_message_goes_on(tmp_path: Path, message: bytes):
    store = ObjectStore(str(tmp_path))
    step = _Decode(FileDiscovered, DeadLetters("decode", store))
    step.setup()
    (output,) = step.process((b"k", message))
    assert isinstance(output, TaggedOutput)
    letter = output.value
    assert (letter.stage, letter.reason) == ("decode", "invalid_message")
    assert len(encode(letter)) <= MAX_LETTER_BYTES
    assert original_of(letter, store) == message
    assert list(step.process((b"k", encode(GOOD)))) == [GOOD]


def test_of_joined_messages_a_bad_one_is_a_dead_letter_and_the_others_go_on(tmp_path: Path):
    store = ObjectStore(str(tmp_path))
    step = _Decode(FileDiscovered, DeadLetters("decode", store), is_joined=True)
    step.setup()
    first, letter, second = step.process((b"k", joined([encode(GOOD), b"{", encode(GOOD)])))
    assert first == second == GOOD
    assert isinstance(letter, TaggedOutput)
    assert original_of(letter.value, store) == b"{"


def test_in_other_topics_what_looks_joined_is_one_message(tmp_path: Path):
    step = _Decode(FileDiscovered, DeadLetters("decode", ObjectStore(str(tmp_path))))
    step.setup()
    (output,) = step.process((b"k", joined([encode(GOOD)] * 500)))
    assert isinstance(output, TaggedOutput)
