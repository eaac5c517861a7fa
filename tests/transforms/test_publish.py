"""Dead letters as records of their topic: a readable record is published for any letter."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gogobe.io.objects import ObjectStore
from gogobe.io.originals import original_of
from gogobe.records.messages import DeadLetter, decoder, encode
from gogobe.transforms.dead_letters import MAX_LETTER_BYTES, DeadLetters
from gogobe.transforms.publish import keyed_dead_letter
from tests.database.samples import at

LETTER = DeadLetter("parse", "truncated", "detail", "original", at(1), file="a.gz")


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters("publish", ObjectStore(str(tmp_path)))


def test_a_letter_is_keyed_by_its_file(letters: DeadLetters):
    for letter, key in (
        (LETTER, b"a.gz"),
        (msgspec.structs.replace(LETTER, source_url="http://p/a.gz"), b"http://p/a.gz"),
        (msgspec.structs.replace(LETTER, file=None), b"parse"),
    ):
        assert keyed_dead_letter(letter, letters) == (key, encode(letter))


def test_a_letter_without_a_form_is_replaced_by_its_own(letters: DeadLetters):
    key, value = keyed_dead_letter(msgspec.structs.replace(LETTER, detail="\ud800"), letters)
    letter = decoder(DeadLetter).decode(value)
    assert (key, letter.stage, letter.reason) == (b"publish", "publish", "internal_error")
    assert "truncated" in letter.original


def test_a_letter_that_is_too_large_is_replaced_by_one_that_names_it(letters: DeadLetters):
    large = msgspec.structs.replace(LETTER, original="x" * 7_000_000)
    key, value = keyed_dead_letter(large, letters)
    letter = decoder(DeadLetter).decode(value)
    assert len(value) <= MAX_LETTER_BYTES
    assert (key, letter.stage, letter.reason) == (b"a.gz", "publish", "message_too_large")
    assert decoder(DeadLetter).decode(original_of(letter, letters.store)) == large
