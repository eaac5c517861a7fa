"""`gogobe status`: shows the state of the installation, on the terminal or as JSON."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
import msgspec

from gogobe.commands.health import EXIT_CODES, Findings, Report, assess, done_a_minute, gather
from gogobe.commands.options import VAR, settings_options, settings_with_stack, wide_console
from gogobe.commands.space import size_text
from gogobe.commands.tables import Column, print_table
from gogobe.commands.terminal import PlainConsole, counted, harmless, styled
from gogobe.commands.times import shown_seconds, shown_time
from gogobe.database.activity import Activity
from gogobe.local.flink_health import JobHealth
from gogobe.local.stack import ServiceStatus, Stack
from gogobe.settings import DATABASES

WATCH_SECONDS: Final = 5.0
STYLES: Final = {"healthy": "bold green", "ill": "bold yellow", "down": "bold red"}
SERVICE_COLUMNS: Final = (
    Column("service"),
    Column("state"),
    Column("since", rank=1),
    Column("pid", right=True, rank=2),
    Column("log", rank=3),
)
TOPIC_COLUMNS: Final = (
    Column("topic"),
    Column("waiting", right=True),
    Column("came in\na minute", right=True, rank=2),
    Column("done\na minute", right=True, rank=1),
    Column("in it", right=True, rank=3),
)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --watch one a line.")
@click.option("--watch", is_flag=True, help="Again and again, until Ctrl-C.")
@click.option(
    "--every", type=click.FloatRange(0.5), default=WATCH_SECONDS, show_default=True, help="Seconds of --watch."
)
@VAR
@settings_options(
    "kafka", "kafka_options", "database", "database_password", "group", "store", "store_endpoint", "views_every"
)
@click.pass_context
def status(
    context: click.Context, /, as_json: bool, watch: bool, every: float, var: Path, **flags: Any
) -> None:
    """Show how it goes: services, jobs, topics, files, dead letters, portals, disk.

    \b
    exit code 0   healthy
    exit code 1   down: nothing runs, or the work is not done
    exit code 2   ill: it works, and something is wrong
    """
    console = wide_console()
    before: Findings | None = None
    while True:
        report = _report(flags, var)
        report.found.done_a_minute = done_a_minute(before, report.found)
        before = report.found
        if as_json:
            click.echo(msgspec.json.encode(report))
        else:
            if watch and console.is_terminal:
                console.clear()
            show(console, report, Stack(var))
        if not watch:
            context.exit(EXIT_CODES[report.state])
        sys.stdout.flush()
        try:
            time.sleep(every)
        except KeyboardInterrupt:
            context.exit(EXIT_CODES[report.state])


def _report(flags: dict[str, Any], var: Path) -> Report:
    settings = settings_with_stack(flags, var)
    folders = [var, *([] if "://" in settings.store else [Path(settings.store)])]
    return assess(gather(Stack(var), settings, folders))


def show(console: PlainConsole, report: Report, stack: Stack) -> None:
    """Prints a report, the state and its problems first."""
    found = report.found
    console.print(styled(report.state, STYLES[report.state]), soft_wrap=True)
    for text in report.problems:
        console.print(f"  - {text}", soft_wrap=True)
    for text in report.notes:
        console.print(f"  · {text}", soft_wrap=True)
    if found.services:
        print_table(console, SERVICE_COLUMNS, [_service_row(one, found.silent) for one in found.services])
    for dead in found.dead:
        console.print(f"The end of the log of {dead.name} ({dead.log}):", soft_wrap=True)
        for line in dead.end or ["(nothing since its last start)"]:
            console.print(f"  | {line}", soft_wrap=True)
    for name, text in _lines(found, stack):
        console.print(f"{name:18} {harmless(text)}", soft_wrap=True)
    if found.topics:
        rows = [
            [
                one.topic,
                "no job reads it" if one.lag is None else f"{one.lag:,}",
                f"{one.last_minute:,}",
                f"{found.done_a_minute[one.topic]:,.0f}" if one.topic in found.done_a_minute else "",
                f"{one.messages:,}",
            ]
            for one in found.topics
        ]
        print_table(console, TOPIC_COLUMNS, rows)


def _service_row(one: ServiceStatus, silent: Sequence[str]) -> list[str]:
    state = "held" if one.held else "given up" if one.given_up else "dead"
    if one.running:
        state = "no answer" if one.name in silent else "running"
    if one.restarts:
        state = f"{state}, {counted(one.restarts, 'restart')}"
    since = shown_time(datetime.fromtimestamp(one.since, UTC)) if one.running else ""
    return [one.name, state, since, str(one.pid), one.log]


def _lines(found: Findings, stack: Stack) -> Iterator[tuple[str, str]]:
    """The facts that are shown on one line each: name and text."""
    addresses = stack.addresses()
    if addresses is not None:
        for name in ("kafka", *DATABASES, "expansion_service", "job_endpoint"):
            yield name, getattr(addresses, name)
        if addresses.task_managers:
            yield "flink", f"http://{addresses.flink[0]}/ ({addresses.task_managers} TaskManagers)"
    for job in found.jobs or ():
        yield "job", _job_line(job, found.at)
        yield "  checkpoints", _checkpoint_line(job, found.at)
        if job.error and job.error_at is not None:
            yield "  last error", f"{shown_seconds(found.at - job.error_at)} ago: {job.error}"
    if found.activity is not None:
        yield from _activity_lines(found.activity)
    for disk in found.disks:
        yield "disk", f"{size_text(disk.free)} free of {size_text(disk.total)} ({disk.folder})"


def _job_line(job: JobHealth, now: float) -> str:
    restarts = f", {counted(job.restarts, 'restart')}" if job.restarts else ""
    return f"{job.name}: {job.state.lower()} for {shown_seconds(now - job.since)}{restarts}, {job.page}"


def _checkpoint_line(job: JobHealth, now: float) -> str:
    counts = f"{job.checkpoints:,} completed, {job.failed_checkpoints:,} failed"
    if job.checkpoint_at is None:
        return f"{counts}; none so far"
    size = f"{(job.checkpoint_bytes or 0) / 1000:,.0f} kB"
    length = shown_seconds(job.checkpoint_seconds)
    return f"{counts}; the last {shown_seconds(max(0.0, now - job.checkpoint_at))} ago: {size} in {length}"


def _activity_lines(activity: Activity) -> Iterator[tuple[str, str]]:
    states = ", ".join(f"{count:,} {state}" for state, count in sorted(activity.recent.items()))
    yield "files, last hour", states or "none"
    if activity.under_way_count:
        oldest = ", ".join(
            f"{one.file} ({one.chain}, {shown_seconds(one.seconds)})" for one in activity.under_way
        )
        yield "under way", f"{activity.under_way_count:,}, the oldest: {oldest}"
    else:
        yield "under way", "none"
    letters = ", ".join(f"{one.letters:,} {one.stage}/{one.reason}" for one in activity.letters)
    yield "dead letters", letters or "none open"
    waiting = "; ".join(
        f"{one.files:,} of {one.chain} for {one.host} ({one.reason})" for one in activity.waiting
    )
    total = sum(one.files for one in activity.waiting)
    yield (
        "waiting",
        f"{counted(total, 'file')}: {waiting}" if total else "no file waits for its portal",
    )
    yield "newest load", _ago(activity.loaded_at, activity.now)
    yield "views", _ago(activity.views_at, activity.now)
    ill = "; ".join(f"{one.portal} ({one.error})" for one in activity.ill_portals)
    if activity.portals:
        yield (
            "portals",
            f"{activity.portals} watched, {len(activity.ill_portals)} failing{': ' if ill else ''}{ill}",
        )
    else:
        yield "portals", "none watched yet: `gogobe crawl` watches them"


def _ago(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "never"
    return f"{shown_time(at)}, {shown_seconds(max(0.0, (now - at).total_seconds()))} ago"
