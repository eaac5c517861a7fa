"""`gogobe up`, `down` and `status`: the local stack, kept running."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import click
import msgspec
import psycopg
from rich.table import Table

from gogobe.commands.chains import portals_line
from gogobe.commands.options import FLINK_CLUSTER, VAR, settings_options, wide_console
from gogobe.commands.retry import waiting_line
from gogobe.commands.terminal import harmless
from gogobe.local.flink import ENDED, FlinkJob, checkpoints, jobs
from gogobe.local.stack import Stack, StackAddresses, StackPorts
from gogobe.settings import load_settings


@click.command()
@VAR
@click.option("--kafka-port", type=int, help="Kafka's port; default: a free one.")
@click.option("--postgres-port", type=int, help="PostgreSQL's port; default: a free one.")
@FLINK_CLUSTER
@settings_options("topic_partitions")
def up(var: Path, kafka_port: int | None, postgres_port: int | None, flink_cluster: int, **flags: Any) -> None:
    """Start the local stack and leave it running: Kafka, PostgreSQL, Flink, Beam's services."""
    from gogobe.database.migrations import migrate
    from gogobe.io.kafka.topics import ensure_topics
    from gogobe.records.messages import TOPICS

    settings = load_settings(flags)
    addresses = Stack(var, task_managers=flink_cluster).start(
        StackPorts.choose(kafka=kafka_port, postgres=postgres_port)
    )
    migrate(addresses.database)
    ensure_topics(addresses.kafka, TOPICS, settings.topic_partitions)
    _print_addresses(addresses)
    click.echo("\nNext: `gogobe run ingest` submits the pipeline, `gogobe down` stops everything.")


@click.command()
@VAR
def down(var: Path) -> None:
    """Stop the local stack and its pipelines, also after a crash. Data is kept."""
    stopped = Stack(var).stop()
    click.echo(f"stopped {', '.join(stopped)}" if stopped else "nothing was running")


@click.command()
@VAR
def status(var: Path) -> None:
    """Show the services and pipelines of the local stack. The exit code is 1 if it is not running."""
    stack = Stack(var)
    services = stack.status()
    table = Table("service", "state", "pid", "log")
    for service in services:
        table.add_row(service.name, "running" if service.running else "stopped", str(service.pid), service.log)
    if services:
        wide_console().print(table)
    addresses = stack.addresses()
    if addresses is None:
        click.echo("the stack is not running: `gogobe up` starts it")
        sys.exit(1)
    _print_addresses(addresses)
    running = jobs(addresses.flink)
    for job in running:
        _print_job(job)
    if not running:
        click.echo(f"{'job':18} none: `gogobe run ingest` submits the pipeline")
    with suppress(psycopg.Error):  # the table of services shows that the database is down
        click.echo(f"{'portals':18} {harmless(portals_line(addresses.database))}")
        click.echo(f"{'waiting':18} {harmless(waiting_line(addresses.database))}")


def _print_job(job: FlinkJob) -> None:
    click.echo(f"{'job':18} {job.name}: {job.state.lower()}, {job.page}")
    if job.state in ENDED:
        return
    found = checkpoints(job)
    counts = f"{found.counts.completed} completed, {found.counts.failed} failed"
    latest = found.latest_completed
    if latest is not None:
        ago = max(0.0, time.time() - latest.triggered / 1000)
        size = f"{latest.size / 1000:,.0f} kB in {latest.duration} ms"
        counts += f"; number {latest.id} {ago:.0f} s ago: {size}"
    click.echo(f"{'  checkpoints':18} {counts}, {job.checkpoints_page}")


def _print_addresses(addresses: StackAddresses) -> None:
    for name, address in msgspec.structs.asdict(addresses).items():
        if isinstance(address, str):
            click.echo(f"{name:18} {address}")
    if addresses.task_managers:
        click.echo(f"{'flink':18} http://{addresses.flink[0]}/ ({addresses.task_managers} TaskManagers)")
