"""English words of a grocery list, as words of Hebrew names.

Names in the feeds are Hebrew. Brands are found by their sound (`sounds.py`). "milk" does not sound like the
Hebrew word for it, so such words are in a glossary, `english.tsv`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Final

from gogobe.masters.text.normal import normalize

GLOSSARY: Final = "english.tsv"
LONGEST_TERM: Final = 3

Alternatives = tuple[str, ...]
"""Words of which one must be found: the word as it was typed or its first translation, then others."""


def translated(words: Sequence[str]) -> list[Alternatives]:
    """The words of a query in normal form, with their Hebrew alternatives; longer terms first. A term may have
    another number of words in Hebrew.

    >>> translated(["baby", "wipes"])
    [('baby', 'תינוק'), ('wipes', 'מגבונימ', 'מגבונ')]
    >>> translated(["fresh", "potatoes"])
    [('fresh', 'טרי'), ('תפוח',), ('אדמה',)]
    """
    return list(_places(words))


def _places(words: Sequence[str]) -> Iterator[Alternatives]:
    terms = glossary()
    start = 0
    while start < len(words):
        for length in range(min(LONGEST_TERM, len(words) - start), 0, -1):
            hebrew = _hebrew(terms, words[start : start + length])
            if hebrew is None:
                continue
            if length == len(hebrew) == 1:
                yield (words[start], *hebrew[0])
            else:
                yield from hebrew
            start += length
            break
        else:
            yield (words[start],)
            start += 1


def _hebrew(terms: Mapping[str, list[Alternatives]], words: Sequence[str]) -> list[Alternatives] | None:
    """The Hebrew words of a term, also of its plural."""
    if not all(word.isascii() for word in words):
        return None
    term = " ".join(words)
    return next((terms[form] for form in (term, *_singulars(term)) if form in terms), None)


def _singulars(term: str) -> Iterator[str]:
    if term.endswith("ies"):
        yield f"{term[:-3]}y"
    if term.endswith("es"):
        yield term[:-2]
    if term.endswith("s"):
        yield term[:-1]


@cache
def glossary() -> Mapping[str, list[Alternatives]]:
    """The terms in normal form with their Hebrew words, for each word its alternatives."""
    lines = files(__package__).joinpath(GLOSSARY).read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {normalize(term): [_alternatives(word) for word in hebrew.split()] for term, hebrew in rows}


def _alternatives(text: str) -> Alternatives:
    return tuple(normalize(word) for word in text.split("/"))
