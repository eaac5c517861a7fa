"""Converts the text of a feed to a value: text, code, number, yes or no, list of clubs.

Each function takes the text as published and returns None if it is no such value.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

# Words for null, as published; "00000" is one for codes and texts.
NULL_WORDS: Final = frozenset({"", "לא ידוע", "00000", "null", "None", "NULL", "אין", "-"})
_TRUE: Final = frozenset({"1", "true", "True", "TRUE", "Y", "כן"})
_FALSE: Final = frozenset({"0", "false", "False", "FALSE", "N", "לא"})

# Bounds in characters. Codes and ids are keys in the database, and B-trees accept entries of at most 2,704
# bytes. A row with a longer code is refused, and so is a row with a text longer than any real one.
LONGEST_CODE: Final = 64
LONGEST_TEXT: Final = 4096
_LONGEST_NUMBER: Final = 32
# Nearly all published numbers. They need no other check.
_PLAIN_NUMBER: Final = re.compile(r"[0-9]{1,12}(?:\.[0-9]{1,12})?")
# A club's number before its name; a list of numbers without names.
_CLUB_NUMBER: Final = re.compile(r"(?<![^\s(|&,;])(\d+)\s*[-=:](?!\d)", re.ASCII)
_CLUB_NUMBERS: Final = re.compile(r"\s*\d+(?:[\s,;|&]+\d+)*\s*", re.ASCII)

Reading = Callable[[str], Any]


class TooLongError(ValueError):
    """A code, id or text that is too long; `reason` is the reason code of the refused row."""

    def __init__(self, reason: str, length: int, longest: int) -> None:
        super().__init__(f"{length:,} characters, of which at most {longest:,} are taken")
        self.reason = reason


def text(raw: str) -> str | None:
    """Text on one line without surrounding spaces; None for a word for null. Raises TooLongError."""
    words = " ".join(raw.split())
    if len(words) > LONGEST_TEXT:
        raise TooLongError("text_too_long", len(words), LONGEST_TEXT)
    return None if words in NULL_WORDS else words


def code(raw: str) -> str | None:
    """A code or id, without surrounding spaces. Raises TooLongError."""
    stripped = raw.strip()
    if len(stripped) > LONGEST_CODE:
        raise TooLongError("code_too_long", len(stripped), LONGEST_CODE)
    return stripped or None


def verbatim(raw: str) -> str | None:
    """A text that is parsed later (a price, a day, an hour): without surrounding spaces, and cut at the
    length of any such value."""
    return raw.strip()[:LONGEST_CODE] or None


def number(raw: str) -> Decimal | None:
    """An exact decimal below 10^12 with up to 12 places; None for other text."""
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
        return True  # most numbers; `as_tuple` is slow
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= -12


def positive(raw: str) -> Decimal | None:
    """A price: a number above zero, else None."""
    value = number(raw)
    return value if value is not None and value > 0 else None


def clubs(raw: str) -> list[str] | None:
    """The club numbers in a text, without duplicates, in order: `0 - כלל הלקוחות`, `0=אין`, `1,2`,
    `((1=מועדון|5=אשראי))&(3=תווים)`. A club without a number is given by its name. Raises TooLongError."""
    numbers = _CLUB_NUMBER.findall(raw) or (_CLUB_NUMBERS.fullmatch(raw) and re.findall(r"\d+", raw)) or []
    if not numbers:
        name = code(text(raw) or "")
        return [name] if name else None
    return list(dict.fromkeys(number for number in numbers if code(number)))


def whole(raw: str) -> int | None:
    """A whole number of at most eight digits; None for other text."""
    stripped = raw.strip()
    return int(stripped) if stripped.isascii() and stripped.isdecimal() and len(stripped) < 9 else None


def yes_no(raw: str) -> bool | None:
    """1 or 0, true or false; None for anything else."""
    stripped = raw.strip()
    if stripped in _TRUE:
        return True
    return False if stripped in _FALSE else None


def is_set(raw: str) -> bool | None:
    """As `yes_no`, but any number above zero means yes (the kind of a coupon, a count)."""
    value = number(raw)
    return yes_no(raw) if value is None else value > 0


NUMERIC: Final[frozenset[Reading]] = frozenset({number, positive, whole, yes_no, is_set})
"""Readings of numbers and flags. Their texts are short, repeat in all files, and contain no reference."""
