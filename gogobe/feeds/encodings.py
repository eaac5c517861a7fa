"""Detects a feed's encoding from its bytes, and converts its text to a form that an XML parser accepts.

Declarations are often wrong: ISO-8859-8 is really windows-1255, or UTF-8; UTF-16 has no declaration at all.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

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
# The bytes of Hebrew letters are E0–FA in windows-1255; in UTF-8 each letter begins with D7.
_HIGH: Final = bytes(range(0x80))
_UTF8_HEBREW: Final = b"\xd7"

# XML 1.0, 2.2 forbids control characters except tab and line ends, and U+FFFE and U+FFFF.
_LINE_END: Final = ord("\n")
_RETURN: Final = ord("\r")
_CONTROLS: Final = bytes(byte for byte in range(0x20) if byte not in b"\t\n\r")
_CONTROLS_TO_SPACES: Final = bytes.maketrans(_CONTROLS, b" " * len(_CONTROLS))
_FORBIDDEN: Final = re.compile("[\ufffe\uffff]")
_FORBIDDEN_REFERENCE: Final = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01])|x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]));"
)
_AFTER_AMPERSAND: Final = r"(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});"
_REFERENCE: Final = re.compile(f"&{_AFTER_AMPERSAND}")
# Up to this number of `&` in a piece, finding each of them is faster than searching for a stray one.
_FEW_REFERENCES: Final = 50
_STRAY: Final = re.compile(f"&(?!{_AFTER_AMPERSAND})")
_LONGEST_REFERENCE: Final = 10
# The maximum length, in bytes, of a text or tag that is not split.
_LONGEST_WHOLE: Final = 1 << 13
# The first byte of U+F000 to U+FFFF in UTF-8, which Hebrew feeds do not contain.
_FORBIDDEN_IN_UTF8: Final = b"\xef"
# In UTF-8, Latin-1 letters and `×` begin with C3, and `׳` (U+05F3) ends with B3. Hebrew letters have neither
# byte.
_MISREAD_IN_UTF8: Final = (b"\xc3", b"\xb3")


def encoding_of(head: bytes) -> tuple[str, int]:
    """The encoding of a feed by its first bytes (64 KiB are enough), and the length of its byte order
    mark."""
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
    """Whether these bytes are UTF-8, apart from some damage."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, False)
    except UnicodeDecodeError:
        return head.count(_UTF8_HEBREW) * 4 > len(head.translate(None, _HIGH))
    return True


def _known(name: str) -> str:
    """A declared one-byte encoding; windows-1255 for any other declaration, which is wrong here, because the
    text is most likely Hebrew."""
    return codecs.lookup(name).name if _ONE_BYTE.fullmatch(name) else "windows-1255"


class FeedText:
    """The text of a feed in pieces that an XML parser can read.

    Line ends are normalized as in XML 1.0 (2.11). Control characters that XML forbids become spaces, and an
    `&` that begins no reference becomes `&amp;`. Attribute values get quotes, wrongly decoded Hebrew is
    repaired, and bytes that are invalid in the encoding become U+FFFD. `forbidden`, `stray`, `unquoted`,
    `misread` and `bad` report these repairs. `lines` is the number of line ends in the piece yielded last.

    `encoding` is a result of `encoding_of`; `skipped` is the length of the byte order mark, which `pieces` do
    not contain.
    """

    def __init__(self, pieces: Iterable[bytes], encoding: str, skipped: int = 0) -> None:
        self._is_wide = encoding.startswith("utf-16")
        self._source = _Decoder(encoding, skipped)
        self._decoder = _Decoder("utf-8") if self._is_wide else self._source
        self._encoding = "utf-8" if self._is_wide else encoding
        self._pieces = pieces
        self._row_end: bytes | None = None
        self._has_cdata = False
        self._hebrew = HebrewRepair()
        self.forbidden = False
        self.stray = False
        self.unquoted = False
        self.lines = 0

    @property
    def misread(self) -> bool:
        return self._hebrew.count > 0

    @property
    def bad(self) -> Problem | None:
        """The first bytes that are invalid in the feed's encoding."""
        return self._source.bad

    def end_pieces_at_rows(self, tag: str) -> None:
        """Ends each further piece after the last `</tag>` in it, if it has one. The reader then copies no
        partial row to the front of the next piece."""
        self._row_end = f"</{tag}>".encode() if tag.isascii() else None

    def __iter__(self) -> Iterator[str]:
        line_ends = io.IncrementalNewlineDecoder(None, translate=True)
        after_return = False
        for piece in self._whole_pieces():
            text = self._decoder.decode(piece)
            has_returns = b"\r" in piece
            if after_return or (has_returns and _has_lone_return(piece)):
                text = line_ends.decode(text)
                after_return = piece.endswith(b"\r")
                self.lines = text.count("\n")
            else:
                text = text.replace("\r", "") if has_returns else text
                self.lines = _count(piece, _LINE_END)
            yield self._legal(text, piece)
        if after_return:
            self.lines = 1
            yield line_ends.decode("", final=True)

    def _whole_pieces(self) -> Iterator[bytes]:
        """The bytes without forbidden control characters, in pieces that split no tag, text or reference of
        usual length. UTF-16 is converted to UTF-8, so that later steps can search for ASCII bytes."""
        held = b""
        for published in self._pieces:
            piece = held + self._without_controls(published)
            end = self._end_of_whole(piece)
            held = piece[end:]
            if end:
                yield piece[:end]
        if held:
            yield held

    def _without_controls(self, piece: bytes) -> bytes:
        if self._is_wide:
            piece = self._source.decode(piece).encode()
        # Searching for each character is faster than translating, and feeds hardly ever contain one.
        if any(map(piece.__contains__, _CONTROLS)):
            self.forbidden = True
            return piece.translate(_CONTROLS_TO_SPACES)
        return piece

    def _end_of_whole(self, piece: bytes) -> int:
        """The position where a piece can end."""
        if self._row_end is not None and (begin := piece.rfind(self._row_end)) >= 0:
            return begin + len(self._row_end)
        begin = piece.rfind(b"<", max(len(piece) - _LONGEST_WHOLE, 0))
        if begin >= 0:
            return begin
        begin = piece.rfind(b"&", max(len(piece) - _LONGEST_REFERENCE, 0))
        return begin if begin >= 0 and piece.find(b";", begin) < 0 else len(piece)

    def _legal(self, text: str, piece: bytes) -> str:
        """The repaired text of a piece. The bytes of the piece exclude most faults, because searching bytes
        is faster than searching text."""
        if _FORBIDDEN_IN_UTF8 in piece:
            text, count = _FORBIDDEN.subn(" ", text)
            self.forbidden |= count > 0
        if self._may_be_misread(text, piece):
            text = self._hebrew.repaired(text)
        # `&` is literal in CDATA. Nothing after the first CDATA section is repaired.
        self._has_cdata |= b"[" in piece and b"<![CDATA[" in piece
        if self._has_cdata:
            return text
        if b"=" in piece:
            text, count = with_quotes(text)
            self.unquoted |= count > 0
        if b"&" in piece:
            if _has_stray(text):
                text = _STRAY.sub("&amp;", text)
                self.stray = True
            if "&#" in text:
                text, count = _FORBIDDEN_REFERENCE.subn(" ", text)
                self.forbidden |= count > 0
        return text

    def _may_be_misread(self, text: str, piece: bytes) -> bool:
        if self._encoding == "utf-8":
            return any(byte in piece for byte in _MISREAD_IN_UTF8)
        return self._encoding != "windows-1255" or "×" in text or "׳" in text


def _count(piece: bytes, byte: int) -> int:
    """The number of occurrences of a byte. Comparing all bytes at once is several times faster than
    `bytes.count`."""
    return int(np.count_nonzero(np.frombuffer(piece, np.uint8) == byte))


def _has_lone_return(piece: bytes) -> bool:
    """Whether a carriage return has no line feed after it."""
    codes = np.frombuffer(piece, np.uint8)
    lone = (codes[:-1] == _RETURN) & (codes[1:] != _LINE_END)
    return piece.endswith(b"\r") or bool(lone.any())


def _has_stray(text: str) -> bool:
    """Whether an `&` begins no reference."""
    place = text.find("&")
    for _ in range(_FEW_REFERENCES):
        if place < 0 or not _REFERENCE.match(text, place):
            return place >= 0
        place = text.find("&", place + 1)
    return place >= 0 and _STRAY.search(text, place) is not None


class _Decoder:
    """Decodes a file piece by piece. Invalid bytes become U+FFFD; `bad` reports the first of them. `skipped`
    is the offset of the first piece in the file."""

    def __init__(self, encoding: str, skipped: int = 0) -> None:
        self._encoding = encoding
        self._strict = codecs.getincrementaldecoder(encoding)()
        self._lenient = codecs.getincrementaldecoder(encoding)("replace")
        self._offset = skipped
        self.bad: Problem | None = None

    def decode(self, piece: bytes) -> str:
        state = self._strict.getstate()
        try:
            text = self._strict.decode(piece)
        except UnicodeDecodeError as error:
            if self.bad is None:
                offset = self._offset - len(state[0]) + error.start
                self.bad = Problem("bad_encoding", f"not {self._encoding}: {error.reason}", offset)
            self._lenient.setstate(state)
            text = self._lenient.decode(piece)
            self._strict.setstate(self._lenient.getstate())
        self._offset += len(piece)
        return text
