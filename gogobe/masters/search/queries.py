"""A shopper's query as words that masters have: which must be found, and which words count as them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gogobe.masters.search.documents import measures
from gogobe.masters.search.forms import form_quality, lemmas
from gogobe.masters.search.sounds import similarity, sound
from gogobe.masters.text.normal import parse_name

MOST_WORDS: Final = 12
"""Words of a query that are read; the rest is left out."""

OTHER_SCRIPT: Final = 0.9  # קולה for cola
SAME_SOUND: Final = 0.6  # סוכר for סוקר
MISSPELT: Final = 0.5
BEGUN: Final = 0.4  # שוקולד for שוקו
UNIT_LEFT_OUT: Final = 0.9  # 1500ml for 1.5
_MIN_SIMILARITY: Final = 0.6  # of two scripts' spellings of one word
_LETTERS_FOR_TWO_ERRORS: Final = 7
_SHORTEST_BEGUN: Final = 2
RARE: Final = 10
"""A word that no more masters have may be a slip of a word that is OVERSHADOWING times as frequent."""
OVERSHADOWING: Final = 30


@dataclass(frozen=True)
class QueryWord:
    """A word of the query in normal form. Measures (`3%`, `1500ml`) need not be found, unless the query has
    nothing else: sizes are missing in many names."""

    word: str
    required: bool

    @property
    def forms(self) -> list[str]:
        """The lemmas under which its forms are looked up; a number without a unit may be any measure."""
        return [*lemmas(self.word), *_measures_of(self.word)]

    @property
    def sound(self) -> str:
        return sound(self.word)


@dataclass(frozen=True)
class KnownWord:
    """A word that masters have, and how many of them."""

    word: str
    masters: int


@dataclass(frozen=True)
class Alternative:
    """A word that counts as the query's word at `place`, and how much: 0 to 1."""

    place: int
    word: str
    quality: float
    masters: int


def read_query(query: str) -> list[QueryWord]:
    """The query's words in order, then its measures; empty where it has neither."""
    name = parse_name(query)
    words = list(dict.fromkeys(name.words))[:MOST_WORDS]
    sizes = list(dict.fromkeys(measures(name)))[:MOST_WORDS]
    return [QueryWord(word, True) for word in words] + [QueryWord(size, not words) for size in sizes]


def same_word(place: int, wanted: QueryWord, known: Iterable[KnownWord]) -> Iterator[Alternative]:
    """Those of the known words that are the query's word: itself, in another form, or in the other script."""
    measured = _measures_of(wanted.word)
    for one in known:
        quality = form_quality(wanted.word, one.word)
        if one.word in measured:
            quality = UNIT_LEFT_OUT
        elif not quality and one.word.isascii() != wanted.word.isascii():
            alike = similarity(one.word, wanted.word) if sound(one.word) == wanted.sound != "" else 0.0
            quality = OTHER_SCRIPT * alike if alike >= _MIN_SIMILARITY else 0.0
        if quality:
            yield Alternative(place, one.word, quality, one.masters)


def _measures_of(word: str) -> list[str]:
    """The measures that a number without a unit may mean: "1.5" is 1.5 % or 1.5 litres or kilograms."""
    if not word.replace(".", "", 1).isdecimal():
        return []
    return [f"{word}%", *(f"{float(word) * factor:g}{unit}" for factor in (1, 1000) for unit in ("ml", "g"))]


def begun_word(place: int, wanted: QueryWord, known: Iterable[KnownWord]) -> Iterator[Alternative]:
    """Those of the known words that begin with the query's word."""
    for one in known:
        if len(wanted.word) >= _SHORTEST_BEGUN and one.word != wanted.word and one.word.startswith(wanted.word):
            yield Alternative(place, one.word, BEGUN, one.masters)


def misspelt_word(place: int, wanted: QueryWord, known: Sequence[KnownWord]) -> Iterator[Alternative]:
    """Those of the known words that the shopper may have meant: of the same sound, or a slip or two away. The
    more frequent a word, the likelier."""
    errors = 2 if len(wanted.word) >= _LETTERS_FOR_TWO_ERRORS else 1
    most = max((one.masters for one in known), default=1)
    for one in known:
        quality = 0.0
        if len(wanted.word) > errors + 1 and distance(one.word, wanted.word, errors) <= errors:
            quality = MISSPELT
        if wanted.sound and one.word.isascii() == wanted.word.isascii() and sound(one.word) == wanted.sound:
            quality = SAME_SOUND
        if quality:
            yield Alternative(place, one.word, quality * (0.8 + 0.2 * one.masters / most), one.masters)


def is_slip(same: Sequence[Alternative], similar: Sequence[Alternative]) -> bool:
    """Whether a word that few masters have, by its own alternatives, is a slip of one that many have."""
    few, many = (max((one.masters for one in some), default=0) for some in (same, similar))
    return few <= RARE and many > 0 and many >= OVERSHADOWING * few


def distance(one: str, other: str, most: int) -> int:
    """How many letters must be changed, added, left out or swapped with their neighbour to get from one word to
    the other; any number above `most` means more than that."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: Sequence[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, start=1):
        before, last, row = row, before, [i, *[0] * len(other)]
        for j, wanted in enumerate(other, start=1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != wanted))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == wanted:
                row[j] = min(row[j], last[j - 2] + 1)
    return row[-1]
