"""A feed's encoding, told from its bytes, and its text as an XML parser should see it.

Declarations lie: ISO-8859-8 is really windows-1255, or UTF-8; UTF-16 comes with no declaration at all.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from typing import Final

from gogobe.feeds.problems import Problem
from gogobe.feeds.repairs import HebrewRepair, with_quotes

BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
HEBREW: Final = frozenset({"iso-8859-8", "iso-8859-8-i", "windows-1255", "cp1255", "hebrew"})
_DECLARED: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']?([A-Za-z0-9._-]+)""")
_ONE_BYTE: Final = re.compile(r"(?:windows-|cp)125[0-8]|iso-8859-(?:[1-9]|1[013-6])")
# In windows-1255 Hebrew letters are E0–FA; in UTF-8 every one of them begins with D7.
_HIGH: Final = bytes(range(0x80))
_UTF8_HEBREW: Final = b"\xd7"

# XML 1.0, 2.2: no control characters but tab and line ends, nor U+FFFE and U+FFFF.
_CONTROLS: Final = bytes(byte for byte in range(0x20) if byte not in b"\t\n\r")
_CONTROLS_TO_SPACES: Final = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_FORBIDDEN: Final = re.compile(f"[{_CONTROLS.decode('ascii')}\ufffe\uffff]")
_FORBIDDEN_REFERENCE: Final = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]));"
)
_STRAY: Final = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_LONGEST_REFERENCE: Final = 10
# A text or tag up to this length is not cut in two by the pieces that it comes in.
_LONGEST_WHOLE: Final = 1 << 13
# In UTF-8 the letters of Latin-1 begin so, and `×`; nothing else does, and nothing in a Hebrew feed.
_LATIN_IN_UTF8: Final = b"\xc3"
_SPACE: Final = re.compile(r"\s")
_WITHOUT_LATIN: Final = frozenset({"utf-8", "windows-1255"})


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
    """Whether these bytes are UTF-8, or would be but for some damage."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, False)
    except UnicodeDecodeError:
        return head.count(_UTF8_HEBREW) * 4 > len(head.translate(None, _HIGH))
    return True


def _known(name: str) -> str:
    """A declared encoding of one byte a character; anything else is a lie here, and Hebrew most likely."""
    return codecs.lookup(name).name if _ONE_BYTE.fullmatch(name) else "windows-1255"


class FeedText:
    """A feed's text in pieces: decoded, with line ends as XML 1.0 (2.11) has them, with spaces in place of the
    control characters that XML forbids, with `&amp;` for an `&` that begins no reference, with quotes around
    values of attributes, with Hebrew where it was decoded wrongly before it was encoded, and with U+FFFD for
    bytes that are not in the encoding. `forbidden`, `stray`, `unquoted`, `misread` and `bad` tell whether there
    were any of these.

    `encoding` is one that `encoding_of` gave, and `skipped` the length of the byte order mark, which `pieces`
    no longer hold.
    """

    def __init__(self, pieces: Iterable[bytes], encoding: str, skipped: int = 0) -> None:
        self._pieces = pieces
        self._encoding = encoding
        self._size = skipped
        self._wide = encoding.startswith("utf-16")
        self._cdata = False
        self._hebrew = HebrewRepair()
        # Whether letters of Latin-1 are in the piece that was read last, and in the one before it.
        self._latin = (False, False)
        self.forbidden = False
        self.stray = False
        self.unquoted = False
        self.bad: Problem | None = None

    @property
    def misread(self) -> bool:
        return self._hebrew.count > 0

    def __iter__(self) -> Iterator[str]:
        lines = io.IncrementalNewlineDecoder(None, translate=True)
        held = ""
        after_return = False
        for decoded in self._decoded():
            text = held + (lines.decode(decoded) if after_return or "\r" in decoded else decoded)
            after_return = decoded.endswith("\r")
            end = _end_of_whole(text, whole=self._may_be_misread(text))
            yield self._legal(text[:end])
            held = text[end:]
        yield self._legal(held + lines.decode("", final=True))

    def _decoded(self) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(self._encoding)()
        lenient = codecs.getincrementaldecoder(self._encoding)("replace")
        for piece in map(self._without_controls, self._pieces):
            self._latin = (self._latin[1], _LATIN_IN_UTF8 in piece or self._encoding not in _WITHOUT_LATIN)
            state = decoder.getstate()
            try:
                text = decoder.decode(piece)
            except UnicodeDecodeError as error:
                if self.bad is None:
                    offset = self._size - len(state[0]) + error.start
                    self.bad = Problem("bad_encoding", f"not {self._encoding}: {error.reason}", offset)
                lenient.setstate(state)
                text = lenient.decode(piece)
                decoder.setstate(lenient.getstate())
            self._size += len(piece)
            yield text

    def _may_be_misread(self, text: str) -> bool:
        return self._latin[1] or self._latin[0] or "׳" in text

    def _without_controls(self, piece: bytes) -> bytes:
        # Looking for each of them is faster than translating, and there is hardly ever one.
        if self._wide or not any(map(piece.__contains__, _CONTROLS)):
            return piece
        self.forbidden = True
        return piece.translate(_CONTROLS_TO_SPACES)

    def _legal(self, text: str) -> str:
        if self._wide or "\ufffe" in text or "\uffff" in text:
            text, count = _FORBIDDEN.subn(" ", text)
            self.forbidden |= count > 0
        if self._may_be_misread(text):
            text = self._hebrew.repaired(text)
        # Within CDATA an `&` is one; behind the first such section all are left as they are.
        self._cdata |= "[" in text and "<![CDATA[" in text
        if not self._cdata:
            text, count = with_quotes(text)
            self.unquoted |= count > 0
        if "&" in text and not self._cdata:
            text, count = _STRAY.subn("&amp;", text)
            self.stray |= count > 0
            if "&#" in text:
                text, count = _FORBIDDEN_REFERENCE.subn(" ", text)
                self.forbidden |= count > 0
        return text


def _end_of_whole(text: str, *, whole: bool) -> int:
    """Where a text can be cut, near its end, without cutting a reference in two, nor a tag with attributes;
    with `whole` no tag and no text between tags is cut, if it is not too long."""
    begin = text.rfind("<", max(len(text) - _LONGEST_WHOLE, 0))
    if begin >= 0 and (whole or (text.find(">", begin) < 0 and _SPACE.search(text, begin))):
        return begin
    begin = text.rfind("&", max(len(text) - _LONGEST_REFERENCE, 0))
    return begin if begin >= 0 and text.find(";", begin) < 0 else len(text)
