"""`gogobe run`: submits a job to its runner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click

from gogobe.commands.bounded_run import BoundedInput, is_bounded_runner, is_runner, run_job_bounded
from gogobe.commands.flink_target import WORKER_POOL, FlinkTarget, job_name, of_cluster, of_stack
from gogobe.commands.groups import HelpfulGroup
from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack
from gogobe.commands.progress import working
from gogobe.commands.reach import check_servers
from gogobe.commands.space import space_watched, written_folders
from gogobe.io.kafka.reading import Share, ShareError
from gogobe.local.answers import grpc_answers
from gogobe.local.flink import jobs, wait_for_job
from gogobe.local.stack import Stack
from gogobe.secrets import with_secret_files
from gogobe.settings import Settings, SettingsError, load_settings, refuse_secret_values

JOBS: Final = {
    "ingest": "From announced files to queryable prices: download, parse and load in one job.",
    "download": "From announced files to the object store.",
    "parse": "From the object store to batches with masters, on the ingest topic.",
    "load": "From the ingest topic to the database.",
}
_DETAILS: Final = """

    Other options are passed to Beam and its runner. Without --runner the job is submitted to Flink of the local
    stack and runs until the stack stops. A job that is submitted again continues at the committed offsets."""


@click.group(cls=HelpfulGroup)
def run() -> None:
    """Submit a job: the whole pipeline, or one of its stages.

    `ingest` does all steps in one job. `download`, `parse` and `load` do them in sequence, each as a job that
    scales on its own. All jobs may run at the same time: the database loads nothing twice.
    """


def _either_spelling(flag: str) -> str:
    """Accepts `--views_every`, the spelling of the pipelines, as `--views-every`."""
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
    @click.option(
        "--bounded",
        is_flag=True,
        help="Process what the topic has now, refresh the views, and end.",
    )
    @click.option(
        "--input", "files", metavar="FILES", help="With --bounded: JSON Lines files in the topic's place."
    )
    @click.option(
        "--stdout",
        "to_stdout",
        is_flag=True,
        help="With --bounded: print messages as JSON lines, dead letters to stderr; publish nothing.",
    )
    @click.option(
        "--instances", type=click.IntRange(1), default=1, help="Jobs that share the topic's partitions."
    )
    @click.option("--instance", help="Only this one of several instances: K/N, as in 2/3.")
    @click.option(
        "--parallelism", type=click.IntRange(1), help="Slots of Flink for a job; one a TaskManager, or 2."
    )
    @click.option(
        "--flink-master", help="A Flink cluster's REST address, HOST:PORT, with --runner FlinkRunner."
    )
    @click.option(
        "--worker-pool",
        default=WORKER_POOL,
        show_default=True,
        help="Address of the Python workers for the TaskManagers.",
    )
    @click.option("--replace", is_flag=True, help="Stop the running job of the same name on that Flink first.")
    @click.option(
        "--keep-state", is_flag=True, help="With --replace: by a savepoint, from which the new one starts."
    )
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
        flink_master: str | None,
        worker_pool: str,
        parallelism: int | None,
        bounded: bool,
        files: str | None,
        to_stdout: bool,
        replace: bool,
        keep_state: bool,
        **flags: Any,
    ) -> None:
        if keep_state and not replace:
            raise click.UsageError("--keep-state needs --replace")
        if (files or to_stdout) and not bounded:
            raise click.UsageError("--input and --stdout are for a run that ends: give --bounded")
        job = _Choice(name, _shares(instances, instance), parallelism, replace, keep_state)
        passed = list(context.args)
        if runner is not None and is_runner(runner, "DataflowRunner"):
            _submit_to_dataflow(job, passed, flags, var)
            return
        settings = _settings(passed, flags, var, uses_kafka=not (files and to_stdout))
        if bounded:
            if not job.shares[0].is_whole:
                raise click.UsageError("--bounded reads all partitions: without --instances and --instance")
            with space_watched(written_folders(settings, var)):
                run_job_bounded(name, runner, passed, settings, BoundedInput(files, to_stdout))
        elif flink_master is not None:
            if runner is None or not is_runner(runner, "FlinkRunner"):
                raise click.UsageError("--flink-master is for --runner FlinkRunner")
            refuse_secret_values(settings)
            with of_cluster(flink_master, worker_pool, var) as target:
                _submit_to_flink(target, job, passed, settings)
        elif runner is not None:
            _submit(job, runner, passed, settings)
        else:
            _submit_to_stack(job, passed, settings, var)

    return command


for _name, _summary in JOBS.items():
    _command(_name, _summary)


@dataclass(frozen=True)
class _Choice:
    """The job to run, and how it replaces a running one."""

    name: str
    shares: Sequence[Share]
    parallelism: int | None
    replace: bool
    keep_state: bool


def _shares(instances: int, instance: str | None) -> list[Share]:
    if instance is None:
        return [Share(number, instances) for number in range(1, instances + 1)]
    if instances != 1:
        raise click.UsageError("--instances starts all of them, --instance one: give either")
    try:
        return [Share.parse(instance)]
    except ShareError as error:
        raise click.UsageError(f"--instance: {error}") from error


def _refuse_unknown(passed: Sequence[str]) -> None:
    from gogobe.pipelines.options import refuse_unknown

    try:
        refuse_unknown(passed)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error


def _settings(passed: Sequence[str], flags: dict[str, Any], var: Path, *, uses_kafka: bool) -> Settings:
    _refuse_unknown(passed)
    settings = settings_with_stack(flags, var)
    needed(settings, "database", *(("kafka", "expansion_service") if uses_kafka else ()), reach=False)
    return settings


def _submit(job: _Choice, runner: str, passed: list[str], settings: Settings) -> None:
    from gogobe.pipelines.catalogue import JOBS as KINDS
    from gogobe.pipelines.options import flags_of
    from gogobe.pipelines.submission import submit

    if is_bounded_runner(runner):
        raise click.UsageError(f"{runner} reads only what is there: give --bounded")
    if is_runner(runner, "FlinkRunner"):
        raise click.UsageError(
            "--runner FlinkRunner needs --flink-master HOST:PORT, its cluster's REST address"
        )
    if job.replace:
        raise click.UsageError("--replace is for Flink")
    refuse_secret_values(settings)
    check_servers(settings)
    slots = [] if job.parallelism is None else [f"--parallelism={job.parallelism}"]
    for share in job.shares:
        flags = [f"--runner={runner}", *slots, *passed, *_instance_flags(share), *flags_of(settings)]
        click.echo(f"submitted: {submit(KINDS[job.name], flags).state.lower()}")


def _submit_to_dataflow(job: _Choice, passed: list[str], flags: dict[str, Any], var: Path) -> None:
    """Its workers are elsewhere, so the addresses of a local stack are not used."""
    from gogobe.pipelines.dataflow import launch, outcome
    from gogobe.pipelines.options import flags_of

    if job.replace:
        raise click.UsageError(
            "--replace is for Flink; on Dataflow --update takes the place of a job that runs"
        )
    if job.parallelism is not None:
        raise click.UsageError("--parallelism is for Flink; on Dataflow --max_num_workers bounds the workers")
    _refuse_unknown(passed)
    settings = load_settings(flags)
    for share in job.shares:
        chosen = [f"--job_kind={job.name}", f"--job_name={job_name(job.name, share)}", *_instance_flags(share)]
        click.echo(outcome(launch([*chosen, *flags_of(settings), *passed], var / "java")))


def _submit_to_stack(job: _Choice, passed: list[str], settings: Settings, var: Path) -> None:
    from gogobe.pipelines.resubmit import record_of

    local = Stack(var)
    stack = local.addresses()
    if stack is None:
        raise click.UsageError("no local stack runs: `gogobe up` first, or name a --runner")
    if job.keep_state and not stack.task_managers:
        raise click.UsageError("--keep-state needs a cluster: `gogobe up --flink-cluster N`")
    settings = with_secret_files(settings, local.secrets)
    for name, flags in _submit_to_flink(of_stack(stack), job, passed, settings):
        local.jobs.add(record_of(name, job.name, flags))


def _instance_flags(share: Share) -> list[str]:
    return [] if share.is_whole else [f"--instance={share}"]


def _submit_to_flink(
    target: FlinkTarget, job: _Choice, passed: Sequence[str], settings: Settings
) -> list[tuple[str, list[str]]]:
    """Submits the jobs and waits until they run; returns their names and options."""
    from gogobe.pipelines.catalogue import JOBS as KINDS
    from gogobe.pipelines.options import flags_of, flink_flags
    from gogobe.pipelines.submission import submit

    check_servers(settings)
    if not grpc_answers(target.job_endpoint):
        raise click.ClickException(
            f"Beam's job server at {target.job_endpoint} does not answer: `gogobe status` shows the local stack"
        )
    savepoints = target.make_room(job.name, job.shares, replace=job.replace, keep_state=job.keep_state)
    ended = {one.id for one in jobs(target.rest)}  # a cluster lists jobs for an hour after their end
    submitted = []
    for share in job.shares:
        name = job_name(job.name, share)
        slots = job.parallelism or target.parallelism
        to_flink = flink_flags(
            target.job_endpoint,
            target.worker_pool,
            name,
            slots,
            target.task_managers,
            bundle_elements=KINDS[job.name].bundle_elements,
        )
        restored = [f"--savepoint_path={savepoints[name]}"] if name in savepoints else []
        flags = [*to_flink, *restored, *passed, *_instance_flags(share), *flags_of(settings)]
        with working(f"Submitting {name} …"):
            submit(KINDS[job.name], flags)
        running = wait_for_job(target.rest, name, other_than=ended)
        click.echo(f"{running.name} is running: {running.page}")
        submitted.append((name, flags))
    return submitted
