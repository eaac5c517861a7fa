"""Dead letters as they are made: always small, always with their whole original, never with a password."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from apache_beam.pvalue import TaggedOutput
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gogobe.io.objects import ObjectStore
from gogobe.io.originals import original_of
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, IngestBatch, decoder, encode
from gogobe.transforms.dead_letters import MAX_LETTER_BYTES, MAX_ORIGINAL_BYTES, DeadLetters
from gogobe.transforms.steps import FAILURES
from tests.database.samples import at, file_batches, item

NOW = datetime(2025, 8, 8, tzinfo=UTC)
SECRET = "S3cr3t"
URL = f"https://user:{SECRET}@portal.example/a/Price1.gz?sig=abc&sv=1"


@pytest.fixture
def letters(tmp_path: Path) -> DeadLetters:
    return DeadLetters("decode", ObjectStore(str(tmp_path / "store")))


@pytest.mark.parametrize(
    "original",
    [
        json.dumps({"url": URL}).encode(),
        json.dumps({"url": URL}).replace("/", "\\/").replace("@", "\\u0040").encode(),
        b"\xff" + json.dumps({"url": URL}).encode(),
        URL.encode(),
        (json.dumps({"url": URL}) + "x" * MAX_ORIGINAL_BYTES).encode(),
        "נ".encode() + URL.encode(),
    ],
    ids=["json", "escaped", "bytes", "text", "in the store", "hebrew"],
)
def test_a_dead_letter_has_no_credentials(letters: DeadLetters, original: bytes):
    letter = letters.letter(original, "unreachable", f"{URL}: refused", cause=f"Error({URL!r})")
    whole = original_of(letter, letters.store)
    assert SECRET not in encode(letter).decode()
    assert SECRET.encode() not in whole
    assert b"sig=abc" in whole, "it can be replayed"
    assert re.sub(rb"\*\*\*(@|\\u0040)", b"", whole).startswith(original[:8])


def test_an_original_without_credentials_is_kept_byte_for_byte(letters: DeadLetters):
    for raw in (b"\xffhttps://portal.example/a@b", b"a\0b", "א".encode(), b""):
        assert original_of(letters.letter(raw, "invalid_message", "detail"), letters.store) == raw


@pytest.mark.parametrize(
    "element",
    [
        FileDiscovered("shufersal", URL, NOW),
        FileDownloaded("shufersal", "s3://b/x", "ab", 1, URL, "Price1.gz", NOW, NOW),
        file_batches([item("1", "5")], source_url=URL, file="Price1.gz", content_sha256="ab")[0],
    ],
    ids=lambda one: type(one).__name__,
)
def test_a_letter_names_the_file(letters: DeadLetters, element: Any):
    letter = letters.letter(element, "reason", "detail")
    assert (letter.chain, letter.file) == ("shufersal", "Price1.gz")
    assert letter.source_url == "https://portal.example/a/Price1.gz"
    assert letter.content_sha256 == getattr(element, "content_sha256", None)
    assert letter.batch_id == getattr(element, "batch_id", None)
    assert letter.place == ("batch 0" if isinstance(element, IngestBatch) else None)


@pytest.mark.slow
@settings(
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=40,
)
@given(
    st.one_of(st.binary(max_size=200), st.sampled_from([b'"', b"\x1f", b"\xff", "א".encode(), b"\\"])),
    st.sampled_from([1, 1000, 100_000]),
    st.text(max_size=9),
)
def test_a_letter_is_small_and_its_original_whole(letters: DeadLetters, piece: bytes, times: int, text: str):
    original = (piece * times)[:1_000_000]
    letter = letters.letter(original, "invalid_message", text * times, cause=text * times, place=text * times)
    message = encode(letter)
    assert len(message) <= MAX_LETTER_BYTES
    assert decoder(DeadLetter).decode(message) == letter
    assert original_of(letter, letters.store) == original
    if letter.original_path is not None:
        assert letter.original_size == len(original)


def test_a_large_batch_is_quoted_by_the_store(letters: DeadLetters):
    (batch,) = file_batches([item(str(code), "5", name="x" * 10_000) for code in range(500)])
    letter = letters.letter(batch, "refused_by_database", "detail")
    assert len(encode(letter)) < MAX_LETTER_BYTES < len(encode(batch))
    assert decoder(IngestBatch).decode(original_of(letter, letters.store)) == batch


def test_a_store_out_of_reach_is_raised():
    nowhere = DeadLetters("decode", ObjectStore("/proc/no-store"))
    with pytest.raises(OSError, match="no-store"):
        nowhere.letter(b"x" * MAX_ORIGINAL_BYTES, "invalid_message", "detail")


class Bomb:
    """An element with which everything fails."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)

    def __repr__(self) -> str:
        raise LookupError("repr")


def deep(depth: int) -> list[Any]:
    return [deep(depth - 1)] if depth else []


@pytest.mark.parametrize(
    "element",
    [Bomb(), None, {1, 2}, deep(10_000 // 20), file_batches([item("1", "5", name="\ud800")])[0], (b"k", b"v")],
    ids=["bomb", "none", "set", "deep", "surrogate", "record"],
)
def test_any_element_gets_its_letter(letters: DeadLetters, element: Any):
    letter = letters.internal_error(element, ValueError("no one expects it"))
    assert decoder(DeadLetter).decode(encode(letter)) == letter
    assert letter.reason == "internal_error"
    assert letter.original
    assert "ValueError: no one expects it" in letter.detail


class SilentError(Exception):
    """An error that cannot be described."""

    def __str__(self) -> str:
        raise LookupError("str")


def fail(times: int) -> Iterator[int]:
    yield 1
    if times:
        yield from fail(times - 1)
    raise ValueError(URL * 10_000)


def test_the_guard_gives_what_came_before_and_then_the_letter(
    letters: DeadLetters, caplog: pytest.LogCaptureFixture
):
    first, *_, last = letters.guard(b"element", fail(300))
    assert first == 1
    assert isinstance(last, TaggedOutput)
    assert last.tag == FAILURES
    letter = last.value
    assert (letter.stage, letter.reason, letter.original) == ("decode", "internal_error", "element")
    assert "in fail" in letter.cause
    assert SECRET not in encode(letter).decode()
    assert len(encode(letter)) <= MAX_LETTER_BYTES
    assert "in fail" in caplog.text
    assert SECRET not in caplog.text


def test_an_error_that_cannot_be_described_is_a_letter_all_the_same(letters: DeadLetters):
    def outputs() -> Iterator[TaggedOutput]:
        yield from ()
        raise SilentError

    (letter,) = letters.guard(b"element", outputs())
    assert "SilentError" in letter.value.detail


def test_the_guard_raises_outages(letters: DeadLetters):
    def outputs() -> Iterator[Decimal]:
        yield Decimal(1)
        raise ConnectionRefusedError

    with pytest.raises(ConnectionRefusedError):
        list(letters.guard(b"element", outputs()))


def test_letters_say_when(letters: DeadLetters):
    assert letters.letter(b"", "reason", "detail").failed_at > at(0)
