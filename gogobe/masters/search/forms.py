"""The forms that a Hebrew word of a query may have in a name, and how well each matches it.

Names have a word in another number ("בננות" for "בננה"), in another gender, in the construct state ("תפוחי
אדמה", "עוגת שוקולד"), or with a preposition as its prefix ("לחתולים"). Words are in normal form.
"""

from __future__ import annotations

from typing import Final

from gogobe.masters.text.morphology import lemma

NUMBER: Final = 0.95
INFLECTED: Final = 0.5
CONSTRUCT: Final = 0.9
WITH_PREPOSITION: Final = 0.5

_PLURALS: Final = ("ימ", "ות")
_PREPOSITIONS: Final = "בלמ"
_SHORTEST_STEM: Final = 3
_OF_MANY, _OF_ONE = "י", "ת"  # the ends of the construct state


def lemmas(word: str) -> list[str]:
    """The lemmas of all forms of a word, to look up. `form_quality` rates the words found."""
    own = lemma(word)
    behind = [letter + stem for letter in _PREPOSITIONS for stem in dict.fromkeys((own, word))]
    others = [own + _OF_MANY, own + _OF_ONE, *behind, _of_construct(word), _without_preposition(word)]
    return list(dict.fromkeys([own, *behind, *(lemma(one) for one in others if one)]))


def form_quality(word: str, other: str) -> float:
    """How well `other` matches `word`, 0 to 1; 0 if it is not a form of it."""
    if other == word:
        return 1.0
    own, form = lemma(word), lemma(other)
    if form == own:
        return NUMBER if word.endswith(_PLURALS) != other.endswith(_PLURALS) else INFLECTED
    for one, theirs in ((_of_construct(word), form), (_of_construct(other), own)):
        if one and lemma(one) == theirs:
            return CONSTRUCT
    for one, theirs in ((_without_preposition(word), form), (_without_preposition(other), own)):
        if one and lemma(one) == theirs:
            return WITH_PREPOSITION
    return 0.0


def _of_construct(word: str) -> str:
    """The absolute form of a word that may be in the construct state, by the ending of a plural or of a
    feminine noun; else "". A match is uncertain: "חלבי" (dairy) is no form of "חלב" (milk)."""
    if len(word) <= _SHORTEST_STEM or word.endswith(_PLURALS):
        return ""
    if word.endswith(_OF_MANY):
        return word[:-1] + _PLURALS[0]
    return word[:-1] + "ה" if word.endswith(_OF_ONE) else ""


def _without_preposition(word: str) -> str:
    return word[1:] if word[:1] in _PREPOSITIONS and len(word) > _SHORTEST_STEM + 1 else ""
