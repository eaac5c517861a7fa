"""The `gogobe` command: its subcommands, and the message for each error that a user can fix."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import click
import msgspec
import psycopg
import requests
from confluent_kafka import KafkaException

from gogobe.commands.announce import announce
from gogobe.commands.chains import chains
from gogobe.commands.crawl import crawl
from gogobe.commands.deadletters import deadletters
from gogobe.commands.files import files
from gogobe.commands.groups import write_commands
from gogobe.commands.history import history
from gogobe.commands.inspect import inspect
from gogobe.commands.load import load
from gogobe.commands.logs import logs
from gogobe.commands.masters import masters
from gogobe.commands.metrics import metrics
from gogobe.commands.migrate import migrate
from gogobe.commands.options import FLINK_CLUSTER, VAR
from gogobe.commands.prices import prices
from gogobe.commands.replay import replay
from gogobe.commands.retention import retention
from gogobe.commands.retry import retry
from gogobe.commands.run import run
from gogobe.commands.stack import down, up
from gogobe.commands.status import status
from gogobe.commands.terminal import PlainConsole, harmless
from gogobe.commands.trace import trace
from gogobe.commands.views import views
from gogobe.database.migrations import MigrationError
from gogobe.database.review.merges import MergeError
from gogobe.io.kafka.options import KafkaOptionsError
from gogobe.local.processes import StackError
from gogobe.masters.build.catalogue import CatalogueError
from gogobe.masters.snapshot.files import SnapshotError
from gogobe.masters.vectors.token_encoder import EncoderModelError
from gogobe.secrets import SecretError
from gogobe.settings import SettingsError

# Errors whose message has the position and the remedy.
REPORTED: Final = (
    CatalogueError, EncoderModelError, KafkaOptionsError, MergeError, MigrationError, SecretError,
    SettingsError, SnapshotError, StackError,
)  # fmt: skip


class _Gogobe(click.Group):
    """A group whose commands report errors that a user can fix by a message, without a traceback. Control
    characters in messages are escaped, because a message may quote a feed. Its help lists the commands in
    sections."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        for heading, commands in SECTIONS.items():
            write_commands(formatter, heading, list(commands))

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._invoke(ctx)
        except click.ClickException as error:
            error.message = harmless(error.message)  # type: ignore[misc]  # click calls it final, for its readers
            raise

    def _invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except REPORTED as error:
            raise click.ClickException(str(error)) from error
        except UnicodeEncodeError as error:
            # Python decodes arguments that are not UTF-8 to lone surrogates.
            raise click.ClickException(f"{error.object!r} is not valid UTF-8") from error
        except psycopg.errors.UndefinedTable as error:
            raise click.ClickException(
                f"the database has no schema yet: `gogobe run ingest` makes it ({error})"
            ) from error
        except psycopg.errors.InsufficientPrivilege as error:
            raise click.ClickException(
                f"the database refuses its role a right ({error}): `gogobe migrate` gives the loader and the "
                "reader theirs"
            ) from error
        except psycopg.Error as error:
            # Only errors of the client itself, such as a lost connection, have no SQLSTATE.
            is_lost = isinstance(error, psycopg.OperationalError) and error.sqlstate is None
            what = "the database cannot be reached" if is_lost else "the database"
            raise click.ClickException(f"{what}: {error}") from error
        except requests.RequestException as error:
            url = getattr(error.request, "url", None)
            place = f" at {urlsplit(url).netloc}" if url else ""
            raise click.ClickException(
                f"Flink{place} does not answer ({type(error).__name__}): `gogobe status` shows the local stack"
            ) from error
        except KafkaException as error:
            raise click.ClickException(
                f"Kafka: {error.args[0].str()}; are kafka and kafka_options right?"
            ) from error


@click.group(cls=_Gogobe, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="gogobe")
def main() -> None:
    """From the price files supermarkets publish to a live, comparable price database.

    \b
    Try it:              gogobe demo
    Look into a feed:    gogobe inspect FILE
    Load an archive:     gogobe load FOLDER
    Keep it running:     gogobe up --ingest, gogobe crawl
    See how it goes:     gogobe status
    Compare prices:      gogobe prices חלב תנובה 3%
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    # gcsfs also raises the errors that it logs.
    logging.getLogger("gcsfs").setLevel(logging.CRITICAL)


@main.command()
@VAR
@FLINK_CLUSTER
@click.option("--json", "as_json", is_flag=True, help="The report as one JSON object; the progress to stderr.")
def demo(var: Path, flink_cluster: int, *, as_json: bool) -> None:
    """Crawl portals with the bundled real feeds on a stack of its own, load the files, show the result."""
    from gogobe.demo.report import WIDTH
    from gogobe.demo.run import DemoError, run_demo

    width = None if (sys.stderr if as_json else sys.stdout).isatty() else WIDTH
    try:
        console = PlainConsole(width=width, stderr=as_json)
        run_demo(var, console, flink_cluster, _print_json if as_json else None)
    except DemoError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        raise click.ClickException("interrupted; everything that was started is stopped") from None


def _print_json(report: msgspec.Struct) -> None:
    click.echo(msgspec.json.encode(report))


SECTIONS: Final[dict[str, tuple[click.Command, ...]]] = {
    "Prices": (prices, history),
    "The local stack": (demo, up, down, status, logs),
    "Files come in": (crawl, chains, announce, retry, load, inspect),
    "The outcome of files": (files, trace, deadletters, replay),
    "Jobs, products, views": (run, masters, views, migrate, retention, metrics),
}
for _commands in SECTIONS.values():
    for _command in _commands:
        main.add_command(_command)
