"""Benchmark of downloads: `python -m benchmarks.fetch [--files N] [--hosts N] [--kilobytes N]`.

Serves files on several hosts of this machine, and fetches all of them three times: with plain `curl
--parallel`, with the scheduler and the fetcher of the download step (bundles of 8, as on Flink, two workers,
hosts distributed over them), and again with a rate limit per host. Prints a table and a last line with the
figures, and writes `var/bench-fetch.json`. Exit code 1 if a file is missing or wrong, or if a host got
requests above its rate.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import multiprocessing
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import click
import msgspec
import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.measure import write_json
from gogobe.chains.chain import Chain, Chains
from gogobe.chains.portal import PortalSettings
from gogobe.feeds.ordering import store_of
from gogobe.io.downloads import Downloads, Ended, Plan
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchSettings
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.io.portals import Portals
from gogobe.pipelines.options import BUNDLE_ELEMENTS
from gogobe.records.addresses import authority_of
from gogobe.records.messages import FileDiscovered, FileDownloaded
from gogobe.transforms.dead_letters import DeadLetters
from gogobe.transforms.download import DownloadConfig, Downloader, Outcome
from gogobe.transforms.order import host_key

WORKERS: Final = 2
THREADS: Final = 8
PORT: Final = 18_480
MB: Final = 1 << 20
# Tolerance for clock differences between processes, and for the time of a connection.
RATE_SLACK: Final = 1.02


class Run(msgspec.Struct):
    """One run over all files. `memory_mb` is the largest worker's at its end, `growth_mb` its growth after a
    fifth of its files; `highest_rate` is the maximum number of requests to one host within a second."""

    what: str
    files: int
    seconds: float
    megabytes: float
    memory_mb: float = 0.0
    growth_mb: float = 0.0
    highest_rate: float = 0.0

    @property
    def per_second(self) -> float:
        return self.files / self.seconds


class Result(msgspec.Struct):
    """The benchmark's result. `load_average` is the machine's at the start; `rate` is that of the last
    run."""

    cores: int
    load_average: float
    hosts: int
    rate: float
    runs: list[Run]
    wrong: int = 0

    @property
    def ratio(self) -> float:
        return self.runs[1].per_second / self.runs[0].per_second


class _Portal(asyncio.Protocol):
    """A minimal HTTP server, fast enough not to be the bottleneck."""

    def __init__(self, body: bytes, asked: list[float]) -> None:
        self._body = body
        self._asked = asked
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            self._asked.append(time.monotonic())
            end = ending(head.split(b" ", 2)[1].rpartition(b"/")[2].decode())
            length = len(self._body) + len(end)
            answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nContent-Length: {length}\r\n\r\n"
            self._transport.writelines([answer.encode(), self._body, end])


def ending(name: str) -> bytes:
    """A second gzip member that makes each file's content unique."""
    return gzip.compress(name.encode(), 0, mtime=0)


def serve(hosts: int, body: bytes, pipe: Connection) -> None:
    """Serves the body on each host; on each message in `pipe`, sends back the times of the requests since the
    last one."""

    async def work() -> None:
        asked: dict[str, list[float]] = {name: [] for name in host_names(hosts)}
        loop = asyncio.get_running_loop()
        for name, times in asked.items():
            await loop.create_server(partial(_Portal, body, times), name, PORT)
        pipe.send("ready")
        while True:
            await loop.run_in_executor(None, pipe.recv)
            pipe.send({name: list(times) for name, times in asked.items()})
            for times in asked.values():
                times.clear()

    asyncio.run(work())


def host_names(hosts: int) -> list[str]:
    """Addresses of this machine."""
    return [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(hosts)]


def addresses(files: int, hosts: int) -> list[str]:
    """The files' addresses, hosts in turn."""
    names = host_names(hosts)
    return [
        f"http://{names[number % hosts]}:{PORT}/Price7290000000001-{number:06d}-202608110600.gz"
        for number in range(files)
    ]


def with_curl(urls: Sequence[str], folder: Path) -> float:
    """The seconds that `curl --parallel` takes, with as many concurrent transfers as the workers have
    threads."""
    config = folder / "curl.txt"
    config.write_text(
        "\n".join(f'url = "{url}"\noutput = "{folder}/{n}"' for n, url in enumerate(urls)), "ascii"
    )
    command = ["curl", "--silent", "--parallel", "--parallel-max", str(WORKERS * THREADS), "-K", str(config)]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    return time.perf_counter() - started


def work(urls: Sequence[str], folder: Path, rate: float | None, pipe: Connection) -> None:
    """One worker: processes its messages as the download step does, bundle by bundle."""
    chains = Chains([] if rate is None else [_chain({authority_of(url) for url in urls}, rate)])
    store = ObjectStore(str(folder / "store"))
    settings = FetchSettings(allowed=AllowedHosts.parse("127.0.0.0/8"))
    config = DownloadConfig(store, settings, Portals(chains, per_host=4), Plan(THREADS, wait=60.0))
    fetcher = Fetcher(settings)
    downloader = Downloader(config, fetcher, DeadLetters("download", store))
    downloads: Downloads[FileDiscovered, Outcome] = Downloads(config.plan, config.portals.limits)
    now, found, process = datetime.now(UTC), dict[str, str](), psutil.Process()
    messages = iter([FileDiscovered("bench", url, now) for url in urls])
    memory, done = 0, 0
    pipe.send("ready")
    pipe.recv()
    while bundle := list(islice(messages, BUNDLE_ELEMENTS)):
        results = []
        for message in bundle:
            delivery = config.portals.delivery_of(message)
            results += downloads.submit(
                message,
                identity=delivery,
                order=store_of(message),
                host=authority_of(message.url),
                work=partial(downloader.outcome, message, delivery),
            )
        for _, outcome in (*results, *downloads.finish()):
            value = outcome.value if isinstance(outcome, Ended) else outcome
            if isinstance(value, FileDownloaded):
                found[value.file_name] = value.content_sha256
        done += len(bundle)
        if not memory and done >= len(urls) // 5:
            memory = process.memory_info().rss
    now_used = process.memory_info().rss
    pipe.send((found, now_used / MB, (now_used - memory) / MB))


def _chain(authorities: set[str], rate: float) -> Chain:
    portals = tuple(
        PortalSettings(engine="directory_index", url=f"http://{one}/", rate=rate, concurrency=4)
        for one in sorted(authorities)
    )
    return Chain(key="bench", chain_ids=("7290000000001",), names={"en": "Bench"}, portals=portals)


def with_swarm(urls: Sequence[str], folder: Path, body: bytes, rate: float | None) -> tuple[float, Run, int]:
    """Runs the workers; returns the seconds, their memory, and the number of missing or wrong files."""
    shares: list[list[str]] = [[] for _ in range(WORKERS)]
    now = datetime.now(UTC)
    for url in urls:
        key = host_key(FileDiscovered("bench", url, now))
        shares[int(key.split()[-1]) % WORKERS].append(url)
    pipes = []
    for share in shares:
        near, far = multiprocessing.Pipe()
        multiprocessing.Process(target=work, args=(share, folder, rate, far), daemon=True).start()
        near.recv()
        pipes.append(near)
    started = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    found = [pipe.recv() for pipe in pipes]
    seconds = time.perf_counter() - started
    shas = {name: sha for files, _, _ in found for name, sha in files.items()}
    whole, wrong = hashlib.sha256(body), 0
    for name in (url.rpartition("/")[2] for url in urls):
        expected = whole.copy()
        expected.update(ending(name))
        wrong += shas.get(name) != expected.hexdigest()
    used = Run("", 0, 0, 0, max(memory for _, memory, _ in found), max(growth for _, _, growth in found))
    return seconds, used, wrong


def highest_rate(asked: Mapping[str, Sequence[float]]) -> float:
    """The maximum number of requests to one host within a second."""
    highest = 0
    for times in asked.values():
        first = 0
        for last, moment in enumerate(times):
            while moment - times[first] >= 1.0:
                first += 1
            highest = max(highest, last - first + 1)
    return float(highest)


def measure(files: int, hosts: int, kilobytes: int, rate: float, folder: Path) -> Result:
    """All three runs."""
    result = Result(os.cpu_count() or 0, round(os.getloadavg()[0], 2), hosts, rate, [])
    body = gzip.compress(random.Random(1).randbytes(kilobytes << 10), 1)
    megabytes = files * len(body) / MB
    urls = addresses(files, hosts)
    server, far = multiprocessing.Pipe()
    multiprocessing.Process(target=serve, args=(hosts, body, far), daemon=True).start()
    server.recv()
    for what, limit in (("curl --parallel", None), ("swarm", None), (f"swarm, {rate:g}/s a host", rate)):
        own = folder / f"{len(result.runs)}"
        own.mkdir()
        used, wrong = Run("", 0, 0, 0), 0
        if what.startswith("curl"):
            seconds = with_curl(urls, own)
        else:
            seconds, used, wrong = with_swarm(urls, own, body, limit)
        server.send("times")
        highest = highest_rate(server.recv())
        result.wrong += wrong
        result.runs.append(Run(what, files, seconds, megabytes, used.memory_mb, used.growth_mb, highest))
    return result


def show(result: Result) -> None:
    """Prints the table and the last line."""
    title = f"Files from {result.hosts} hosts (load average {result.load_average}, {result.cores} cores)"
    table = Table(title=title)
    table.add_column("run")
    for column in (
        "files",
        "seconds",
        "files/s",
        "MB/s",
        "MB, largest worker",
        "growth",
        "requests/s of a host",
    ):
        table.add_column(column, justify="right")
    for run in result.runs:
        figures = (run.seconds, run.per_second, run.megabytes / run.seconds, run.memory_mb, run.growth_mb)
        table.add_row(
            run.what, f"{run.files:,}", *(f"{one:,.1f}" for one in figures), f"{run.highest_rate:.0f}"
        )
    console = Console(width=130)
    console.print(table)
    swarm, limited = result.runs[1:]
    console.print(
        f"fetch: {swarm.files:,} files of {result.hosts} hosts: {swarm.per_second:,.0f} files/s, "
        f"{swarm.megabytes / swarm.seconds:,.0f} MB/s, {result.ratio:.2f} of curl, {swarm.memory_mb:.0f} MB "
        f"({swarm.growth_mb:+.0f} MB), at most {limited.highest_rate:.0f} of {result.rate:g} requests/s of a "
        f"host, {result.wrong} wrong",
        soft_wrap=True,
    )


@click.command()
@click.option("--files", default=10_000, show_default=True)
@click.option("--hosts", default=50, show_default=True)
@click.option("--kilobytes", default=200, show_default=True, help="Size of a file.")
@click.option("--rate", default=20.0, show_default=True, help="Requests a second to a host, in the last run.")
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/bench-fetch.json"))
def main(files: int, hosts: int, kilobytes: int, rate: float, output: Path) -> None:
    """Downloads beside plain curl, and within the hosts' rates."""
    with tempfile.TemporaryDirectory(prefix="gogobe-bench-") as folder:
        result = measure(files, hosts, kilobytes, rate, Path(folder))
    write_json(output, result)
    show(result)
    if result.wrong or result.runs[-1].highest_rate > rate * RATE_SLACK + 1:
        sys.exit(1)


if __name__ == "__main__":
    main()
