"""An original is found again wherever it is: in its letter, as text or bytes, or in the store."""

from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest

from gogobe.io.objects import ObjectStore
from gogobe.io.originals import OriginalLostError, original_of, put_original
from gogobe.records.messages import DeadLetter
from tests.conftest import Bucket
from tests.database.samples import at

LETTER = DeadLetter("decode", "invalid_message", "detail", "original א", at(1))


@pytest.fixture(params=["folder", "s3", "gs"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return ObjectStore(str(tmp_path / "store"))
    bucket: Bucket = request.getfixturevalue(f"{request.param}_bucket")
    return ObjectStore(bucket.url, bucket.endpoint)


def stored(original: bytes, store: ObjectStore) -> DeadLetter:
    path, sha256 = put_original(original, store)
    return msgspec.structs.replace(LETTER, original_path=path, original_sha256=sha256)


def test_an_original_in_its_letter():
    nowhere = ObjectStore("/dev/null/no-store")
    assert original_of(LETTER, nowhere) == "original א".encode()
    encoded = base64.b64encode(b"\xff\0").decode()
    assert original_of(msgspec.structs.replace(LETTER, original_base64=encoded), nowhere) == b"\xff\0"


def test_an_original_in_the_store(store: ObjectStore):
    original = b"\xff" * 1_000_000
    letter = stored(original, store)
    assert original_of(letter, store) == original
    assert stored(original, store) == letter, "the same bytes are stored once"


def test_an_original_that_is_lost_or_damaged_is_named(tmp_path: Path):
    store = ObjectStore(str(tmp_path))
    letter = stored(b"message", store)
    assert letter.original_path is not None
    Path(letter.original_path).write_bytes(b"another")
    with pytest.raises(OriginalLostError, match="has SHA-256"):
        original_of(letter, store)
    Path(letter.original_path).unlink()
    with pytest.raises(OriginalLostError, match=letter.original_path):
        original_of(letter, store)
