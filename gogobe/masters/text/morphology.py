"""Stemming of Hebrew nouns and adjectives: one form for their numbers, genders and spellings.

Chains write "עגבניה", "עגבניות" and "עגבנייה"; "קישוא" and "קשוא"; "אדום", "אדומה" and "אדומים". `lemma`
strips the endings of number and gender; `skeleton` drops the letters that only spell vowels. Both take a word
in normal form (`normal.py`): no final letters, no doubled vav and yod. Neither uses a dictionary: a lemma
need not be a word, and two words may share one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final

# Ending -> its replacement; the first that fits. A yod before an ending belongs to the stem, so that
# "סוכריות" (sweets) does not become "סוכר" (sugar).
ENDINGS: Final = (
    ("ית", "י"),  # אורגנית, לחמניית
    ("ות", ""),  # עגבניות, בננות
    ("ימ", ""),  # תפוחים, אדומים
    ("ה", ""),  # עגבניה, אדומה
)
ARTICLES: Final = "הו"
""""The" and "and", written as prefixes of a word: הנילוס, וצימוקים."""
_SHORTEST_STEM: Final = 3
_SHORTEST_WITH_ARTICLE: Final = 5
VOWEL_LETTERS: Final = "ויא"
"""Letters that often spell a vowel; one chain writes them, another leaves them out."""
_DROP_VOWELS: Final = str.maketrans("", "", VOWEL_LETTERS)


@lru_cache(maxsize=1 << 16)
def lemma(word: str) -> str:
    """The word without an article and without its ending of number and gender; the word itself if too few
    letters would remain."""
    if len(word) >= _SHORTEST_WITH_ARTICLE and word[0] in ARTICLES:
        word = word[1:]
    for ending, instead in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) + len(instead) >= _SHORTEST_STEM:
            return word[: len(word) - len(ending)] + instead
    return word


@lru_cache(maxsize=1 << 16)
def skeleton(word: str) -> str:
    """The word without VOWEL_LETTERS, except in first and last position, which distinguishes פומלה (pomelo)
    from פומלית; the word itself if too few letters would remain."""
    bones = word[:1] + word[1:-1].translate(_DROP_VOWELS) + word[1:][-1:]
    return bones if len(bones) >= _SHORTEST_STEM else word
