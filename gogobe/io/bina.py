"""The answer of Bina's download address: the location of a file instead of the file.

GET Download.aspx?FileNm=NAME → [{"SPath": address}]
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

MAX_BYTES: Final = 1 << 16


class _Place(msgspec.Struct):
    path: str = msgspec.field(name="SPath")


_decoder: Final = msgspec.json.Decoder(list[_Place])


def download_address(base: str, name: str) -> str:
    """The download address of a file; `base` is the portal's address with a final slash."""
    return f"{base}Download.aspx?FileNm={quote(name)}"


def link_in(answer: bytes) -> str | None:
    """The location of the file in an answer, possibly relative; None if the answer has another form."""
    try:
        places = _decoder.decode(answer.removeprefix(b"\xef\xbb\xbf").strip())
    except msgspec.MsgspecError:
        return None
    return (places[0].path or None) if places else None
