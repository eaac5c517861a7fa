"""A feed's encoding, told from its bytes, and its text as UTF-8.

Declarations lie: ISO-8859-8 is really windows-1255, or UTF-8; UTF-16 comes with no declaration at all.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import Final

from gogobe.feeds.problems import FeedError

BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
HEBREW: Final = frozenset({"iso-8859-8", "iso-8859-8-i", "windows-1255", "cp1255", "hebrew"})
_DECLARED: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding of a feed by its first bytes (64 KiB are plenty), and the length of its byte order mark."""
    for bom, name in BOMS:
        if head.startswith(bom):
            return name, len(bom)
    start = head.lstrip(b" \t\r\n")[:4]
    if start.startswith(b"<\x00"):
        return "utf-16-le", 0
    if start.startswith(b"\x00<"):
        return "utf-16-be", 0
    declared = _DECLARED.search(head[:200])
    name = declared[1].decode("ascii").lower() if declared else "utf-8"
    if _is_utf8(head) and (name not in HEBREW or not head.isascii()):
        return "utf-8", 0
    return ("windows-1255", 0) if name in HEBREW or name.startswith("utf-8") else (_known(name), 0)


def _is_utf8(head: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, False)
    except UnicodeDecodeError:
        return False
    return True


def _known(name: str) -> str:
    try:
        return codecs.lookup(name).name
    except LookupError:
        return "windows-1255"


def as_utf8(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """The pieces' text as UTF-8. UTF-8 itself passes as it is: the XML parser checks it. Raises FeedError
    `bad_encoding` after everything before the fault was yielded."""
    if encoding == "utf-8":
        yield from pieces
        return
    decoder = codecs.getincrementaldecoder(encoding)()
    size = 0
    for piece in pieces:
        try:
            text = decoder.decode(piece)
        except UnicodeDecodeError as error:
            good = error.object[: error.start].decode(encoding, "ignore")
            yield good.encode("utf-8", "surrogatepass")
            raise FeedError(
                "bad_encoding", f"not {encoding}: {error.reason}", byte_offset=size + error.start
            ) from error
        size += len(piece)
        yield text.encode("utf-8", "surrogatepass")
