"""The form of the rows of a price feed, learned from rows, and a regular expression that matches it.

Nearly all rows of a feed have the same plain elements in the same order, with the same blanks between them.
The expression requires everything that all rows so far had, because literals match faster than options.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from gogobe.feeds.fields import HEADER, ITEM
from gogobe.feeds.values import LONGEST_CODE, LONGEST_TEXT, code, text, verbatim

_START_TAG: Final = re.compile(r"(\s*+)<([A-Za-z_][A-Za-z0-9_.-]*)[ \t\n]*(/?)>")
# Blanks between two elements are mostly a line end and an indent, which match faster than arbitrary blanks.
_INDENT: Final = r"\n?+ *+"
_ANY_BLANKS: Final = r"\s*+"
_EMPTY_TAG_END: Final = r"[ \t\n]*+/"
_IS_INDENT: Final = re.compile(_INDENT)


@dataclass(frozen=True)
class RowForm:
    """The form of the rows named `tag`.

    `elements` are the names of their children, in order. Children in `empty` may be empty tags (`<Name/>`);
    those in `optional` may also be missing. `blanks` are the blanks seen before a child, `last_blanks` those
    seen before the end tag.
    """

    tag: str
    elements: tuple[str, ...]
    empty: frozenset[str]
    optional: frozenset[str]
    blanks: frozenset[str]
    last_blanks: frozenset[str]

    @classmethod
    def of(cls, tag: str, row: str, sample: str) -> RowForm | None:
        """The form of a row, given as its text from `<tag>` on. `sample`, the text of following rows, shows
        which elements may be empty tags or missing. None if a name repeats or the row has no children."""
        tags = _START_TAG.findall(row)[1:]
        names = tuple(name for _, name, _ in tags)
        if not names or len(names) != len(set(names)):
            return None
        sample = sample[: sample.rfind(f"</{tag}>")]  # its last row may be cut off
        rows = sample.count(f"<{tag}>")
        lacking = {name: count for name in names if (count := rows - sample.count(f"<{name}>")) > 0}
        empty = {name for _, name, slash in tags if slash} | lacking.keys()
        last = row[: row.rfind("<")]
        return cls(
            tag,
            names,
            frozenset(empty),
            frozenset(name for name, count in lacking.items() if count > _empty_tags(name, sample)),
            frozenset(blanks for blanks, _, _ in tags),
            frozenset((last[len(last.rstrip(" \t\n")) :],)),
        )

    def merged(self, other: RowForm) -> RowForm:
        """A form that matches rows of both forms, if their elements are in the same order. An element that
        only `other` has is inserted after its predecessor there."""
        elements = list(self.elements)
        place = 0
        for name in other.elements:
            if name in self.elements:
                place = elements.index(name) + 1
            else:
                elements.insert(place, name)
                place += 1
        in_one = frozenset(self.elements) ^ frozenset(other.elements)
        return RowForm(
            self.tag,
            tuple(elements),
            self.empty | other.empty,
            self.optional | other.optional | in_one,
            self.blanks | other.blanks,
            self.last_blanks | other.last_blanks,
        )

    def relaxed(self) -> RowForm:
        """The form with every element optional."""
        every = frozenset(self.elements)
        return RowForm(self.tag, self.elements, every, every, self.blanks, self.last_blanks)

    @property
    def is_usable(self) -> bool:
        """Whether no field has more than one element, and code and price have one."""
        fields = [ITEM[name.lower()][0] for name in self.elements if name.lower() in ITEM]
        return len(fields) == len(set(fields)) and {"item_code", "price"} <= set(fields)

    @cached_property
    def groups(self) -> dict[str, int]:
        """The group numbers of captured elements, by name: elements with a field, and optional unknown
        ones."""
        names = (name for name in self.elements if _is_field(name) or self._is_counted(name))
        return {name: place for place, name in enumerate(names)}

    @property
    def unknown(self) -> tuple[str, ...]:
        """The elements that no table has."""
        return tuple(name for name in self.elements if _is_unknown(name))

    def pattern(self) -> re.Pattern[str]:
        """Matches a row and the blanks after it. The last group has all text from the first position that is
        no such row. The group of an unknown element is not empty if the element is present.

        Repeats are possessive (`++`, `?+`), so that a row that does not match fails at once.
        """
        blanks, last = _blanks(self.blanks), _blanks(self.last_blanks)
        elements = "".join(self._element(name, blanks) for name in self.elements)
        # The parser does not accept an element without children as a row.
        some = "" if len(self.optional) < len(self.elements) else r"(?!\s*+</)"
        tag = re.escape(self.tag)
        row = rf"<{tag}>{some}{elements}{last}</{tag}>{_INDENT}{_ANY_BLANKS}"
        return re.compile(rf"{row}|([\s\S]++)", re.ASCII)

    def _element(self, name: str, blanks: str) -> str:
        tag = re.escape(name)
        content = f"([^<]{_longest(name)}+)" if _is_field(name) else "[^<]*+"
        # An option costs more time than a choice of two tags, and a choice more than neither.
        if name in self.optional:
            present = r"(?=([>/ \t\n]))" if self._is_counted(name) else ""
            return rf"(?:{blanks}<{tag}{present}(?:>{content}</{tag}|{_EMPTY_TAG_END})>)?+"
        if name in self.empty:
            return f"{blanks}<{tag}(?:>{content}</{tag}|{_EMPTY_TAG_END})>"
        return f"{blanks}<{tag}>{content}</{tag}>"

    def _is_counted(self, name: str) -> bool:
        return _is_unknown(name) and name in self.optional


def _empty_tags(name: str, text: str) -> int:
    return sum(text.count(f"<{name}{end}>") for end in ("/", " /"))


def _is_field(name: str) -> bool:
    return name.lower() in ITEM


def _is_unknown(name: str) -> bool:
    return name.lower() not in ITEM and name.lower() not in HEADER


def _longest(name: str) -> str:
    """The maximum length of a text, as a quantifier. The parser reads a row with a longer text and decides,
    because surrounding blanks do not count."""
    _, reading = ITEM.get(name.lower(), ("", verbatim))
    longest = LONGEST_CODE if reading is code else LONGEST_TEXT if reading is text else ""
    return f"{{0,{longest}}}"


def _blanks(seen: Iterable[str]) -> str:
    """An expression for blanks such as those seen; the more uniform they are, the faster it is."""
    first, *more = sorted(seen)
    if not more:
        return first  # no blank has a meaning of its own in an expression, and an escaped one compiles slower
    return _INDENT if all(_IS_INDENT.fullmatch(blanks) for blanks in seen) else _ANY_BLANKS
