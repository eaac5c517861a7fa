"""Texts made to fit: into a number of bytes of JSON, and into characters that every store of text can hold."""

from __future__ import annotations

import re
from typing import Final

import msgspec

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
# One character's longest form in JSON: \u001f.
_LONGEST: Final = 6


def storable(text: str) -> str:
    """The text with U+FFFD for NUL, which PostgreSQL has not, and for lone surrogates, which UTF-8 has not."""
    return _UNSTORABLE.sub("\ufffd", text)


def json_size(text: str) -> int:
    """How many bytes the text takes as a JSON string; it must be storable."""
    return len(msgspec.json.encode(text))


def excerpt(text: str, most_bytes: int) -> str:
    """The text as it is where it takes at most so many bytes as a JSON string (256 or more), else its beginning
    and end with a note between them of how many characters are left out. The text must be storable."""
    if len(text) <= most_bytes and json_size(text) <= most_bytes:
        return text
    kept = (most_bytes - 100) // _LONGEST
    end = kept // 3
    note = f" … {len(text) - kept:,} characters left out … "
    return text[: kept - end] + note + text[len(text) - end :]
