"""Dead letters as records of their topic: a readable record is published for any letter."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gogobe.io.objects import ObjectStore
from gogobe.io.originals import original_of
from gogobe.records.messages import DeadLetter, FileDownloaded, decoder, encode
from gogobe.transforms.dead_letters import MAX_LETTER_BYTES, DeadLetters
from gogobe.transforms.publish import keyed_batch, keyed_dead_letter, keyed_downloaded
from tests.database.samples import at, file_batches, item

LETTER = DeadLetter("parse", "truncated", "detail", "original", at(1), file="a.gz")


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters("publish", ObjectStore(str(tmp_path)))


def test_a_store_s_batches_have_one_key():
    """A topic keeps the order of records of one key only."""
    batches = [*file_batches([item("1", "5"), item("2", "5")], size=1), *file_batches([item("1", "6")], hour=1)]
    assert {keyed_batch(batch)[0] for batch in batches} == {b"shufersal/7290027600007/5"}
    other = file_batches([item("1", "5")], store_id="6")
    assert keyed_batch(other[0])[0] == b"shufersal/7290027600007/6"


def test_a_store_s_files_have_one_key():
    def key(name: str) -> bytes:
        file = FileDownloaded("shufersal", "s", "ab", 1, f"http://p/{name}", name, at(1), at(2))
        return keyed_downloaded(file)[0]

    first, second, other = (
        f"{kind}7290027600007-{store}-202508070300.gz"
        for kind, store in (("PriceFull", "001"), ("Price", "001"), ("Price", "002"))
    )
    assert key(first) == key(second) != key(other)


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
