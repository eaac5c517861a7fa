"""`gogobe run … --bounded`: a job that ends, on a runner of this machine."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

import click

from gogobe.commands.reach import check_servers
from gogobe.commands.terminal import counted
from gogobe.settings import Settings, refuse_secret_values

BOUNDED_RUNNERS: Final = ("DirectRunner", "PrismRunner")


@dataclass(frozen=True)
class BoundedInput:
    """JSON Lines `files` in the topic's place (None: the topic), and whether messages are printed instead of
    published."""

    files: str | None
    to_stdout: bool


def is_runner(runner: str, name: str) -> bool:
    """Whether `runner`, possibly with its module, is the runner `name`."""
    return runner.rpartition(".")[2].lower() == name.lower()


def is_bounded_runner(runner: str | None) -> bool:
    """Whether a runner reads only what is there, and ends."""
    return runner is not None and any(is_runner(runner, one) for one in BOUNDED_RUNNERS)


def run_job_bounded(
    name: str, runner: str | None, passed: list[str], settings: Settings, source: BoundedInput
) -> None:
    """Runs the job `name` and prints the number of messages. Raises UsageError for another runner, and
    ClickException."""
    from gogobe.pipelines.catalogue import JOBS
    from gogobe.pipelines.options import flags_of
    from gogobe.pipelines.submission import BoundedRunError, run_bounded

    if not is_bounded_runner(runner):
        raise click.UsageError(
            "--bounded is for --runner DirectRunner or PrismRunner: others read on until they are stopped"
        )
    refuse_secret_values(settings)
    check_servers(settings, uses_kafka=not (source.files and source.to_stdout))
    started = time.monotonic()
    flags = [f"--runner={runner}", *passed, *flags_of(settings)]
    try:
        messages = run_bounded(JOBS[name], flags, files=source.files, to_stdout=source.to_stdout)
    except BoundedRunError as error:
        raise click.ClickException(str(error)) from error
    seconds = time.monotonic() - started
    click.echo(f"{name}: {counted(messages, 'message')} done in {seconds:.0f} s", err=source.to_stdout)
