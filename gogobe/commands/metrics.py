"""`gogobe metrics`: serves the pipeline's metrics to Prometheus."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Final

import click

from gogobe.commands.options import VAR, settings_options, settings_with_stack
from gogobe.local.stack import Stack

PORT: Final = 9464


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="0: a free port.")
@click.option("--once", is_flag=True, help="Print the metrics and exit.")
@click.option("--flink", "others", multiple=True, metavar="HOST:PORT", help="REST address of another Flink.")
@VAR
@settings_options("kafka", "kafka_options", "group", "database", "database_password")
def metrics(port: int, once: bool, others: tuple[str, ...], var: Path, **flags: Any) -> None:
    """Serve Prometheus metrics of the pipeline on 127.0.0.1, until Ctrl-C.

    Reads at each scrape: Flink (jobs, checkpoints, the counters of all steps), Kafka (lag), the database
    (waiting files, dead letters). `gogobe crawl --metrics-port` has the metrics of an agent.
    """
    from prometheus_client import CollectorRegistry, generate_latest, start_http_server

    from gogobe.commands.pipeline_metrics import PipelineCollector

    settings = settings_with_stack(flags, var)
    stack = Stack(var).addresses()
    flink = others or (stack.flink if stack is not None else ())
    registry = CollectorRegistry()
    registry.register(PipelineCollector(tuple(flink), settings))
    if once:
        click.echo(generate_latest(registry).decode(), nl=False)
        return
    try:
        server, _ = start_http_server(port, addr="127.0.0.1", registry=registry)
    except OSError as error:
        raise click.ClickException(f"port {port}: {error.strerror}; choose another with --port") from error
    click.echo(f"metrics: http://127.0.0.1:{server.server_port}/metrics; Ctrl-C ends it")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        server.shutdown()
