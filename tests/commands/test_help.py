"""The help of every command, at 80 columns: no line is longer, and no summary is cut."""

from __future__ import annotations

from collections.abc import Iterator

import click
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from gogobe.cli import SECTIONS, main


def paths(group: click.Group, before: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield before
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from paths(command, (*before, name))
        else:
            yield (*before, name)


@pytest.mark.parametrize("path", list(paths(main)), ids=" ".join)
def test_help_fits_80_columns_and_is_whole(path: tuple[str, ...]):
    result = CliRunner().invoke(main, [*path, "--help"], terminal_width=80)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert [line for line in lines if cell_len(line) > 80] == []
    assert [line for line in lines[1:] if line.rstrip().endswith("...") and "]..." not in line] == []


def test_every_command_is_in_one_section_of_the_help():
    listed = [command.name for commands in SECTIONS.values() for command in commands]
    assert sorted(map(str, listed)) == sorted(main.commands)
    assert len(listed) == len({*listed})
    text = CliRunner().invoke(main, ["--help"], terminal_width=80).output
    assert [heading for heading in SECTIONS if f"\n{heading}:\n" not in text] == []
