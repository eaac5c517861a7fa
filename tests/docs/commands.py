"""The `gogobe` commands on the pages, and a check of their names, flags and arguments without running them."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click

from gogobe.cli import main

ROOT = Path(__file__).parents[2]
PAGES = ("README.md", "CONTRIBUTING.md", *sorted(f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")))


def in_blocks(text: str) -> Iterator[str]:
    """The commands of a page's code blocks, without comments."""
    for line in re.findall(r"^    gogobe (.*)$", text, re.M):
        yield line.partition(" #")[0].strip()


def in_sentences(text: str) -> Iterator[str]:
    """The commands that a page's sentences name; they may lack arguments."""
    for words in re.findall(r"`gogobe ([^`]+)`", text):
        yield words.replace("\n", " ")


def words_of(command: str) -> list[str]:
    """A command's words: of alternatives the first, 9 for a placeholder (`PORT`), no brackets and dots."""
    first = re.sub(r"[\[\]]", "", command.partition(" | ")[0])
    words = [word.partition("|")[0].rstrip("…") for word in shlex.split(first)]
    return ["9" if word.isupper() and word.isalpha() else word for word in words if word]


def check(command: str, *, is_whole: bool) -> None:
    """Raises click.UsageError for an unknown command or flag, and for missing arguments of a whole command."""
    words, found = words_of(command), main
    context = click.Context(main)
    while isinstance(found, click.Group) and words and not words[0].startswith("-"):
        _, found, words = found.resolve_command(context, words)  # type: ignore[assignment]
    try:
        found.make_context(found.name, list(words))
    except click.exceptions.Exit:
        pass  # --help
    except (click.MissingParameter, click.exceptions.NoArgsIsHelpError):
        if is_whole:
            raise
