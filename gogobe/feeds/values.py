"""How a text of a feed is read as a value: a text, a code, a number, yes or no, a list of clubs.

Each of these takes the text as it is published and returns None for what is no such value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

# Words for null, as published; "00000" is one where a code or text is expected.
NULL_WORDS: Final = frozenset({"", "לא ידוע", "00000", "null", "None", "NULL", "אין", "-"})
_TRUE: Final = frozenset({"1", "true", "True", "TRUE", "Y", "כן"})
_FALSE: Final = frozenset({"0", "false", "False", "FALSE", "N", "לא"})

# Bounds in characters. Codes and ids are keys in the database, whose B-trees take entries of 2,704 bytes at
# most; a row with a longer one is refused, as is one with a text that no honest row has.
LONGEST_CODE: Final = 64
LONGEST_TEXT: Final = 4096
_LONGEST_NUMBER: Final = 32
# Nearly all published numbers. They need no other check.
_PLAIN_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
# A club's number before its name, and a list of numbers without names.
_CLUB_NUMBER: Final = re.compile(r"(?<![^\s(|&,;])(\d+)\s*[-=:](?!\d)", re.ASCII)
_CLUB_NUMBERS: Final = re.compile(r"\s*\d+(?:[\s,;|&]+\d+)*\s*", re.ASCII)

Reading = Callable[[str], Any]


class TooLongError(ValueError):
    """A code, id or text of a row beyond its bound; `reason` is why the row is refused."""

    def __init__(self, reason: str, length: int, longest: int) -> None:
        super().__init__(f"{length:,} characters, of which at most {longest:,} are taken")
        self.reason = reason


def text(raw: str) -> str | None:
    """Text in one line without spaces around it; None for a word for null. Raises TooLongError."""
    words = " ".join(raw.split())
    if len(words) > LONGEST_TEXT:
        raise TooLongError("text_too_long", len(words), LONGEST_TEXT)
    return None if words in NULL_WORDS else words


def code(raw: str) -> str | None:
    """A code or id, as published but for spaces around it. Raises TooLongError."""
    stripped = raw.strip()
    if len(stripped) > LONGEST_CODE:
        raise TooLongError("code_too_long", len(stripped), LONGEST_CODE)
    return stripped or None


def verbatim(raw: str) -> str | None:
    """What is read again later (a price, a day, an hour): without spaces around it, and no more of it than any
    such value has."""
    return raw.strip()[:LONGEST_CODE] or None


def number(raw: str) -> Decimal | None:
    """An exact decimal, below 10^12 and of up to 12 places; None for what is no such number."""
    if _PLAIN_NUMBER.fullmatch(raw):
        return Decimal(raw)
    stripped = raw.strip()
    if len(stripped) > _LONGEST_NUMBER or not stripped.isascii() or "_" in stripped:
        return None
    try:
        value = Decimal(stripped)
    except InvalidOperation:
        return None
    return value if value.is_finite() and value.adjusted() < 12 and _few_places(stripped, value) else None


def _few_places(published: str, value: Decimal) -> bool:
    if len(published) <= 12 and "e" not in published and "E" not in published:
        return True  # as most numbers; their parts are slow to take apart
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -12


def positive(raw: str) -> Decimal | None:
    """A price: a number above zero, else None."""
    value = number(raw)
    return value if value is not None and value > 0 else None


def clubs(raw: str) -> list[str] | None:
    """The numbers of the clubs that a text names, each once, in its order: `0 - כלל הלקוחות`, `0=אין`, `1,2`,
    `((1=מועדון|5=אשראי))&(3=תווים)`; a club that is named without a number by its name. Raises TooLongError."""
    numbers = _CLUB_NUMBER.findall(raw) or (_CLUB_NUMBERS.fullmatch(raw) and re.findall(r"\d+", raw)) or []
    if not numbers:
        name = code(text(raw) or "")
        return [name] if name else None
    return list(dict.fromkeys(number for number in numbers if code(number)))


def whole(raw: str) -> int | None:
    """A small whole number; None for what is none."""
    stripped = raw.strip()
    return int(stripped) if stripped.isascii() and stripped.isdecimal() and len(stripped) < 9 else None


def yes_no(raw: str) -> bool | None:
    """1 or 0, true or false; None for anything else."""
    stripped = raw.strip()
    if stripped in _TRUE:
        return True
    return False if stripped in _FALSE else None


def is_set(raw: str) -> bool | None:
    """As `yes_no`, where any number above zero says yes (a coupon's kind, a count)."""
    value = number(raw)
    return yes_no(raw) if value is None else value > 0


NUMERIC: Final[frozenset[Reading]] = frozenset({number, positive, whole, yes_no, is_set})
"""Readings of numbers and flags: their texts are short, the same in all files, and contain no reference."""
