"""A group of commands whose help has the whole first sentence of each."""

from __future__ import annotations

import click

NAME_WIDTH = 20
LONGEST_SUMMARY = 1000


class HelpfulGroup(click.Group):
    """A group whose help wraps the summaries of its commands, where click would cut them."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands in one section."""
        write_commands(formatter, "Commands", list(self.commands.values()))


def write_commands(formatter: click.HelpFormatter, heading: str, commands: list[click.Command]) -> None:
    """Writes a section with each command's name and first sentence."""
    with formatter.section(heading):
        rows = [(one.name or "", one.get_short_help_str(LONGEST_SUMMARY)) for one in commands if not one.hidden]
        formatter.write_dl(rows, col_max=NAME_WIDTH)
