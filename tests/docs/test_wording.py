"""Words that the project avoids in code, tests and pages, each with plainer ones.

The prose is read by people who know Beam, PostgreSQL and record linkage, and for many of whom English is a second
language. Short active sentences with the standard terms serve them; literary words do not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("gogobe", "tests", "benchmarks", "conformance", "deploy", "docs", "java", "website")
# Steps that have landed are kept as they are: their checksums are those of their text.
SCHEMA = ROOT / "gogobe" / "database" / "schema"

AVOIDED = {
    r"told|tells|(?<!\.)tell(?!\()": "reported, shows, returns",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"whoever|whomever": "the user, the caller, a client that",
    r"nobody|somebody|anybody": "no user, another worker, any user",
    r"those that|those which": "the rows that, the files that",
    r"stands?(?!-)|stood|standing": "is, exists, is stored, applies",
    r"lies|lie|lay": "is stored, is in",
    r"aside": "separately, to another place",
    r"for ever": "without limit, forever",
    r"(?:is|are|was|were) gone": "is removed, has ended, no longer exists",
    r"whatever": "any, every, all",
    r"be it|be they": "whether, also",
    r"hears? of": "gets, is notified of",
    r"in vain": "without effect, without result",
    r"of (?:its|their|one's) like": "of the same kind",
    r"ought|shall|hence|thus|lest|ere|alas|behold": "must, so",
    r"at hand": "available, current",
    r"comes? of it|came of it|became of|become of|becomes of": "outcome, result",
}
PATTERN = re.compile("|".join(rf"(?P<w{n}>\b(?:{words})\b)" for n, words in enumerate(AVOIDED)), re.IGNORECASE)


def findings(text: str) -> Iterator[tuple[int, str, str]]:
    """Line, avoided word and plainer words, for each place in a text."""
    plainer = list(AVOIDED.values())
    for found in PATTERN.finditer(text):
        number = int(found.lastgroup[1:]) if found.lastgroup else 0
        yield text.count("\n", 0, found.start()) + 1, found[0], plainer[number]


def files() -> Iterator[Path]:
    yield from ROOT.glob("*.md")
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            is_landed = path.parent == SCHEMA and path.suffix == ".sql"
            if path.suffix in (".py", ".md", ".sql", ".java") and not is_landed and path != Path(__file__):
                yield path


def test_no_avoided_word_is_used():
    found = [
        f"{path.relative_to(ROOT)}:{line}: {word!r}: better: {plainer}"
        for path in files()
        for line, word, plainer in findings(path.read_text("utf-8"))
    ]
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Where nobody mends it,\nthose that are told of it", ["nobody", "mends", "those that", "told"]),
        ("What stands in the table lies in var", ["stands", "lies"]),
        ("understands, retold, outstanding, relies, applies, standard, a stable table", []),
        ("the outage; a table; layout; `outstanding_merges`", []),
    ],
)
def test_words_are_found_whole(text: str, words: list[str]):
    assert [word for _, word, _ in findings(text)] == words
