"""Query parsing and term expansion: the words that must be found, and the indexed words that count as
them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from gogobe.masters.search.documents import measures
from gogobe.masters.search.english import translated
from gogobe.masters.search.forms import form_quality, lemmas
from gogobe.masters.search.sounds import similarity, sound
from gogobe.masters.text.normal import parse_name

MOST_WORDS: Final = 12
"""Words of a query that are used; the rest is ignored."""

OTHER_SCRIPT: Final = 0.9  # קולה for cola
SAME_SOUND: Final = 0.6  # סוכר for סוקר
MISSPELT: Final = 0.5
PREFIX: Final = 0.4  # שוקולד for שוקו
UNIT_LEFT_OUT: Final = 0.9  # 1500ml for 1.5
_MIN_SIMILARITY: Final = 0.6  # of two scripts' spellings of one word
_LETTERS_FOR_TWO_ERRORS: Final = 7
_SHORTEST_PREFIX: Final = 2
MISSPELT_AT_MOST: Final = 10
"""A word of at most so many masters may be a misspelling of a word that is MISSPELT_RATIO times as
frequent."""
MISSPELT_RATIO: Final = 30


@dataclass(frozen=True)
class QueryWord:
    """A word of the query in normal form. `required` words must be found. Measures (`3%`, `1500ml`) are
    required only in a query that has nothing else, since many names lack them. `others` are translations: each
    of them is as good as the word, which is then not searched by its sound."""

    word: str
    required: bool
    others: tuple[str, ...] = ()

    @property
    def forms(self) -> list[str]:
        """The lemmas to look its forms up by; for a number without a unit, also the measures that it may
        mean."""
        found = [form for word in (self.word, *self.others) for form in lemmas(word)]
        return [*dict.fromkeys(found), *_measures_of(self.word)]

    @property
    def sound(self) -> str:
        return "" if self.others else sound(self.word)

    def quality_of(self, word: str) -> float:
        """How well a word of a name is a form of the word or of a translation, 0 to 1."""
        return max(form_quality(one, word) for one in (self.word, *self.others))


@dataclass(frozen=True)
class KnownWord:
    """An indexed word, and how many masters have it."""

    word: str
    masters: int


@dataclass(frozen=True)
class Alternative:
    """An indexed word that counts as the query's word at `place`, with a quality of 0 to 1."""

    place: int
    word: str
    quality: float
    masters: int


def readings_of(query: str) -> list[list[QueryWord]]:
    """The query with its English words translated, and, if that differs, as it is: brands have English words
    too ("red bull")."""
    translation, literal = read_query(query), read_query(query, translate=False)
    return [translation] if translation == literal else [translation, literal]


def read_query(query: str, *, translate: bool = True) -> list[QueryWord]:
    """The query's words in order, then its measures; empty if it has neither."""
    name = parse_name(query)
    typed = list(dict.fromkeys(name.words))
    places = translated(typed) if translate else [(word,) for word in typed]
    words = list(dict.fromkeys(places))[:MOST_WORDS]
    sizes = list(dict.fromkeys(measures(name)))[:MOST_WORDS]
    return [QueryWord(word, True, tuple(others)) for word, *others in words] + [
        QueryWord(size, not words) for size in sizes
    ]


def exact_matches(place: int, wanted: QueryWord, known: Iterable[KnownWord]) -> Iterator[Alternative]:
    """The known words that are the query's word: itself, another form of it, or the word in the other
    script."""
    measured = _measures_of(wanted.word)
    for one in known:
        quality = wanted.quality_of(one.word)
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


def prefix_matches(place: int, wanted: QueryWord, known: Iterable[KnownWord]) -> Iterator[Alternative]:
    """The known words that begin with the query's word."""
    for one in known:
        if (
            len(wanted.word) >= _SHORTEST_PREFIX
            and one.word != wanted.word
            and one.word.startswith(wanted.word)
        ):
            yield Alternative(place, one.word, PREFIX, one.masters)


def fuzzy_matches(place: int, wanted: QueryWord, known: Sequence[KnownWord]) -> Iterator[Alternative]:
    """The known words that the shopper may have meant: of the same sound, or within one or two edits. A
    frequent word has a higher quality."""
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


def is_misspelling(same: Sequence[Alternative], similar: Sequence[Alternative]) -> bool:
    """Whether a word that few masters have (`same`) is probably a misspelling of one that many have
    (`similar`)."""
    few, many = (max((one.masters for one in some), default=0) for some in (same, similar))
    return few <= MISSPELT_AT_MOST and many > 0 and many >= MISSPELT_RATIO * few


def distance(one: str, other: str, most: int) -> int:
    """The Damerau-Levenshtein distance of two words (optimal string alignment); any number above `most` means
    more than `most`."""
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
