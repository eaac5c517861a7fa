"""The words that a master is found by, each with its weight.

A word weighs more
- the more of the master's names have it (chains write a product differently),
- if names begin with it, after a brand, a pack or a quality: "חלב תנובה" is milk, "שוקולד חלב" is chocolate,
- the fewer other words name the product, or state an unusual quality: "חלב" is the whole of "חלב טרי 3%",
  half of "חלב קוקוס", and less of "חלב עיזים" than of the first,
- and, slightly, the more chains and stores sell the master.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from gogobe.masters.text.morphology import lemma
from gogobe.masters.text.normal import ParsedName, normalize, parse_name
from gogobe.masters.text.qualities import NAMES, NEUTRAL, PARTS, USUAL, read_qualities

DOCUMENT_VERSION: Final = 2
"""Raised with every change of the weights or of the words; documents of an older version are rebuilt."""

LONGEST_WORD: Final = 40
"""Maximum characters of an indexed word."""

_BEGINS: Final = 0.3
_ALONE: Final = 0.3
_NAMED: Final = 0.2
_UNUSUAL: Final = 0.5  # of another word that names the thing, for each unusual quality
_WITHOUT: Final = 1.0  # the same, for each part that it is sold without
_PARTS: Final = frozenset(map(NAMES.index, PARTS))
_QUALITY: Final = 0.3  # of the weight of a word that names the thing
_MAKER: Final = 0.1  # of a word that only the manufacturer's name has
_MEASURE: Final = 0.3  # of a size or a percentage
_POPULARITY: Final = 0.05  # of the weight, for each doubling of chains
_KINDS: Final = frozenset(lemma(normalize(word)) for word in NEUTRAL["kind"].split())


@dataclass(frozen=True)
class ChainName:
    """A chain's name for the product, and its manufacturer."""

    name: str
    manufacturer: str = ""


def weights(names: Sequence[ChainName], popularity: int) -> dict[str, float]:
    """The words of a master with these names (at least one), each with its weight, about 0 to 1.

    `popularity` is 4 log2(1 + chains) + log2(1 + stores), of the chains and stores that sell it
    (`search_index` computes it). Words are in normal form, as written; a size is "1500ml", "500g" or
    "12pieces", a percentage "3%".
    """
    found: defaultdict[str, float] = defaultdict(float)
    makers = {word for one in names for word in normalize(one.manufacturer).split()}
    for one in names:
        for word, weight in _of_name(parse_name(one.name), makers).items():
            found[word] += weight / len(names)
    for maker in makers:
        for word in parse_name(maker).words:
            found[word] = max(found[word], _MAKER)
    factor = 1 + _POPULARITY * popularity / 4
    return {word: round(weight * factor, 4) for word, weight in found.items() if len(word) <= LONGEST_WORD}


def _of_name(name: ParsedName, makers: set[str]) -> dict[str, float]:
    """The weights of one name's words and measures."""
    naming, unusual = _naming(name.words, makers)
    first = naming[0] if naming else -1
    alone = _ALONE / max(len(naming) + unusual, 1)
    found: dict[str, float] = {}
    for place, word in enumerate(name.words):
        weight = _NAMED + _BEGINS * (place == first) + alone
        if place not in naming:
            weight *= _QUALITY
        found[word] = max(found.get(word, 0.0), weight)
    for measure in measures(name):
        found.setdefault(measure, _MEASURE)
    return found


def _naming(words: Sequence[str], makers: set[str]) -> tuple[list[int], float]:
    """The places of the words that name the product or its kind, without its maker's name if others remain;
    and how far its qualities make it another thing than its plain name says, in words."""
    reading = read_qualities(words)
    places = [place for place, word in enumerate(words) if reading.naming >> place & 1 or lemma(word) in _KINDS]
    unusual = sum(
        _WITHOUT if column in _PARTS else _UNUSUAL
        for column, bits in reading.bits.items()
        if bits & ~int(USUAL[column])
    )
    return [place for place in places if words[place] not in makers] or places, unusual


def measures(name: ParsedName) -> Iterable[str]:
    """A name's percentages, numbers, size and count as words."""
    yield from (f"{percent:g}%" for percent in name.percents)
    yield from (f"{number:g}" for number in name.numbers)
    if name.amount:
        yield f"{name.amount:g}{UNIT_NAMES[name.dimension]}"
    if name.pack > 1:
        yield f"{name.pack}pieces"


UNIT_NAMES: Final[Mapping[str, str]] = {"mass": "g", "volume": "ml", "length": "cm", "pieces": "pieces", "": ""}
"""The suffix of an amount in a measure, by dimension."""
