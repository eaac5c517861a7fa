"""Prints dead letters: as a row of a table, as JSON, or with all fields."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

from gogobe.commands.options import wide_console
from gogobe.commands.tables import Column
from gogobe.commands.terminal import styled
from gogobe.commands.times import shown_time
from gogobe.database.letters import Letter

ID_SHOWN: Final = 12
LETTER_COLUMNS: Final = (
    Column("id"),
    Column("last failed", rank=1),
    Column("stage"),
    Column("reason"),
    Column("chain"),
    Column("tries", right=True, rank=2),
    Column("state", rank=3),
    Column("file", rank=4),
    Column("detail", words=True, rank=5),
)


def letter_row(letter: Letter) -> list[str]:
    """The cells of a letter, in the order of LETTER_COLUMNS."""
    return [
        letter.id[:ID_SHOWN],
        shown_time(letter.last_failed_at),
        letter.stage,
        letter.reason,
        letter.chain or "",
        f"{letter.attempts}",
        letter.state,
        letter.file or "",
        letter.detail.partition("\n")[0][:300],
    ]


def letter_summary(letter: Letter) -> dict[str, Any]:
    """The fields of a letter for JSON, without its original and cause."""
    left_out = ("cause", "original", "original_base64", "original_path", "original_sha256", "original_size")
    return {name: getattr(letter, name) for name in letter.__struct_fields__ if name not in left_out}


_FACTS: Final[tuple[tuple[str, Callable[[Letter], object]], ...]] = (
    ("state", lambda letter: letter.state),
    ("stage", lambda letter: letter.stage),
    ("reason", lambda letter: letter.reason),
    ("detail", lambda letter: letter.detail),
    ("chain", lambda letter: letter.chain),
    ("file", lambda letter: letter.file),
    ("address", lambda letter: letter.source_url),
    ("sha256", lambda letter: letter.content_sha256),
    ("batch", lambda letter: letter.batch_id),
    ("place", lambda letter: letter.place),
    ("attempts", lambda letter: letter.attempts),
    ("first failed", lambda letter: letter.first_failed_at),
    ("last failed", lambda letter: letter.last_failed_at),
    ("replays", lambda letter: letter.replays or None),
    ("replayed", lambda letter: letter.replayed_at),
    ("closed", lambda letter: letter.resolved_at),
    ("dropped by", lambda letter: letter.dropped_by),
    ("because", lambda letter: letter.dropped_why),
    ("original in", lambda letter: letter.original_path),
)


def print_letter(letter: Letter) -> None:
    """Prints all fields of a letter, the first 4,000 characters of its original, and its cause."""
    console = wide_console()
    console.print(styled(letter.id, "bold"), soft_wrap=True)
    for name, fact in _FACTS:
        value = fact(letter)
        if value is not None:
            text = shown_time(value) if isinstance(value, datetime) else str(value)
            console.print(styled(f"  {name:13}", "dim"), text, soft_wrap=True)
    if letter.original:
        console.print(styled("  original", "dim"), soft_wrap=True)
        console.print(indented(letter.original[:4000]), soft_wrap=True)
    if letter.cause:
        console.print(styled("  cause", "dim"), soft_wrap=True)
        console.print(indented(letter.cause), soft_wrap=True)


def indented(text: str) -> str:
    """The lines of a text, indented below their heading."""
    return "\n".join(f"    {line}" for line in text.splitlines())
