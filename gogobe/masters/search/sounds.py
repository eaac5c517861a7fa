"""A phonetic key for words in Hebrew and in Latin letters: their consonants as pronounced.

"coca" and "קוקה", "nutella" and "נוטלה" have the same key, and so have Hebrew spellings of one sound ("סוקר",
"סוכר"). Many words share a key; `similarity` compares the vowels as well.
"""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from functools import lru_cache
from typing import Final

# Hebrew letters of the normal form (no final letters) as they are spelt in Latin ones.
_HEBREW: Final = str.maketrans(
    {
        **dict.fromkeys("אע", "a"),
        **dict(zip("בגדהוזחטיכלמנספצקרשת", "bgdaoshtiklmnspskrst", strict=True)),
    }
)
# Latin letters, in this order: pairs that are one sound, then letters that sound like another one.
_LATIN: Final = (
    (re.compile(r"sch|sh|tch|ch(?=[ieou])|tz|ts"), "s"),
    (re.compile(r"ch|ck|q"), "k"),
    (re.compile(r"ph"), "p"),
    (re.compile(r"th"), "t"),
    (re.compile(r"x"), "ks"),
    (re.compile(r"c(?=[eiy])"), "s"),
    (re.compile(r"c"), "k"),
    (re.compile(r"j"), "g"),
    (re.compile(r"[vw]"), "b"),
    (re.compile(r"f"), "p"),
    (re.compile(r"z"), "s"),
    (re.compile(r"[ey]"), "i"),
    (re.compile(r"u"), "o"),
)
_VOWELS: Final = re.compile(r"[aioh]")
_DOUBLED: Final = re.compile(r"(\w)\1+")
_DOUBLED_VOWEL: Final = re.compile(r"([aio])\1+")
_FIRST: Final = {"ו": "ב", "ה": "h"}  # at a word's beginning they are consonants


@lru_cache(maxsize=1 << 16)
def latin(word: str) -> str:
    """The word in a plain Latin spelling, from any script. "קוקה" is "koka", and so is "coca"."""
    if not word.isascii():
        spelt = (_FIRST.get(word[:1], word[:1]) + word[1:]).translate(_HEBREW)
        return _DOUBLED_VOWEL.sub(r"\1", spelt)  # of two consonants, one has an unwritten vowel behind it
    spelt = word
    for pattern, letters in _LATIN:
        spelt = pattern.sub(letters, spelt)
    return _DOUBLED.sub(r"\1", spelt)


@lru_cache(maxsize=1 << 16)
def sound(word: str) -> str:
    """The consonants of a word in normal form, with a mark for a vowel at its start; "" for words with
    digits, and for a single consonant, which is too unspecific."""
    spelt = latin(word)
    consonants = _VOWELS.sub("", spelt)
    key = ("a" if _VOWELS.match(spelt) else "") + consonants
    return key if len(key) >= 2 and consonants.isalpha() else ""


def similarity(word: str, other: str) -> float:
    """The similarity of two words' pronunciation, vowels included, 0 to 1."""
    return SequenceMatcher(None, latin(word), latin(other), autojunk=False).ratio()
