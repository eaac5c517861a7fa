"""Dead letters on their way out: what they must not carry."""

import base64
import json
from datetime import UTC, datetime

import pytest

from gogobe.records.messages import DeadLetter, encode
from gogobe.transforms.dead_letters import failure, original_base64, original_text
from gogobe.transforms.steps import FAILURES

NOW = datetime(2025, 8, 8, tzinfo=UTC)
SECRET = "S3cr3t"
URL = f"https://user:{SECRET}@portal.example/a/Price1.gz?sig=abc&sv=1"


@pytest.mark.parametrize(
    "original",
    [
        json.dumps({"url": URL}).encode(),
        json.dumps({"url": URL}).replace("/", "\\/").replace("@", "\\u0040").encode(),
        b"\xff" + json.dumps({"url": URL}).encode(),
        URL.encode(),
    ],
)
def test_a_dead_letter_has_no_credentials(original: bytes):
    letter = DeadLetter(
        stage="download",
        reason="unreachable",
        detail=f"{URL}: refused",
        cause=f"Error({URL!r})",
        original=original_text(original),
        original_base64=original_base64(original),
        source_url=URL,
        failed_at=NOW,
    )
    output = failure(letter)
    assert output.tag == FAILURES
    assert SECRET not in encode(output.value).decode()
    if output.value.original_base64:
        kept = base64.b64decode(output.value.original_base64)
        assert SECRET.encode() not in kept
        assert kept.startswith(b"\xff")
    assert output.value.source_url == "https://portal.example/a/Price1.gz"
    assert "sig=abc" in output.value.original, "it can be replayed"


def test_a_dead_letter_without_credentials_is_left_as_it_is():
    raw = b"\xffhttps://portal.example/a@b"
    letter = DeadLetter(
        stage="decode",
        reason="invalid_message",
        detail="not a message",
        original=original_text(raw),
        original_base64=original_base64(raw),
        failed_at=NOW,
    )
    assert failure(letter).value == letter
