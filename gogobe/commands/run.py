"""`gogobe run`: submits a job to its runner."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack
from gogobe.io.kafka.reading import Share, ShareError
from gogobe.local.flink import ENDED, JOBS_AT_ONCE, FlinkJob, cancel_jobs, jobs, wait_for_job
from gogobe.local.stack import Stack, StackAddresses
from gogobe.settings import Settings, SettingsError, refuse_secret_values, with_secret_files

JOBS: Final = {
    "ingest": "From announced files to queryable prices: download, parse and load in one job.",
    "download": "From announced files to the object store.",
    "parse": "From the object store to batches with masters, on the ingest topic.",
    "load": "From the ingest topic to the database.",
}
_DETAILS: Final = """

    Other options are passed to Beam and its runner. Without --runner the job is submitted to Flink of the local
    stack and runs until the stack stops. A job that is submitted again continues at the committed offsets."""


@click.group()
def run() -> None:
    """Submit a job: the whole pipeline, or one of its stages.

    `ingest` does all steps in one job. `download`, `parse` and `load` do them in sequence, each as a job that
    scales on its own. All jobs may run at the same time: the database loads nothing twice.
    """


def _either_spelling(flag: str) -> str:
    """Makes `--views_every`, the spelling of the pipelines, `--views-every`."""
    return flag.replace("_", "-")


def _command(name: str, summary: str) -> click.Command:
    @run.command(
        name,
        help=summary + _DETAILS,
        context_settings={
            "ignore_unknown_options": True,
            "allow_extra_args": True,
            "token_normalize_func": _either_spelling,
        },
    )
    @VAR
    @click.option(
        "--runner", help="Beam's runner, as in DirectRunner or DataflowRunner; the local stack's Flink."
    )
    @click.option("--bounded", is_flag=True, help="Do what is in the topic now, refresh the views, and end.")
    @click.option(
        "--instances", type=click.IntRange(1), default=1, help="Jobs that share the topic's partitions."
    )
    @click.option("--instance", help="Only this one of several instances: K/N, as in 2/3.")
    @click.option("--replace", is_flag=True, help="Stop the same job on the local stack first.")
    @settings_options(*Settings.__struct_fields__)
    @click.pass_context
    def command(
        context: click.Context,
        /,
        var: Path,
        runner: str | None,
        instances: int,
        instance: str | None,
        *,
        bounded: bool,
        replace: bool,
        **flags: Any,
    ) -> None:
        shares = _shares(instances, instance)
        settings = _settings(context.args, flags, var)
        if runner:
            passed = [f"--runner={runner}", *context.args]
            if bounded:
                _run_bounded(name, passed, settings, shares)
            else:
                _submit(name, passed, settings, shares)
        elif bounded:
            raise click.UsageError("--bounded is for DirectRunner: give --runner DirectRunner")
        else:
            _submit_to_stack(name, context.args, settings, shares, var, replace=replace)

    return command


for _name, _summary in JOBS.items():
    _command(_name, _summary)


def _shares(instances: int, instance: str | None) -> list[Share]:
    if instance is None:
        return [Share(number, instances) for number in range(1, instances + 1)]
    if instances != 1:
        raise click.UsageError("--instances starts all of them, --instance one: give either")
    try:
        return [Share.parse(instance)]
    except ShareError as error:
        raise click.UsageError(f"--instance: {error}") from error


def _settings(passed: Sequence[str], flags: dict[str, Any], var: Path) -> Settings:
    from gogobe.pipelines.options import refuse_unknown

    try:
        refuse_unknown(passed)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    settings = settings_with_stack(flags, var)
    needed(settings, "kafka", "database", "expansion_service")
    return settings


def _run_bounded(name: str, passed: list[str], settings: Settings, shares: Sequence[Share]) -> None:
    from gogobe.pipelines.catalogue import JOBS as KINDS
    from gogobe.pipelines.options import flags_of
    from gogobe.pipelines.submission import BoundedRunError, run_bounded

    if not _is_direct(passed[0]):
        raise click.UsageError("--bounded is for DirectRunner: other runners read on until they are stopped")
    if not shares[0].is_whole:
        raise click.UsageError("--bounded reads all partitions: without --instances and --instance")
    refuse_secret_values(settings)
    started = time.monotonic()
    try:
        messages = run_bounded(KINDS[name], [*passed, *flags_of(settings)])
    except BoundedRunError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{name}: {messages} messages done in {time.monotonic() - started:.0f} s")


def _submit(name: str, passed: list[str], settings: Settings, shares: Sequence[Share]) -> None:
    from gogobe.pipelines.catalogue import JOBS as KINDS
    from gogobe.pipelines.options import flags_of
    from gogobe.pipelines.submission import submit

    if _is_direct(passed[0]):
        raise click.UsageError("DirectRunner reads only what is there: give --bounded")
    refuse_secret_values(settings)
    for share in shares:
        result = submit(KINDS[name], [*passed, *_instance_flags(share), *flags_of(settings)])
        click.echo(f"submitted: {result.state.lower()}")


def _is_direct(flag: str) -> bool:
    return re.split(r"[.=]", flag)[-1].lower() == "directrunner"


def _instance_flags(share: Share) -> list[str]:
    return [] if share.is_whole else [f"--instance={share}"]


def _submit_to_stack(
    name: str, passed: list[str], settings: Settings, shares: Sequence[Share], var: Path, *, replace: bool
) -> None:
    from gogobe.pipelines.catalogue import JOBS as KINDS
    from gogobe.pipelines.options import flags_of, flink_flags
    from gogobe.pipelines.submission import submit

    stack = Stack(var).addresses()
    if stack is None:
        raise click.UsageError("no local stack runs: `gogobe up` first, or name a --runner")
    settings = with_secret_files(settings, Stack(var).secrets)
    _make_room(stack, name, shares, replace=replace)
    for share in shares:
        job_name = _job_name(name, share)
        to_flink = flink_flags(stack.job_endpoint, stack.worker_pool, job_name)
        submit(KINDS[name], [*to_flink, *passed, *_instance_flags(share), *flags_of(settings)])
        job = wait_for_job(stack.flink, job_name)
        click.echo(f"{job.name} is running: http://{job.rest}/jobs/{job.id}")


def _job_name(name: str, share: Share) -> str:
    return f"gogobe-{name}" if share.is_whole else f"gogobe-{name}-{share.number}of{share.instances}"


def _make_room(stack: StackAddresses, name: str, shares: Sequence[Share], *, replace: bool) -> None:
    """Stops jobs that read the same partitions, or refuses without --replace: they would repeat the work."""
    running = [job for job in jobs(stack.flink) if job.state not in ENDED]
    in_the_way = [job for job in running if _reads_the_same(job, name, shares)]
    if in_the_way and not replace:
        job = in_the_way[0]
        raise click.UsageError(
            f"{job.name} is {job.state.lower()}: `gogobe run {name} --replace` stops it first"
        )
    if len(running) - len(in_the_way) + len(shares) > JOBS_AT_ONCE:
        raise click.UsageError(f"{len(running)} jobs run; a local stack has room for {JOBS_AT_ONCE}")
    cancel_jobs(stack.flink, [job.id for job in in_the_way])


def _reads_the_same(job: FlinkJob, name: str, shares: Sequence[Share]) -> bool:
    match = re.fullmatch(rf"gogobe-{name}(?:-(\d+)of(\d+))?", job.name)
    if match is None:
        return False
    theirs = Share(int(match[1]), int(match[2])) if match[1] else Share()
    return any(theirs.overlaps(share) for share in shares)
