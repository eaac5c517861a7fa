"""`gogobe up` and `gogobe down`: the local stack, kept running."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.commands.flink_target import job_name
from gogobe.commands.options import FLINK_CLUSTER, VAR, settings_options
from gogobe.commands.run import run
from gogobe.io.kafka.reading import Share
from gogobe.local.flink import ENDED, FlinkJob, cancel_jobs, jobs, wait_for_job
from gogobe.local.jobs import submit_again
from gogobe.local.stack import Stack, StackAddresses
from gogobe.settings import DATABASES, Settings, load_settings

INGEST: Final = job_name("ingest", Share())


@click.command()
@VAR
@click.option(
    "--kafka-port",
    type=int,
    envvar="GOGOBE_KAFKA_PORT",
    help="Kafka's port; default: as before, or a free one.",
)
@click.option(
    "--postgres-port",
    type=int,
    envvar="GOGOBE_POSTGRES_PORT",
    help="PostgreSQL's port; default: as before, or a free one.",
)
@FLINK_CLUSTER
@click.option("--ingest", is_flag=True, help="Submit the pipeline too, if it does not run.")
@settings_options("topic_partitions")
@click.pass_context
def up(
    context: click.Context,
    /,
    var: Path,
    kafka_port: int | None,
    postgres_port: int | None,
    flink_cluster: int,
    *,
    ingest: bool,
    **flags: Any,
) -> None:
    """Start the local stack and leave it running: Kafka, PostgreSQL, Flink, Beam's services, a supervisor.

    Of a stack that runs, only what is missing is started, on the same ports. The supervisor starts again what
    dies, at most 5 times in 10 minutes.
    """
    from gogobe.database.migrations import migrate
    from gogobe.io.kafka.retention import topic_config
    from gogobe.io.kafka.topics import ensure_topics
    from gogobe.records.messages import TOPICS

    settings = load_settings(flags)
    stack = Stack(var, task_managers=flink_cluster)
    addresses = stack.start(kafka_port, postgres_port, say=click.echo)
    databases = {name: getattr(addresses, name) for name in DATABASES}
    migrate(addresses.database, roles=Settings(**databases).database_roles)
    config = topic_config(settings.keep_topic_days)
    ensure_topics(addresses.kafka, TOPICS, settings.topic_partitions, config=config)
    _print_addresses(addresses)
    running = _jobs_again(stack, addresses)
    for job in running:
        click.echo(f"{'job':18} {job.name}: {job.state.lower()}, {job.page}")
    if ingest and all(job.name != INGEST for job in running):
        run.main(["ingest", "--var", str(var)], prog_name="gogobe run", standalone_mode=False, parent=context)
    elif not running:
        click.echo("\nNext: `gogobe run ingest` submits the pipeline, `gogobe down` stops everything.")


def _jobs_again(stack: Stack, addresses: StackAddresses) -> list[FlinkJob]:
    """The jobs that run, after submitting again the ones that were lost with their Flink."""
    before = {job.id: job for job in jobs(addresses.flink)}
    running = [job for job in before.values() if job.state not in ENDED]
    for lost in stack.jobs.read():
        if all(job.name != lost.name for job in running):
            click.echo(f"submitting {lost.name} again …")
            submit_again(lost)
            running.append(wait_for_job(addresses.flink, lost.name, other_than=before))
    return running


@click.command()
@click.argument("services", nargs=-1)
@VAR
def down(services: tuple[str, ...], var: Path) -> None:
    """Stop the local stack and its pipelines, also after a crash. Data is kept.

    With SERVICES, as in `gogobe down kafka`, only these are stopped; they stay down until `gogobe up`. The name
    of a job, as in `gogobe down gogobe-ingest`, stops this job.
    """
    for name in services:
        click.echo(_stop_one(Stack(var), name))
    if services:
        return
    stopped = Stack(var).stop()
    click.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


def _stop_one(stack: Stack, name: str) -> str:
    """Stops a job or a service; returns what was done as a sentence."""
    addresses = stack.addresses()
    found = [job for job in jobs(addresses.flink) if job.name == name] if addresses else []
    if stack.jobs.remove(name) or found:
        cancel_jobs([job.rest for job in found], [job.id for job in found])
        return f"{name} is stopped: `gogobe run` submits it again, and it goes on at the committed offsets"
    ran = stack.stop_service(name)
    return f"{name} is stopped: `gogobe up` starts it again" if ran else f"{name} did not run; it stays down"


def _print_addresses(addresses: StackAddresses) -> None:
    for name, address in msgspec.structs.asdict(addresses).items():
        if isinstance(address, str):
            click.echo(f"{name:18} {address}")
    if addresses.task_managers:
        click.echo(f"{'flink':18} http://{addresses.flink[0]}/ ({addresses.task_managers} TaskManagers)")
