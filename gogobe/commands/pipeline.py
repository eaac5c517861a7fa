"""`gogobe ingest` and `gogobe announce`: the pipeline submitted, and files for it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click

from gogobe.commands.options import VAR, needed, settings_options, settings_with_stack
from gogobe.local.flink import ENDED, cancel_jobs, jobs, wait_for_job
from gogobe.local.stack import Stack, StackAddresses
from gogobe.settings import Settings, SettingsError, refuse_secret_values, with_secret_files

JOB_NAME: Final = "gogobe-ingest"


def _either_spelling(flag: str) -> str:
    """`--views_every`, as the pipelines have it, is `--views-every`."""
    return flag.replace("_", "-")


@click.command(
    context_settings={
        "ignore_unknown_options": True,
        "allow_extra_args": True,
        "token_normalize_func": _either_spelling,
    }
)
@VAR
@click.option("--replace", is_flag=True, help="Stop the pipeline that runs on the local stack first.")
@settings_options(*Settings.__struct_fields__)
@click.pass_context
def ingest(context: click.Context, /, var: Path, replace: bool, **flags: Any) -> None:
    """Submit the streaming pipeline. Other options are passed through: Beam's own and its runners'.

    Without --runner it goes to the local stack's Flink, and runs on there until the stack stops. One that is
    submitted anew goes on where the one before it had committed its offsets.
    """
    from gogobe.pipelines.ingest import submit
    from gogobe.pipelines.options import flags_of, flink_flags, refuse_unknown

    try:
        refuse_unknown(context.args)
    except SettingsError as error:
        raise click.UsageError(str(error)) from error
    settings = settings_with_stack(flags, var)
    needed(settings, "kafka", "database", "expansion_service")
    if any(flag.startswith("--runner") for flag in context.args):
        refuse_secret_values(settings)
        result = submit([*context.args, *flags_of(settings)])
        click.echo(f"submitted: {result.state.lower()}")
        return
    stack = Stack(var).addresses()
    if stack is None:
        raise click.UsageError("no local stack runs: `gogobe up` first, or name a --runner")
    settings = with_secret_files(settings, Stack(var).secrets)
    _make_room(stack, replace)
    to_flink = flink_flags(stack.job_endpoint, stack.worker_pool, JOB_NAME)
    submit([*to_flink, *context.args, *flags_of(settings)])
    job = wait_for_job(stack.flink, JOB_NAME)
    click.echo(f"{job.name} is running: http://{job.rest}/jobs/{job.id}")


def _make_room(stack: StackAddresses, replace: bool) -> None:
    """Two pipelines would each read every file."""
    running = [job for job in jobs(stack.flink) if job.state not in ENDED]
    if running and not replace:
        state = running[0].state.lower()
        raise click.UsageError(f"{running[0].name} is {state}: `gogobe ingest --replace` stops it first")
    cancel_jobs(stack.flink)


@click.command()
@click.argument("urls", nargs=-1, required=True, metavar="URL…")
@click.option("--chain", required=True, help="The chain's name, as in `shufersal`.")
@VAR
@settings_options("kafka", "kafka_options")
def announce(urls: tuple[str, ...], chain: str, var: Path, **flags: Any) -> None:
    """Announce published files, to be downloaded, parsed and loaded."""
    from gogobe.feeds.ordering import store_of
    from gogobe.io.kafka.topics import PublishError, publish
    from gogobe.records.addresses import has_credentials, public_address
    from gogobe.records.messages import DISCOVERED, FileDiscovered, decoder, encode

    settings = settings_with_stack(flags, var)
    needed(settings, "kafka")
    if secret := next(filter(has_credentials, urls), None):
        raise click.UsageError(f"{public_address(secret)}: give the address without user and password")
    now = datetime.now(UTC)
    messages = [FileDiscovered(chain=chain, url=url, timestamp=now) for url in urls]
    try:
        for one in messages:
            decoder(FileDiscovered).decode(encode(one))  # as the pipeline will
    except ValueError as error:
        raise click.UsageError(f"not an announcement: {error}") from error
    try:
        count = publish(
            settings.kafka_address, DISCOVERED, [(store_of(one).encode(), encode(one)) for one in messages]
        )
    except PublishError as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"announced {count} on {DISCOVERED}")
