"""Counts elements of rows that no table has, by path."""

from __future__ import annotations

from collections import Counter
from typing import Final

from lxml import etree

from gogobe.feeds.fields import published_name

# A change of layout adds a few new elements; a document with more is no feed.
_MAX_KNOWN: Final = 1000
_MAX_SHOWN: Final = 50
_LONGEST_PATH: Final = 200
OTHERS: Final = "…"


class UnknownElements:
    """Counts elements by path: the published names from the row's own element down (`Promotion/WeightUnit`).
    All elements below an unknown one are unknown, too."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def count(self, above: str, element: etree._Element) -> None:
        """Counts an element and all below it. `above` is the path of its parent."""
        path = f"{above}/{published_name(str(element.tag))}"
        self.add(path)
        self.below(path, element)

    def below(self, path: str, element: etree._Element) -> None:
        """Counts all elements below an element with this path."""
        paths = {element: path}
        for child in element.iterdescendants("*"):
            parent = child.getparent()
            assert parent is not None, "a descendant has a parent"
            paths[child] = f"{paths[parent]}/{published_name(str(child.tag))}"[:_LONGEST_PATH]
            self.add(paths[child])

    def add(self, path: str, count: int = 1) -> None:
        """Counts elements of one path."""
        path = path[:_LONGEST_PATH]
        known = path in self._counts or len(self._counts) < _MAX_KNOWN
        self._counts[path if known else OTHERS] += count

    def take(self, other: UnknownElements) -> None:
        """Adds the counts of another instance and clears them there."""
        for path, count in other._counts.items():
            self.add(path, count)
        other._counts.clear()

    def shown(self) -> dict[str, int]:
        """The counts by path, the most frequent first. The rarest of many are summed up as `OTHERS`."""
        ordered = sorted(self._counts.items(), key=lambda entry: (entry[0] == OTHERS, -entry[1], entry[0]))
        found = dict(ordered[:_MAX_SHOWN])
        if len(ordered) > _MAX_SHOWN:
            found[OTHERS] = found.get(OTHERS, 0) + sum(count for _, count in ordered[_MAX_SHOWN:])
        return found
