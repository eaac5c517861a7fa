"""`gogobe deadletters`: what could not go on, why, and what is done about it."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack, wide_console
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import harmless, styled
from gogobe.commands.times import MOMENT, shown_time
from gogobe.database.letters import Letter, LetterFilter, UnknownLetterError

if TYPE_CHECKING:
    from gogobe.database.connection import Connection
    from gogobe.settings import Settings

ID_SHOWN: Final = 12
STATES: Final = ("open", "resolved", "dropped", "all")
COLUMNS: Final = (
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


def _filters(command: Any) -> Any:
    """Adds the flags that choose letters."""
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


def _database(command: Any) -> Any:
    return VAR(settings_options("database", "database_password")(command))


@click.group()
def deadletters() -> None:
    """See, replay and close dead letters: messages, files and batches that could not go on.

    A letter is open until its file is loaded, or until it is dropped. One file that fails again for the same
    reason is one letter with more attempts.
    """


@deadletters.command("list")
@_filters
@click.option(
    "--state", type=click.Choice(STATES), default="open", show_default=True, help="Letters in this state."
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Letters at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter and line.")
@_database
def list_letters(*, state: str, limit: int, as_json: bool, var: Path, **flags: Any) -> None:
    """List dead letters, the latest failure first."""
    from gogobe.database.letters import find_letters, open_counts

    wanted = _wanted(flags, None if state == "all" else state, limit)
    with _connected(flags, var) as (connection, _):
        letters = find_letters(connection, wanted)
        counts = open_counts(connection)
    if as_json:
        for letter in letters:
            click.echo(msgspec.json.encode(_summary(letter)))
        return
    if letters:
        print_table(wide_console(), COLUMNS, [_row(letter) for letter in letters], stacked_from=1)
    total = sum(count for *_, count in counts)
    by_reason = ", ".join(f"{count:,} {stage}/{reason}" for stage, reason, count in counts)
    click.echo(f"{len(letters)} shown; open in all: {total:,}{f' ({by_reason})' if counts else ''}")


@deadletters.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter and line, with the original.")
@VAR
@settings_options("database", "database_password", "store", "store_endpoint")
def show(ids: tuple[str, ...], *, as_json: bool, var: Path, **flags: Any) -> None:
    """Show letters whole: what failed, the error behind it, and the piece of the file where it happened."""
    from gogobe.commands.letter_places import FragmentError, fragment_of
    from gogobe.io.objects import ObjectStore

    with _connected(flags, var) as (connection, settings):
        letters = _of_ids(connection, ids)
        store = ObjectStore(settings.store, settings.store_endpoint or None)
        for letter in letters:
            try:
                fragment, why = fragment_of(connection, letter, store), None
            except FragmentError as error:
                fragment, why = None, str(error)
            if as_json:
                known = {"fragment": fragment} if fragment else {"fragment": None, "fragment_error": why}
                click.echo(msgspec.json.encode(msgspec.to_builtins(letter) | known))
                continue
            _print_letter(letter)
            console = wide_console()
            if fragment is not None:
                console.print(styled(f"  {fragment.what}", "dim"), soft_wrap=True)
                console.print(_indented(fragment.text), soft_wrap=True)
            elif why:
                console.print(styled(f"  no piece of the file: {why}", "dim"), soft_wrap=True)
            console.print()


@deadletters.command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@_filters
@click.option("--all", "all_open", is_flag=True, help="All that are open.")
@click.option(
    "--as",
    "form",
    type=click.Choice(("auto", "message", "announcement")),
    default="auto",
    show_default=True,
    help="What is published: the message that failed, in its own topic, or an announcement of its file; auto: "
    "the message where a job reads its topic.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be published; publish nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter and line.")
@VAR
@settings_options("database", "database_password", "kafka", "kafka_options", "group", "store", "store_endpoint")
def replay(
    ids: tuple[str, ...], *, all_open: bool, form: str, dry_run: bool, as_json: bool, var: Path, **flags: Any
) -> None:
    """Publish what failed again: announcements, downloaded files, batches.

    A letter whose file is then loaded is resolved. Exit code 1 when one cannot be replayed; the others are.
    """
    from gogobe.commands.letter_replay import Target, replay_letters
    from gogobe.io.kafka.topics import PublishError
    from gogobe.io.objects import ObjectStore

    with _connected(flags, var) as (connection, settings):
        needed(settings, "kafka")
        letters = _chosen(connection, ids, flags, all_open=all_open)
        store = ObjectStore(settings.store, settings.store_endpoint or None)
        try:
            target = Target(settings.kafka_address, settings.group, form)
            done = replay_letters(connection, letters, store, target, dry_run=dry_run)
        except PublishError as error:
            raise click.ClickException(f"{error}; the letters are as they were") from error
    for one in done:
        if as_json:
            click.echo(msgspec.json.encode(one))
        elif one.refused:
            click.echo(harmless(f"{one.id[:ID_SHOWN]} not replayed: {one.refused}"), err=True)
    replayed = [one for one in done if not one.refused]
    topics = ", ".join(sorted({one.topic for one in replayed if one.topic}))
    verb = "would be replayed" if dry_run else "replayed"
    to_topics = f" to {topics}" if topics else ""
    rest = "" if dry_run or not replayed else "; `gogobe deadletters list` shows what stays open"
    click.echo(f"{len(replayed)} of {len(done)} letters {verb}{to_topics}{rest}", err=as_json)
    if len(replayed) < len(done):
        sys.exit(1)


@deadletters.command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@_filters
@click.option("--all", "all_open", is_flag=True, help="All that are open.")
@click.option("--why", required=True, help="Why nothing more is to be done; kept with the letter.")
@click.option("--by", default=getpass.getuser, help="Who decides; the user's name unless given.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as a JSON object.")
@_database
def drop(
    ids: tuple[str, ...], *, all_open: bool, why: str, by: str, as_json: bool, var: Path, **flags: Any
) -> None:
    """Close letters about which nothing more is to be done, with who, when and why.

    A further failure of the same file opens its letter again.
    """
    from gogobe.database.letters import drop_letters

    if not why.strip() or not by.strip():
        raise click.UsageError("--why and --by take a text that says something")
    with _connected(flags, var) as (connection, _):
        letters = _chosen(connection, ids, flags, all_open=all_open)
        count = drop_letters(connection, [letter.id for letter in letters], by.strip(), why.strip())
    if as_json:
        click.echo(msgspec.json.encode({"dropped": count, "by": by.strip(), "why": why.strip()}))
    else:
        click.echo(f"{count} letters dropped by {harmless(by.strip())}: {harmless(why.strip())}")


class _connected:  # noqa: N801  # used as a context manager
    """A connection to the database of the settings, with the settings."""

    def __init__(self, flags: dict[str, Any], var: Path) -> None:
        names = set(LetterFilter.__dataclass_fields__) - {"state", "limit"}
        self._flags = {name: value for name, value in flags.items() if name not in names}
        self._var = var

    def __enter__(self) -> tuple[Connection, Settings]:
        from gogobe.database.connection import connect

        settings = settings_with_stack(self._flags, self._var)
        needed(settings, "database")
        self._connection = connect(settings.database_address)
        return self._connection, settings

    def __exit__(self, *_: object) -> None:
        self._connection.close()


def _wanted(flags: dict[str, Any], state: Any, limit: int | None) -> LetterFilter:
    names = ("chain", "stage", "reason", "since", "until", "address")
    return LetterFilter(**{name: flags[name] for name in names}, state=state, limit=limit)


def _chosen(
    connection: Connection, ids: Sequence[str], flags: dict[str, Any], *, all_open: bool
) -> list[Letter]:
    """The open letters with these ids, or that the filters name. Raises UsageError."""
    from gogobe.database.letters import find_letters

    wanted = _wanted(flags, "open", None)
    if ids and (all_open or wanted != LetterFilter()):
        raise click.UsageError("give ids, or filters that choose letters, not both")
    if ids:
        letters = _of_ids(connection, ids)
        if closed := [letter for letter in letters if letter.state != "open"]:
            raise click.UsageError(f"{closed[0].id[:ID_SHOWN]} is {closed[0].state} already")
        return letters
    if not all_open and wanted == LetterFilter():
        raise click.UsageError(
            "name letters by id or by a filter (--chain, --stage, --reason …), or give --all"
        )
    return find_letters(connection, wanted, whole=True)


def _of_ids(connection: Connection, ids: Sequence[str]) -> list[Letter]:
    from gogobe.database.letters import letter_of_id

    try:
        found = {letter.id: letter for letter in (letter_of_id(connection, one) for one in ids)}
    except UnknownLetterError as error:
        raise click.UsageError(str(error)) from error
    return list(found.values())


def _row(letter: Letter) -> list[str]:
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


def _summary(letter: Letter) -> dict[str, Any]:
    """A letter without its original and cause."""
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


def _print_letter(letter: Letter) -> None:
    console = wide_console()
    console.print(styled(letter.id, "bold"), soft_wrap=True)
    for name, fact in _FACTS:
        value = fact(letter)
        if value is not None:
            text = shown_time(value) if isinstance(value, datetime) else str(value)
            console.print(styled(f"  {name:13}", "dim"), text, soft_wrap=True)
    if letter.original:
        console.print(styled("  original", "dim"), soft_wrap=True)
        console.print(_indented(letter.original[:4000]), soft_wrap=True)
    if letter.cause:
        console.print(styled("  cause", "dim"), soft_wrap=True)
        console.print(_indented(letter.cause), soft_wrap=True)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
