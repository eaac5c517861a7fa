"""The dead letters that a command selects, by ids or by filters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gogobe.commands.letter_output import ID_SHOWN
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack
from gogobe.commands.times import MOMENT
from gogobe.database.letters import Letter, LetterFilter, UnknownLetterError

if TYPE_CHECKING:
    from gogobe.database.connection import Connection
    from gogobe.settings import Settings


def letter_filters(command: Any) -> Any:
    """Adds the flags that filter letters."""
    for option in reversed(
        (
            click.option("--chain", metavar="CHAIN", help="Of this chain."),
            click.option(
                "--stage", metavar="STAGE", help="Of this stage: decode, download, parse, match, load …"
            ),
            click.option("--reason", metavar="REASON", help="With this reason, as in `not_found`."),
            click.option(
                "--since", type=MOMENT, help="That failed last at this time or later: 2026-08-07, 2h, 7d."
            ),
            click.option("--until", type=MOMENT, help="That failed last before this time."),
            click.option("--address", metavar="TEXT", help="With this text in their address or file name."),
        )
    ):
        command = option(command)
    return command


def database_options(command: Any) -> Any:
    """Adds the flags that name the database."""
    return VAR(settings_options("database", "database_password")(command))


@contextmanager
def connected(
    flags: dict[str, Any], var: Path, *, writes: bool = False
) -> Iterator[tuple[Connection, Settings]]:
    """A connection to the database of the settings, as the loader if the command `writes`, otherwise as the
    reader, and the settings, for the length of a `with`. `flags` are those of a command: the filters among them
    are no settings. Raises UsageError without a database."""
    from gogobe.database.connection import connect

    filters = set(LetterFilter.__dataclass_fields__) - {"state", "limit"}
    settings = settings_with_stack({name: flags[name] for name in flags if name not in filters}, var)
    needed(settings, "loader" if writes else "reader")
    with closing(connect(settings.loader_address if writes else settings.reader_address)) as connection:
        yield connection, settings


def letter_filter(flags: dict[str, Any], state: Any, limit: int | None) -> LetterFilter:
    """The filter that a command's flags describe, for letters in `state` (None: any)."""
    names = ("chain", "stage", "reason", "since", "until", "address")
    return LetterFilter(**{name: flags[name] for name in names}, state=state, limit=limit)


def chosen_letters(
    connection: Connection, ids: Sequence[str], flags: dict[str, Any], *, all_open: bool
) -> list[Letter]:
    """The open letters with these ids, or that the filters name. Raises UsageError."""
    from gogobe.database.letters import find_letters

    wanted = letter_filter(flags, "open", None)
    if ids and (all_open or wanted != LetterFilter()):
        raise click.UsageError("give ids, or filters that choose letters, not both")
    if ids:
        letters = letters_of_ids(connection, ids)
        if closed := [letter for letter in letters if letter.state != "open"]:
            raise click.UsageError(f"{closed[0].id[:ID_SHOWN]} is {closed[0].state} already")
        return letters
    if not all_open and wanted == LetterFilter():
        raise click.UsageError(
            "name letters by id or by a filter (--chain, --stage, --reason …), or give --all"
        )
    return find_letters(connection, wanted, whole=True)


def letters_of_ids(connection: Connection, ids: Sequence[str]) -> list[Letter]:
    """The letters with these ids, or beginnings of ids, each once. Raises UsageError for an unknown one."""
    from gogobe.database.letters import letter_of_id

    try:
        found = {letter.id: letter for letter in (letter_of_id(connection, one) for one in ids)}
    except UnknownLetterError as error:
        raise click.UsageError(str(error)) from error
    return list(found.values())
