"""Benchmark of discovery: `python -m benchmarks.discovery [--portals N] [--files N]`.

Starts PostgreSQL, Kafka and replica portals of four engines, and runs the real agent (`gogobe crawl --once`)
against them twice: with an empty database, and again when everything is announced. Reads the whole topic and
compares it with the portals' files. Prints a table and a last line with the figures, and writes
`var/bench-discovery.json`. Exit code 1 if a file was missed or announced twice, or if the agent failed or
took too long.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measure import write_json
from benchmarks.replicas import chain_id, file_names, share
from gogobe.demo.portals.shelf import ISRAEL
from gogobe.io.kafka.topics import read_to_end
from gogobe.local.java import start_kafka
from gogobe.local.postgres import running_postgres
from gogobe.local.processes import Records, free_ports, listens, stop_services, wait_until_ready
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import DISCOVERED, FileDiscovered, decoder

JARS: Final = Path("var/java/kafka")
RUN_SECONDS: Final = 1200.0
SAMPLE_SECONDS: Final = 0.2
_decode: Final = decoder(FileDiscovered)


class Run(msgspec.Struct):
    """One run of the agent. `seconds` is wall time from the start of the process to its end; `cpu_seconds` is
    the agent's own; `memory_mb` is its maximum resident memory."""

    what: str
    portals: int
    files: int
    announced: int
    failed: int
    errors: dict[str, int]
    seconds: float
    cpu_seconds: float
    memory_mb: float


class Result(msgspec.Struct):
    """The benchmark's result. `missed` and `twice` count files, over all runs; `load_average` is the
    machine's at the start."""

    cores: int
    load_average: float
    runs: list[Run]
    missed: int = 0
    twice: int = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portals", type=int, default=2000)
    parser.add_argument("--files", type=int, default=1_000_000)
    parser.add_argument("--output", type=Path, default=Path("var/bench-discovery.json"))
    options = parser.parse_args()
    result = Result(os.cpu_count() or 0, round(os.getloadavg()[0], 2), [])
    day = datetime.now(UTC).astimezone(ISRAEL)
    with tempfile.TemporaryDirectory(prefix="gogobe-bench-") as folder, services(Path(folder)) as environment:
        with replicas(options.portals, options.files, Path(folder) / "chains.toml"):
            for what in ("first listing", "listed again"):
                result.runs.append(run_agent(what, environment))
        found = announcements(environment["GOGOBE_KAFKA"])
    result.missed, result.twice = compare(found, options.portals, options.files, day)
    show(result)
    write_json(options.output, result)
    if result.missed or result.twice or any(run.failed for run in result.runs):
        sys.exit(1)


@contextlib.contextmanager
def services(folder: Path) -> Iterator[dict[str, str]]:
    """PostgreSQL and Kafka; yields the agent's environment."""
    records = Records(folder / "records.json")
    port, controller = free_ports(2)
    with running_postgres(folder / "postgres", folder / "postgres.log") as database:
        kafka = start_kafka(JARS, folder / "kafka", folder / "kafka.log", (port, controller), records)
        try:
            wait_until_ready(kafka, lambda: listens(kafka, port), 60)
            yield {
                **os.environ,
                "GOGOBE_KAFKA": f"127.0.0.1:{port}",
                "GOGOBE_DATABASE": database.dsn,
                "GOGOBE_CHAINS": str(folder / "chains.toml"),
                "GOGOBE_FETCH_HOSTS": "127.0.0.1",
            }
        finally:
            stop_services([kafka])


@contextlib.contextmanager
def replicas(portals: int, files: int, chains: Path) -> Iterator[None]:
    """Starts the replica portals in a process of their own, and writes the chains file."""
    command = [sys.executable, "-m", "benchmarks.replicas", str(portals), str(files)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        lines = iter(process.stdout.readline, "\n")
        chains.write_text("\n".join(_chain(number, json.loads(line)) for number, line in enumerate(lines)))
        try:
            yield
        finally:
            process.stdin.close()


def _chain(number: int, settings: dict[str, Any]) -> str:
    fast = {"rate": 10_000.0, "concurrency": 4, "timeout": 120.0}
    fields = [f"{name} = {_toml(value)}" for name, value in (fast | settings).items()]
    key = f"bench_{number:05d}"
    head = [f"[chains.{key}]", f'chain_ids = ["{chain_id(number)}"]', f'names = {{ en = "Bench {number}" }}']
    return "\n".join([*head, f"[[chains.{key}.portals]]", *fields])


def _toml(value: object) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{name} = {_toml(one)}" for name, one in value.items()) + " }"
    return json.dumps(value)


def run_agent(what: str, environment: Mapping[str, str]) -> Run:
    """Runs the agent once over all portals of the benchmark."""
    chosen = []
    for line in Path(environment["GOGOBE_CHAINS"]).read_text().splitlines():
        if line.startswith("[chains."):
            chosen += ["--chain", line[len("[chains.") : -1]]
    program = [sys.executable, "-c", "from gogobe.cli import main; main()"]
    command = [*program, "crawl", "--once", "--json", *chosen]
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = psutil.Popen(command, env=dict(environment), stdout=output)
        memory, cpu = 0, 0.0
        while process.poll() is None:
            with contextlib.suppress(psutil.Error):
                memory = max(memory, process.memory_info().rss)
                times = process.cpu_times()
                cpu = times.user + times.system
            if time.perf_counter() - started > RUN_SECONDS:
                process.kill()
            time.sleep(SAMPLE_SECONDS)
        seconds = time.perf_counter() - started
        output.seek(0)
        lines = [json.loads(line) for line in output.read().splitlines()]
    portals = len(chosen) // 2
    return Run(
        what,
        portals,
        sum(line["files"] for line in lines),
        sum(line["announced"] for line in lines),
        portals - sum(line["outcome"] == "complete" for line in lines),
        dict(Counter(kind for line in lines for kind in line["errors"])),
        seconds,
        cpu,
        memory / (1 << 20),
    )


def announcements(kafka: str) -> Counter[str]:
    """How often each file name was announced; the names are unique among all portals."""
    found: Counter[str] = Counter()
    for _, value in read_to_end(kafka, DISCOVERED):
        message = _decode.decode(value)
        found[message.file_name or file_name_of(message.url)] += 1
    return found


def compare(found: Counter[str], portals: int, files: int, day: datetime) -> tuple[int, int]:
    """The number of files missed, and of files announced more than once (or never published)."""
    missed = 0
    twice = sum(count - 1 for count in found.values())
    for number in range(portals):
        for name in file_names(number, share(portals, files, number), day):
            missed += found.pop(name, 0) == 0
    return missed, twice + sum(found.values())


def show(result: Result) -> None:
    """Prints the table and the last line."""
    table = Table(title="Discovery", title_justify="left")
    table.add_column("run")
    for column in (
        "portals",
        "files",
        "announced",
        "failed",
        "seconds",
        "files/s",
        "listings/s",
        "CPU s",
        "MB",
    ):
        table.add_column(column, justify="right")
    for run in result.runs:
        rates = f"{run.files / run.seconds:,.0f}", f"{run.portals / run.seconds:.1f}"
        counts = f"{run.portals:,}", f"{run.files:,}", f"{run.announced:,}", str(run.failed)
        usage = f"{run.cpu_seconds:.1f}", f"{run.memory_mb:.0f}"
        table.add_row(run.what, *counts, f"{run.seconds:.1f}", *rates, *usage)
    console = Console(width=140)
    console.print(table)
    for run in result.runs:
        for kind, count in run.errors.items():
            console.print(f"{run.what}: {count} portals with {kind}")
    first, again = result.runs
    figures = [
        f"discovery: {first.portals:,} portals, {first.files:,} files: {first.announced / first.seconds:,.0f} "
        f"announced/s, {first.portals / first.seconds:.1f} listings/s",
        f"again {again.portals / again.seconds:.1f} listings/s",
        f"{max(first.memory_mb, again.memory_mb):.0f} MB",
        f"{result.missed} missed",
        f"{result.twice} twice",
    ]
    console.print(", ".join(figures), soft_wrap=True)


if __name__ == "__main__":
    main()
