"""The qualities that a name states besides the product itself: colour, cut, frozen or fresh, packed or loose.

The remaining words name the product itself ("עגבניה", "קנרי"). One table holds all words that do not:
QUALITIES, whose values contradict each other; PARTS, which a product may be sold with or without; and
NEUTRAL, words that do not identify the product. It is grocers' Hebrew, without any product names. The cost of
a quality that only one of two names states is learned (`clusters/weights.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from gogobe.masters.text.morphology import lemma
from gogobe.masters.text.normal import normalize


class Quality(msgspec.Struct, frozen=True):
    """One quality: its `values`, each with the words for it (one number and gender is enough); the `usual`
    values, which names often omit; and pairs of values that are `near` each other."""

    name: str
    values: dict[str, str]
    usual: tuple[str, ...] = ()
    near: tuple[tuple[str, str], ...] = ()


QUALITIES: Final = (
    Quality(
        "packing",
        {
            "loose": "תפזורת משקל שקיל נשקל לקג קג צרור אגודה",
            "packed": "ארוז מארז אריזה קופסא קופסה סלסלה מגש מגשית שקית וואקום ואקום חבילה",
            "net": "רשת",
        },
        usual=("loose",),
    ),
    Quality("state", {"fresh": "טרי מצונן צונן", "frozen": "קפוא מוקפא"}, usual=("fresh",)),
    Quality(
        "cut",
        {
            "whole": "שלם",
            "block": "גוש בלוק חריץ בגליל משולש גלגל מלבן",
            "sliced": "פרוס",
            "cubes": "קוביה",
            "ground": "טחון",
            "grated": "מגורד מגוררת",
            "half": "חצוי חצאי",
            "pieces": "נתח חתיכה מנה חתוך",
            "strips": "רצועה",
            "sticks": "מקל מקלות מקלון גפרור גפרורים",
            "crushed": "גרוס כתוש מרוסק",
            "flakes": "שבב פתית",
        },
        usual=("whole", "block"),
        near=(("whole", "block"),),
    ),
    Quality("peel", {"peeled": "קלוף מקולף", "in shell": "בקליפה"}, near=()),
    Quality(
        "process",
        {
            "natural": "טבעי",
            "dried": "מיובש יבש",
            "smoked": "מעושן",
            "pickled": "כבוש מוחמץ חמוץ",
            "in vinegar": "בחומץ",
            "salted": "במלח מלוח",
            "roasted": "קלוי",
            "fried": "מטוגן",
            "sugared": "מסוכר",
            "coated": "מצופה בציפוי",
            "stuffed": "ממולא",
            "marinated": "מתובל במרינדה",
            "cooked": "מבושל אפוי",
            "aged": "מיושן",
        },
        usual=("natural",),
        near=(("pickled", "in vinegar"), ("pickled", "salted")),
    ),
    Quality("treatment", {"blanched": "מולבן", "processed": "מעובד"}),
    Quality(
        "colour",
        {
            "red": "אדום",
            "purple": "סגול",
            "green": "ירוק",
            "yellow": "צהוב",
            "orange": "כתום",
            "black": "שחור",
            "white": "לבן",
            "pink": "ורוד",
            "brown": "חום",
            "blue": "כחול",
            "dark": "כהה",
            "light": "בהיר",
            "gold": "זהוב מוזהב",
            "spotted": "מנומר",
        },
        near=(("red", "purple"), ("white", "light"), ("black", "dark"), ("brown", "dark"), ("black", "brown")),
    ),
    Quality(
        "size",
        {
            "giant": "ענק ג'מבו",
            "large": "גדול",
            "medium": "בינוני",
            "small": "קטן",
            "mini": "מיני ננסי בייבי גמדי",
        },
        near=(("giant", "large"), ("small", "mini")),
    ),
    Quality(
        "supervision",
        {
            "mahpud": "מחפוד",
            "mehadrin": "מהדרין בדצ",
            "glatt": "חלק",
            "free of insects": "ק",
            "hatam sofer": "חתס חתם",
            "landau": "לנדא",
            "shraga": "שרגא",
            "chabad": "חבד",
            "rubin": "רובין",
        },
    ),
    Quality("shape", {"round": "עגול", "long": "ארוך", "flat": "שטוח", "oval": "אובלי", "braided": "קלוע"}),
    Quality("growing", {"organic": "אורגני"}),
    Quality(
        "animal",
        {
            "chicken": "עוף פטם",
            "turkey": "הודו",
            "beef": "בקר",
            "calf": "עגל",
            "lamb": "כבש טלה",
            "goose": "אווז",
            "duck": "ברווז",
        },
    ),
    Quality("milk", {"goat": "עז עיזים עזים", "sheep": "צאן כבשים", "buffalo": "באפלו בופאלו"}),
    Quality("taste", {"sweet": "מתוק", "hot": "חריף", "bitter": "מריר", "piquant": "פיקנטי"}),
    Quality("sex", {"female": "נקבה", "male": "זכר"}),
    Quality("light", {"light": "לייט דיאט דל מופחת"}),
)
"""The qualities. Two different values of one quality contradict each other."""

PARTS: Final = {
    "bone": "עצם עצמות",
    "skin": "עור",
    "stone": "גלעין חרצן גרעין",
    "shell": "קליפה",
    "sugar": "סוכר",
    "salt": "מלח",
    "gluten": "גלוטן",
    "lactose": "לקטוז",
    "leaves": "עלים",
}
"""What a product may be sold with or without, after a word of WITHOUT or WITH; each is a quality, too."""
WITHOUT: Final = "ללא בלי נטול"
WITH: Final = "עם"
WITHOUT_IN_ONE_WORD: Final = {"stone": "מגולען", "bone": "מפורק"}
NOT: Final = "לא"
"""Before a value of a quality: the quality has another value."""

NEUTRAL: Final = {
    "origin": "ישראל הארץ מקומי תוצרת יבוא מיובא מיובאת איטליה צרפת ספרד יוון סין טורקיה תורכיה הולנד ארהב "
    "אמריקה ארגנטינה פולין צ'ילה מצרים ירדן קפריסין גרמניה בלגיה אקוודור פרו קולומביה "
    "אורוגוואי פרגוואי תאילנד ויאטנם נורבגיה סקוטלנד ליטא אוקראינה רוסיה סרביה רומניה הונגריה "
    "אוסטרליה קנדה מקסיקו מרוקו אתיופיה",
    "grade": "מובחר משובח מעולה איכותי אמיתי מיוחד סוג",
    "common supervision": "כשר מוכשר כשרות רבנות השגחה",
    "milk, meat or neither": "חלבי פרווה פרוה",
    "kind": "גבינה בשר דג פרי ירק נקניק אגוז תבלין",
    "counter": "עצמי שירות מעדניה מעדנייה מעדניית קצביה אטליז",
    "filler": "עץ מחיר לפי של על כ שונים סוגים לבחירה ניתן לספק בלבד מכיל תוספת בתוספת בטעם טעם בסגנון סגנון "
    "בנוסח נוסח שומן גודל גדלים בודד מבצע חדש לצליה מסוג כולל",
}
"""Words that do not identify the product, by the reason."""

NAMES: Final = (*(quality.name for quality in QUALITIES), *PARTS)
"""The names of all qualities, in the order of their columns."""
_PREFIXES: Final = "בלמ"  # in, to, from: prefixes of the word
_SHORTEST_PREFIXED: Final = 4
_ENDINGS: Final = "תמי"  # מובחרת; קלוים, of which the normal form has lost a yod; נתחי
_SHORTEST_INFLECTED: Final = 4
_MIN_LETTERS: Final = 2  # of a word that names something
_CUT_FROM: Final = 3  # minimum letters that remain of a word that is cut off


def _forms(words: str) -> Iterable[str]:
    return (lemma(normalize(word)) for word in words.split())


_NAMING, _NEUTRAL, _PREPOSITION, _NEGATION = -1, -2, -3, -4  # in place of a column
NEGATED: Final = 1 << 15
"""The bit of a negated value: "not roasted"."""
WITH_IT, WITHOUT_IT = 1, 2
"""The bits of a part's values."""
_PARTS: Final = {
    form: len(QUALITIES) + place for place, words in enumerate(PARTS.values()) for form in _forms(words)
}


def _table() -> dict[str, tuple[int, int]]:
    """The column of its quality and the bit of its value, by the lemma of each word."""
    table = {form: (_NEUTRAL, int(why == "kind")) for why, words in NEUTRAL.items() for form in _forms(words)}
    table.update(dict.fromkeys(_forms(NOT), (_NEGATION, 0)))
    for column, quality in enumerate(QUALITIES):
        for bit, words in enumerate(quality.values.values()):
            table.update(dict.fromkeys(_forms(words), (column, 1 << bit)))
    for value, words in ((WITH_IT, WITH), (WITHOUT_IT, WITHOUT)):
        for word in _forms(words):
            table[word] = _PREPOSITION, value
            table.update({word + part: (column, value) for part, column in _PARTS.items()})  # written in one
    for part, words in WITHOUT_IN_ONE_WORD.items():
        table.update(dict.fromkeys(_forms(words), (len(QUALITIES) + list(PARTS).index(part), WITHOUT_IT)))
    return table


_TABLE: Final = _table()


def bits_of(column: int, values: Iterable[str]) -> int:
    """The bits of some values of a quality."""
    names = list(QUALITIES[column].values)
    return sum(1 << names.index(value) for value in values)


def _usual() -> npt.NDArray[np.uint16]:
    usual = [bits_of(column, quality.usual) | NEGATED for column, quality in enumerate(QUALITIES)]
    return np.array([*usual, *[WITH_IT] * len(PARTS)], dtype=np.uint16)


USUAL: Final = _usual()
"""For each column, the bits of the values that names often omit."""


class Reading(msgspec.Struct, frozen=True):
    """A name's qualities: `bits` of the values that it states, by column of NAMES; and `naming`, a bit for
    each word, by place, that names the product itself."""

    bits: dict[int, int]
    naming: int


def read_qualities(words: Sequence[str], *, may_be_cut: bool = False) -> Reading:
    """Read a name's words in normal form. `may_be_cut`: the last word may lack its end."""
    bits: dict[int, int] = {}
    naming = kinds = 0
    part_bit = 0  # of a part's value, if the word before was one of WITH or WITHOUT
    negated = False
    for place, word in enumerate(words):
        column, bit = _classify(word)
        if column == _PREPOSITION:
            part_bit = bit
            continue
        if column == _NEGATION:
            negated = True
            continue
        if part_bit and (part := _PARTS.get(lemma(word))):
            column, bit = part, part_bit
        elif column == _NAMING and may_be_cut and place == len(words) - 1:
            column, bit = _cut(word)
        if column == _NAMING or (column == _NEUTRAL and bit and naming):
            naming |= (len(word) >= _MIN_LETTERS) << place
        elif column == _NEUTRAL:
            kinds |= bit << place
        else:
            bits[column] = bits.get(column, 0) | (NEGATED if negated and column < len(QUALITIES) else bit)
        part_bit, negated = 0, False
    # "דג טרי" is a fish: if no other word names the product, its kind does.
    return Reading(bits, naming or kinds)


@lru_cache(maxsize=1 << 16)
def _classify(word: str) -> tuple[int, int]:
    """The column and bit of a word, with or without a preposition as its prefix."""
    forms = [word]
    if len(word) >= _SHORTEST_PREFIXED and word[0] in _PREFIXES:
        forms.append(word[1:])
    found = next((found for form in forms if (found := _TABLE.get(lemma(form)))), (_NAMING, 0))
    if found[0] == _NAMING and len(word) >= _SHORTEST_INFLECTED and word[-1] in _ENDINGS:
        column, bit = _TABLE.get(lemma(word[:-1]), found)
        # "סיני" may name a variety; "סין" is an origin only.
        found = found if column == _NEUTRAL and not bit and word[-1] == "י" else (column, bit)
    return found


def _cut(word: str) -> tuple[int, int]:
    """The column and bit of a word whose end is cut off: those of the known words that begin with it, if they
    agree."""
    if len(word) < _CUT_FROM:
        return _NAMING, 0
    meant = {value for form, value in _TABLE.items() if form.startswith(word)}
    return meant.pop() if len(meant) == 1 else (_NAMING, 0)
