"""`gogobe deadletters`: shows, replays and closes dead letters."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.commands.groups import HelpfulGroup
from gogobe.commands.letter_choice import (
    chosen_letters,
    connected,
    database_options,
    letter_filter,
    letter_filters,
    letters_of_ids,
)
from gogobe.commands.letter_output import (
    ID_SHOWN,
    LETTER_COLUMNS,
    indented,
    letter_row,
    letter_summary,
    print_letter,
)
from gogobe.commands.options import VAR, needed, settings_options, wide_console
from gogobe.commands.tables import print_table
from gogobe.commands.terminal import counted, harmless, styled

STATES: Final = ("open", "resolved", "dropped", "all")


@click.group(cls=HelpfulGroup)
def deadletters() -> None:
    """List, show, replay and close dead letters: messages, files and batches that could not be processed.

    A letter is open until its file is loaded, or until it is dropped. A file that fails again for the same
    reason is one letter with more attempts.
    """


@deadletters.command("list")
@letter_filters
@click.option(
    "--state", type=click.Choice(STATES), default="open", show_default=True, help="Letters in this state."
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="Letters at most.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter and line.")
@database_options
def list_letters(*, state: str, limit: int, as_json: bool, var: Path, **flags: Any) -> None:
    """List dead letters, the latest failure first."""
    from gogobe.database.letters import find_letters, open_counts

    wanted = letter_filter(flags, None if state == "all" else state, limit)
    with connected(flags, var) as (connection, _):
        letters = find_letters(connection, wanted)
        counts = open_counts(connection)
    if as_json:
        for letter in letters:
            click.echo(msgspec.json.encode(letter_summary(letter)))
        return
    if letters:
        print_table(wide_console(), LETTER_COLUMNS, [letter_row(letter) for letter in letters], stacked_from=1)
    total = sum(count for *_, count in counts)
    by_reason = ", ".join(f"{count:,} {stage}/{reason}" for stage, reason, count in counts)
    click.echo(f"{len(letters)} shown; open in all: {total:,}{f' ({by_reason})' if counts else ''}")


@deadletters.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter and line, with the original.")
@VAR
@settings_options("database", "database_password", "store", "store_endpoint")
def show(ids: tuple[str, ...], *, as_json: bool, var: Path, **flags: Any) -> None:
    """Show all fields of letters: what failed, the exception, and the excerpt of the file where it
    happened."""
    from gogobe.commands.letter_places import FragmentError, fragment_of
    from gogobe.io.objects import ObjectStore

    with connected(flags, var) as (connection, settings):
        letters = letters_of_ids(connection, ids)
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
            print_letter(letter)
            console = wide_console()
            if fragment is not None:
                console.print(styled(f"  {fragment.what}", "dim"), soft_wrap=True)
                console.print(indented(fragment.text), soft_wrap=True)
            elif why:
                console.print(styled(f"  no excerpt of the file: {why}", "dim"), soft_wrap=True)
            console.print()


@deadletters.command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@letter_filters
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
@click.option("--dry-run", is_flag=True, help="Show what would be published; publish nothing.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a letter and line.")
@VAR
@settings_options("database", "database_password", "kafka", "kafka_options", "group", "store", "store_endpoint")
def replay(
    ids: tuple[str, ...], *, all_open: bool, form: str, dry_run: bool, as_json: bool, var: Path, **flags: Any
) -> None:
    """Publish failed messages again: announcements, downloaded files, batches.

    A letter is resolved when its file is loaded. The exit code is 1 if a letter cannot be replayed; the
    others are.
    """
    from gogobe.commands.letter_replay import Target, replay_letters
    from gogobe.io.kafka.topics import PublishError
    from gogobe.io.objects import ObjectStore

    with connected(flags, var, writes=True) as (connection, settings):
        needed(settings, "kafka")
        letters = chosen_letters(connection, ids, flags, all_open=all_open)
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
    click.echo(f"{len(replayed)} of {counted(len(done), 'letter')} {verb}{to_topics}{rest}", err=as_json)
    if len(replayed) < len(done):
        sys.exit(1)


@deadletters.command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@letter_filters
@click.option("--all", "all_open", is_flag=True, help="All that are open.")
@click.option("--why", required=True, help="Why the letter needs no further action; stored with it.")
@click.option("--by", default=getpass.getuser, help="Who decides; the user's name unless given.")
@click.option("--json", "as_json", is_flag=True, help="The outcome as a JSON object.")
@database_options
def drop(
    ids: tuple[str, ...], *, all_open: bool, why: str, by: str, as_json: bool, var: Path, **flags: Any
) -> None:
    """Close letters that need no further action; stores who did it, when and why.

    A further failure of the same file opens its letter again.
    """
    from gogobe.database.letters import drop_letters

    if not why.strip() or not by.strip():
        raise click.UsageError("--why and --by need a text that is not blank")
    with connected(flags, var, writes=True) as (connection, _):
        letters = chosen_letters(connection, ids, flags, all_open=all_open)
        count = drop_letters(connection, [letter.id for letter in letters], by.strip(), why.strip())
    if as_json:
        click.echo(msgspec.json.encode({"dropped": count, "by": by.strip(), "why": why.strip()}))
    else:
        click.echo(f"{counted(count, 'letter')} dropped by {harmless(by.strip())}: {harmless(why.strip())}")
