"""Shared by the commands: settings as flags, the addresses of the local stack, the console."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.commands.reach import ROLES, SERVERS, check_reachable
from gogobe.commands.terminal import PlainConsole
from gogobe.local.stack import Stack
from gogobe.settings import DATABASES, Settings, SettingsError, described_settings, load_settings

TABLE_WIDTH: Final = 170
VAR: Final = click.option(
    "--var",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("var"),
    envvar="GOGOBE_VAR",
    show_default=True,
    help="Folder of the local stack: data, logs, Java parts.",
)

FLINK_CLUSTER: Final = click.option(
    "--flink-cluster",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="A Flink cluster of N TaskManagers, instead of Flink within Beam's job server.",
)


def settings_options(*names: str) -> Callable[[Any], Any]:
    """Adds the named settings to a command as flags."""

    help_of = {setting.name: setting.help for setting in described_settings()}

    def add(command: Any) -> Any:
        for name in reversed(names):
            command = click.option(f"--{name.replace('_', '-')}", name, help=help_of[name])(command)
        return command

    return add


def settings_with_stack(flags: dict[str, Any], var: Path) -> Settings:
    """The settings; empty addresses are those of the local stack that runs below `var`, where raw files and
    masters are too unless another place is set."""
    below = {name: str(var.absolute() / name) for name in ("store", "masters")}
    try:
        settings = load_settings(flags, defaults=below)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    stack = Stack(var).addresses()
    if stack is None:
        return settings
    databases = {} if settings.database else {name: getattr(stack, name) for name in DATABASES}
    return msgspec.structs.replace(
        settings,
        kafka=settings.kafka or stack.kafka,
        expansion_service=settings.expansion_service or stack.expansion_service,
        **databases,
    )


def needed(settings: Settings, *names: str, reach: bool = True) -> None:
    """Raises UsageError with the remedy for the first empty one of the named settings, and ClickException for a
    server among them that cannot be reached, unless `reach` is False. `loader` and `reader`: the database, with
    the address of that role."""
    for role in names:
        name = "database" if role in ROLES else role
        if not getattr(settings, name):
            raise click.UsageError(
                f"no {name} address: start a local stack with `gogobe up`, or give --{name.replace('_', '-')} "
                f"or GOGOBE_{name.upper()}"
            )
    if reach:
        check_reachable(settings, [name for name in names if name in SERVERS])


def wide_console() -> PlainConsole:
    """A console that is wide enough for every table if the output is a file or a pipe."""
    return PlainConsole() if sys.stdout.isatty() else PlainConsole(width=TABLE_WIDTH)
