"""Shortens texts to a number of bytes of JSON, and replaces characters that a database or a topic cannot
store."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")
# The longest form of a character in JSON, in bytes: \u001f.
_LONGEST: Final = 6


def storable(text: str) -> str:
    """The text with U+FFFD in place of NUL, which PostgreSQL cannot store, and of lone surrogates, which
    UTF-8 cannot encode."""
    return _UNSTORABLE.sub("\ufffd", text)


def storable_fields(message: msgspec.Struct) -> dict[str, Any]:
    """The fields of a message by name, its texts storable."""
    fields = {name: getattr(message, name) for name in message.__struct_fields__}
    return {name: storable(field) if isinstance(field, str) else field for name, field in fields.items()}


def json_size(text: str) -> int:
    """The number of bytes of the text as a JSON string. The text must be `storable`."""
    return len(msgspec.json.encode(text))


def excerpt(text: str, max_bytes: int) -> str:
    """The text itself if it has at most `max_bytes` bytes (256 or more) as a JSON string; otherwise its
    beginning and end, with a note of how many characters are left out. The text must be `storable`."""
    if len(text) <= max_bytes and json_size(text) <= max_bytes:
        return text
    kept = (max_bytes - 100) // _LONGEST
    end = kept // 3
    note = f" … {len(text) - kept:,} characters left out … "
    return text[: kept - end] + note + text[len(text) - end :]
