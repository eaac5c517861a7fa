"""Repairs faults of a feed's text without loss: wrongly decoded Hebrew, and attributes without quotes.

Hebrew is decoded wrongly in two ways before it is encoded again. Bytes of windows-1255 (its letters are those
of ISO-8859-8) decoded as Latin-1 or windows-1252 appear as accented letters: `áîáä` for `במבה`. Bytes of
UTF-8 decoded as windows-1252, Latin-1 or windows-1255 appear as pairs that begin with `×` or `׳`: `×‘×ž×‘×”`.
Each may have happened twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

# The maximum number of times that one text was decoded wrongly.
_MAX_TIMES: Final = 3


def _characters(encoding: str) -> dict[int, str]:
    """The character for each byte from 0x80 on; as in Latin-1 where the encoding has none."""
    shown = {byte: bytes([byte]).decode(encoding, "replace") for byte in range(0x80, 0x100)}
    return {byte: chr(byte) if char == "\ufffd" else char for byte, char in shown.items()}


def _bytes_of(characters: Mapping[int, str]) -> dict[str, int]:
    return {chr(byte): byte for byte in range(0x80, 0x100)} | {char: byte for byte, char in characters.items()}


_HEBREW: Final = _characters("cp1255")
_WESTERN_BYTES: Final = _bytes_of(_characters("cp1252"))
_HEBREW_BYTES: Final = _bytes_of(_HEBREW)
_TO_HEBREW: Final = str.maketrans({char: _HEBREW[byte] for char, byte in _WESTERN_BYTES.items()})


class _Signs(NamedTuple):
    """Patterns of wrongly decoded text: `certain` by itself, `likely` if other texts of the feed were
    repaired."""

    certain: re.Pattern[str]
    likely: re.Pattern[str]


def _pairs(leads: str, first: int, last: int, bytes_of: Mapping[str, int]) -> _Signs:
    """Patterns of wrongly decoded UTF-8: a character of `leads` and a continuation byte of this range. A
    space may replace the no-break space (A0), which is easily lost. Two pairs in a row are certain."""
    more = re.escape("".join(char for char, byte in bytes_of.items() if first <= byte <= last))
    two = f"[{leads}][{more} ][\"'`.-]?[{leads}â][{more} ]"
    return _Signs(re.compile(two), re.compile(f"[{leads}][{more}]"))


# Hebrew letters are D7 90 to D7 AA. Encoded a second time they begin with C2 or C3.
_UTF8_AS_WESTERN: Final = _pairs("ÂÃ×", 0x80, 0xBF, _WESTERN_BYTES)
_UTF8_AS_HEBREW: Final = _pairs("׳", 0x90, 0xAA, _HEBREW_BYTES)
_WESTERN_SPACE: Final = re.compile("([ÂÃ×]) ")
_HIGH_WESTERN: Final = re.compile(f"[{re.escape(''.join(_WESTERN_BYTES))}]+")
_HIGH_HEBREW: Final = re.compile(f"[{re.escape(''.join(_HEBREW_BYTES))}]+")
# The letters of windows-1255 (E0 to FA) as Latin-1: two in a row without an ASCII letter next to them, which
# no language of Western Europe has.
_LETTERS: Final = _Signs(
    re.compile(r"(?<![A-Za-zà-ú])[à-ú][\"'`.-]?[à-ú]+(?![A-Za-z])"),
    re.compile(r"(?<![A-Za-zà-ú])[à-ú](?![A-Za-z])"),
)
_TEXT: Final = re.compile(r"[^<>]+")

_QUOTES: Final = frozenset("\"'")
_NAME: Final = r"[A-Za-z_:][\w:.-]*"
_BARE: Final = r"[^\s\"'<>=/?]+(?:[/?]+[^\s\"'<>=/?]+)*"
_ATTRIBUTE: Final = re.compile(rf"(\s{_NAME}\s*=\s*)(\"[^\"<]*\"|'[^'<]*'|{_BARE})")
_TAG: Final = re.compile(rf"(<\??{_NAME})((?:\s+{_NAME}\s*=\s*(?:\"[^\"<]*\"|'[^'<]*'|{_BARE}))+)(\s*[/?]?>)")


class HebrewRepair:
    """Repairs the texts of one feed. `count` is the number of repaired texts."""

    def __init__(self) -> None:
        self.count = 0

    def repaired(self, text: str) -> str:
        """A piece of XML with its wrongly decoded texts repaired. The piece must not split a text."""
        # A search for the patterns usually avoids splitting the piece into texts.
        if not self._is_suspicious(text):
            return text
        # No pattern is ASCII, and most texts and all tags are.
        return _TEXT.sub(lambda match: match[0] if match[0].isascii() else self._text(match[0]), text)

    def _is_suspicious(self, text: str) -> bool:
        if ("×" in text or "Ã" in text) and self._shows(_UTF8_AS_WESTERN, text):
            return True
        return ("׳" in text and self._shows(_UTF8_AS_HEBREW, text)) or self._shows(_LETTERS, text)

    def _shows(self, signs: _Signs, text: str) -> bool:
        return (signs.likely if self.count else signs.certain).search(text) is not None

    def _text(self, text: str) -> str:
        found = text
        for _ in range(_MAX_TIMES):
            before, found = found, self._once(found)
            if found == before:
                break
        self.count += found != text
        return found

    def _once(self, text: str) -> str:
        found = text
        if self._shows(_UTF8_AS_WESTERN, text):
            found = _decoded(text, _WESTERN_SPACE.sub("\\1\xa0", text), _HIGH_WESTERN, _WESTERN_BYTES)
        if found == text and self._shows(_UTF8_AS_HEBREW, text):
            found = _decoded(text, text.replace("׳ ", "׳\xa0"), _HIGH_HEBREW, _HEBREW_BYTES)
        if found == text and self._shows(_LETTERS, text):
            found = text.translate(_TO_HEBREW)
        return found


def _decoded(text: str, spaced: str, high: re.Pattern[str], bytes_of: Mapping[str, int]) -> str:
    """Decodes the UTF-8 in a text that was decoded with another encoding. `spaced` is the text with its
    no-break spaces restored. Returns `text` itself if nothing was decoded."""

    def decode(match: re.Match[str]) -> str:
        try:
            return bytes(bytes_of[char] for char in match[0]).decode()
        except UnicodeDecodeError:
            return match[0]

    decoded = high.sub(decode, spaced)
    return text if decoded == spaced else decoded


def with_quotes(text: str) -> tuple[str, int]:
    """A piece of XML with whole tags, in which all attribute values are quoted; and the number of tags that
    lacked quotes."""
    if not _may_lack_quotes(text):
        return text, 0
    count = 0

    def quote(match: re.Match[str]) -> str:
        nonlocal count
        attributes = _ATTRIBUTE.sub(_quoted, match[2])
        count += attributes != match[2]
        return f"{match[1]}{attributes}{match[3]}"

    return _TAG.sub(quote, text), count


def _may_lack_quotes(text: str) -> bool:
    """Whether a tag contains an equals sign without a quote after it. Few pieces do, mostly in names."""
    place = text.find("=")
    while place >= 0:
        if text[place + 1 : place + 2] not in _QUOTES and text.rfind("<", 0, place) > text.rfind(">", 0, place):
            return True
        place = text.find("=", place + 1)
    return False


def _quoted(match: re.Match[str]) -> str:
    value = match[2]
    return match[0] if value[0] in "\"'" else f'{match[1]}"{value}"'
