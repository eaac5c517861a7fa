"""The normal form of a product's name: one spelling for the chains' many.

Names are short Hebrew texts, often cut at 20 to 24 characters, with sizes attached to words ("דבש5יח"), units
in every abbreviation, and gershayim as various other characters. `parse_name` splits a name into words and
the numbers that decide whether two names can be one product: size, percentages, pieces in a pack.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

Dimension = Literal["mass", "volume", "pieces", "length", ""]

# Spelling -> the unit's dimension, and its size in g, ml, pieces or cm. Spellings have no quotes and no final
# letters, as `normalize` returns them.
UNITS: Final[dict[str, tuple[Dimension, float]]] = {
    **dict.fromkeys(("ג", "גר", "גרמ", "גרמימ", "g", "gr", "gram"), ("mass", 1.0)),
    **dict.fromkeys(("קג", "קילו", "קילוגרמ", "קילוגרמימ", "לקג", "kg"), ("mass", 1000.0)),
    **dict.fromkeys(("מג", "מיליגרמ", "mg"), ("mass", 0.001)),
    **dict.fromkeys(("מל", "מיליליטר", "מיליליטרימ", "ml", "cc", "סמק"), ("volume", 1.0)),
    **dict.fromkeys(("ל", "לי", "ליט", "ליטר", "ליטרימ", "l", "lt", "liter"), ("volume", 1000.0)),
    **dict.fromkeys(
        ("יח", "יחי", "יחיד", "יחידה", "יחידות", "קפסולות", "קפס", "טבליות", "כמוסות"), ("pieces", 1.0)
    ),
    **dict.fromkeys(("מגבונימ", "שקיקימ", "שקיות", "דפימ", "זוגות", "כדורימ", "pcs"), ("pieces", 1.0)),
    **dict.fromkeys(("סמ", "cm"), ("length", 1.0)),
    **dict.fromkeys(("ממ", "mm"), ("length", 0.1)),
    **dict.fromkeys(("מ", "מטר", "מטרימ", "m"), ("length", 100.0)),
}

# Words for the number of pieces in a pack.
PACKS: Final[dict[str, int]] = {
    **dict.fromkeys(("זוג", "צמד", "זוגי"), 2),
    **dict.fromkeys(("שלישיה", "שלישית", "שלישיית", "שלישיימ", "טריו"), 3),
    **dict.fromkeys(("רביעיה", "רביעית", "רביעיית"), 4),
    **dict.fromkeys(("חמישיה", "חמישית", "חמישיית"), 5),
    **dict.fromkeys(("שישיה", "שישית", "שישיית", "ששיה", "שישה"), 6),
    **dict.fromkeys(("שמיניה", "שמינית", "שמיניית"), 8),
    **dict.fromkeys(("תריסר",), 12),
}

# Abbreviations of the trade with their meaning; keys are words in normal form.
ABBREVIATIONS: Final[dict[str, str]] = {
    "תפוא": "תפוח אדמה",
    "תפוע": "תפוח עצ",
    "תפא": "תפוח אדמה",
    "תפע": "תפוח עצ",
    "עגב": "עגבניות",
    "נק": "נקניקיות",
    "גב": "גבינה",
    "גבינת": "גבינה",
    "יוג": "יוגורט",
    "בט": "בטעמ",
    "חט": "חטיפ",
    "עוג": "עוגיות",
    "דאוד": "דאודורנט",
    "דאו": "דאודורנט",
    "אדפ": "או דה פרפומ",
    "אדט": "או דה טואלט",
    "ללס": "ללא סוכר",
    "לס": "ללא סוכר",
}

_FINALS: Final = dict(zip("ךםןףץ", "כמנפצ", strict=True))
_QUOTES: Final = dict.fromkeys("״“”„‟«»″", '"') | dict.fromkeys("׳‘’‚‛`´′", "'")
_MARKS: Final = (  # niqqud and cantillation, and marks of direction
    *map(chr, range(0x591, 0x5BE)),
    *"\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u200e\u200f",
    *map(chr, range(0x202A, 0x202F)),
)
_LETTERS: Final = str.maketrans({**_FINALS, **_QUOTES, **dict.fromkeys(_MARKS), "\u05be": " "})
# A unit and its quote without a blank before the next word: 4 יח'לחמניות.
_UNIT_AND_WORD: Final = re.compile(r"(?<![^\W\d_])(יח|גר|קג|ק\"ג|מל|סמ|ליט)['\"]+(?=[^\W\d_]{3})")
# "שוק" is a drumstick, or a market; cut short, before a mark, a number or the name's end, it is chocolate.
_CHOCOLATE: Final = re.compile(r"(?<![^\W\d_])שוק(?=[.'+/\d]|\s*$)")
# Quotes within a word are an abbreviation's (מ"ל, תפו"א); those at its end abbreviate too (ק', יח').
_INNER_QUOTES: Final = re.compile(r"(?<=[^\W\d_])['\"]+")
_TOKEN: Final = re.compile(r"\d+(?:[.,]\d+)?|[^\W\d_]+|[%*×]")
_DOUBLED: Final = re.compile(r"([וי])\1")
_TIMES: Final = frozenset("*xXх×")
_SIGNS: Final = frozenset("%*×")
# A larger number is a code, a shade or a year, not a size.
_LARGEST_AMOUNT: Final[dict[Dimension, float]] = {
    "mass": 50_000,
    "volume": 50_000,
    "pieces": 1_000,
    "length": 10_000,
}
_LARGEST_PACK: Final = 100
# Larger numbers count nothing and are read as words; above 10^38 they would not fit into the arrays of facts.
_END_OF_NUMBERS: Final = 1e9


@dataclass(frozen=True, slots=True)
class ParsedName:
    """A parsed name.

    `words` are in normal form and in order, without units; `numbers` have no unit (shades, stages, sizes
    whose unit was cut off). `amount` is the size of one piece in grams, millilitres or centimetres, `pack`
    the number of pieces (1 if not stated), `percents` the percentages.
    """

    words: tuple[str, ...]
    numbers: tuple[float, ...]
    percents: tuple[float, ...]
    amount: float
    dimension: Dimension
    pack: int


def normalize(name: str) -> str:
    """The name with uniform spelling: lower case, no niqqud, no final letters, plain quotes.

    Quotes inside words are removed (מ"ל becomes מל), doubled vav and yod become single.
    """
    text = unicodedata.normalize("NFKC", name).lower().translate(_LETTERS)
    if "שוק" in text:
        text = _CHOCOLATE.sub("שוקולד ", text)
    if "'" in text or '"' in text:
        text = _INNER_QUOTES.sub("", _UNIT_AND_WORD.sub(r"\1 ", text))
    if "וו" in text or "יי" in text:
        text = _DOUBLED.sub(r"\1", text)
    return text


def parse_name(name: str) -> ParsedName:
    """Parse a name. Never raises: text that is no size, percentage or pack becomes a word or a number."""
    tokens = _TOKEN.findall(normalize(name))
    parts = _Parts()
    place = 0
    while place < len(tokens):
        place += parts.take(tokens[place : place + 4])
    return parts.parsed()


def _number(token: str) -> float | None:
    """The value of a numeric token; None for a word, a symbol, and numbers too large to count anything.

    `isdecimal` accepts the digits that the token's pattern and `float` accept, in all scripts; `isdigit`
    accepts more.
    """
    if not token[:1].isdecimal():
        return None
    value = float(token.replace(",", "."))
    return value if value < _END_OF_NUMBERS else None


class _Parts:
    """The parts of a name parsed so far."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.numbers: list[float] = []
        self.percents: list[float] = []
        self.amount = 0.0
        self.dimension: Dimension = ""
        self.pack = 1

    def take(self, ahead: list[str]) -> int:
        """Parse what begins at the first token; returns how many tokens were consumed."""
        token, following = ahead[0], ahead[1] if len(ahead) > 1 else ""
        value = _number(token)
        if value is not None:
            return self._take_number(value, ahead)
        if token == "%" and (percent := _number(following)) is not None:
            self.percents.append(percent)
            return 2
        if token not in _SIGNS:
            self.pack = PACKS.get(token, self.pack)
            self.words.extend(ABBREVIATIONS.get(token, token).split())
        return 1

    def _take_number(self, value: float, ahead: list[str]) -> int:
        following = ahead[1] if len(ahead) > 1 else ""
        if following == "%":
            self.percents.append(value)
            return 2
        if following in UNITS:
            dimension, factor = UNITS[following]
            self._add_size(value * factor, dimension)
            return 2
        if following in _TIMES and len(ahead) > 2 and (second := _number(ahead[2])) is not None:
            return 3 + self._take_product(value, second, ahead[3] if len(ahead) > 3 else "")
        self.numbers.append(value)
        return 1

    def _take_product(self, first: float, second: float, unit: str) -> int:
        """Parse "4*100 g" or "100*4 g"; returns 1 if the next word was its unit, else 0."""
        dimension, factor = UNITS.get(unit, ("", 1.0))
        # The unit follows the second number, but the order varies: the larger one is the grams of a piece.
        piece, pack = (second, first) if factor > 1 else (max(first, second), min(first, second))
        if dimension in ("mass", "volume", "") and pack <= _LARGEST_PACK:
            self.pack = max(int(pack), 1)
            if dimension:
                self._add_size(piece * factor, dimension)
            else:
                self.numbers.append(piece)
        else:
            self.numbers += [first, second]
        return int(bool(dimension))

    def _add_size(self, amount: float, dimension: Dimension) -> None:
        if dimension == "pieces":
            self.pack = int(amount) if 1 <= amount <= _LARGEST_AMOUNT[dimension] else self.pack
        elif amount <= _LARGEST_AMOUNT[dimension] and (not self.amount or dimension != "length"):
            self.amount, self.dimension = amount, dimension

    def parsed(self) -> ParsedName:
        dimension: Dimension = self.dimension or ("pieces" if self.pack > 1 else "")
        return ParsedName(
            tuple(self.words), tuple(self.numbers), tuple(self.percents), self.amount, dimension, self.pack
        )
