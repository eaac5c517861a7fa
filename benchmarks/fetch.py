"""The download swarm under load: `python -m benchmarks.fetch [--files N] [--hosts N] [--rounds N]`.

Serves files on as many hosts of this machine, and fetches all of them in several rounds, in each of them four
times: with plain `curl --parallel`, which leaves them in the system's memory; with the same and `sync` after
it, as the pipeline has each file on the disk before it acknowledges it; with the scheduler and the fetcher of
the download step (bundles of 8, as on Flink, two workers, hosts spread over them); and with these without
waiting for the disk. A last run has a rate for each host. Prints a table with the medians and a last line with
the figures, and writes `var/bench-fetch.json`. Exit code 1 where a file is missing or wrong, or a host was
asked above its rate.
"""

from __future__ import annotations

import gzip
import hashlib
import multiprocessing
import os
import random
import resource
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
from typing import Final

import click
import psutil

from benchmarks.fetch_report import (
    CURL,
    CURL_SYNC,
    SWARM,
    SWARM_UNSAFE,
    WAYS,
    Result,
    Run,
    show,
)
from benchmarks.fetch_server import addresses, ending, serve
from benchmarks.measure import write_json
from gogobe.chains.chain import Chain, Chains
from gogobe.chains.portal import PortalSettings
from gogobe.feeds.ordering import store_of
from gogobe.io.download_work import Ended, Plan
from gogobe.io.downloads import Downloads
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
MB: Final = 1 << 20
# Tolerance for clock differences between processes, and for the time of a connection.
RATE_SLACK: Final = 1.02


def with_curl(urls: Sequence[str], folder: Path, *, is_synced: bool) -> tuple[float, float]:
    """Seconds and CPU seconds that `curl --parallel` takes, with as many transfers at once as the swarm has
    threads; with `is_synced`, until all is on the disk."""
    config = folder / "curl.txt"
    config.write_text(
        "\n".join(f'url = "{url}"\noutput = "{folder}/{n}"' for n, url in enumerate(urls)), "ascii"
    )
    most = str(WORKERS * THREADS)
    command = ["curl", "--no-progress-meter", "--parallel", "--parallel-max", most, "-K", str(config)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, check=True)
    if is_synced:
        subprocess.run(["sync", "--file-system", str(folder)], check=True)
    seconds = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def work(urls: Sequence[str], folder: Path, rate: float | None, is_synced: bool, pipe: Connection) -> None:
    """One worker: what the download step does with its messages, bundle by bundle."""
    if not is_synced:
        vars(os)["fsync"] = lambda _descriptor: None
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
    began = time.process_time()
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
    pipe.send((found, time.process_time() - began, now_used / MB, (now_used - memory) / MB))


def _chain(authorities: set[str], rate: float) -> Chain:
    portals = tuple(
        PortalSettings(engine="directory_index", url=f"http://{one}/", rate=rate, concurrency=4)
        for one in sorted(authorities)
    )
    return Chain(key="bench", chain_ids=("7290000000001",), names={"en": "Bench"}, portals=portals)


def with_swarm(
    urls: Sequence[str], folder: Path, body: bytes, rate: float | None, *, is_synced: bool = True
) -> tuple[Run, int]:
    """Runs the workers; what they used, and how many files are missing or wrong."""
    shares: list[list[str]] = [[] for _ in range(WORKERS)]
    now = datetime.now(UTC)
    for url in urls:
        key = host_key(FileDiscovered("bench", url, now))
        shares[int(key.split()[-1]) % WORKERS].append(url)
    pipes = []
    for share in shares:
        near, far = multiprocessing.Pipe()
        multiprocessing.Process(target=work, args=(share, folder, rate, is_synced, far), daemon=True).start()
        near.recv()
        pipes.append(near)
    started = time.perf_counter()
    for pipe in pipes:
        pipe.send("go")
    found = [pipe.recv() for pipe in pipes]
    seconds = time.perf_counter() - started
    shas = {name: sha for files, *_ in found for name, sha in files.items()}
    whole, wrong = hashlib.sha256(body), 0
    for name in (url.rpartition("/")[2] for url in urls):
        expected = whole.copy()
        expected.update(ending(name))
        wrong += shas.get(name) != expected.hexdigest()
    cpu, memory, growth = (list(column) for column in zip(*(one[1:] for one in found), strict=True))
    return Run("", len(urls), seconds, 0, sum(cpu), max(memory), max(growth)), wrong


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


class Bench:
    """Runs the ways to fetch from one server. `folder` takes the files, which are removed after each run."""

    def __init__(self, files: int, hosts: int, kilobytes: int, folder: Path) -> None:
        self._body = gzip.compress(random.Random(1).randbytes(kilobytes << 10), 1)
        self._megabytes = files * len(self._body) / MB
        self._urls = addresses(files, hosts)
        self._folder = folder
        self._server, far = multiprocessing.Pipe()
        multiprocessing.Process(target=serve, args=(hosts, self._body, far), daemon=True).start()
        self._server.recv()
        self.wrong = 0

    def run(self, way: str, rate: float | None = None) -> Run:
        """One run; `rate` is the swarm's, of each host."""
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            subprocess.run(["sync", "--file-system", folder], check=True)  # of the run before, nothing is left
            if way in (CURL, CURL_SYNC):
                seconds, cpu = with_curl(self._urls, Path(folder), is_synced=way == CURL_SYNC)
                run = Run(way, len(self._urls), seconds, self._megabytes, cpu)
            else:
                is_synced = way != SWARM_UNSAFE
                run, wrong = with_swarm(self._urls, Path(folder), self._body, rate, is_synced=is_synced)
                run.what, run.megabytes = way, self._megabytes
                self.wrong += wrong
        self._server.send("times")
        run.highest_rate = highest_rate(self._server.recv())
        return run


def measure(files: int, hosts: int, kilobytes: int, *, rate: float, rounds: int, folder: Path) -> Result:
    """All runs."""
    result = Result(os.cpu_count() or 0, round(os.getloadavg()[0], 2), hosts, rate, [])
    bench = Bench(files, hosts, kilobytes, folder)
    for number in range(rounds):
        ways = WAYS if number % 2 == 0 else WAYS[::-1]
        result.rounds.append([bench.run(way) for way in ways])
    result.limited = bench.run(f"{SWARM}, {rate:g}/s a host", rate)
    result.wrong = bench.wrong
    return result


@click.command()
@click.option("--files", default=10_000, show_default=True)
@click.option("--hosts", default=50, show_default=True)
@click.option("--kilobytes", default=200, show_default=True, help="Size of a file.")
@click.option("--rate", default=20.0, show_default=True, help="Requests a second to a host, in the last run.")
@click.option("--rounds", default=5, show_default=True, help="How often each way is measured.")
@click.option("--folder", type=click.Path(path_type=Path), default=None, help="Where files go, if not var/.")
@click.option("--json", "output", type=click.Path(path_type=Path), default=Path("var/bench-fetch.json"))
def main(
    *, files: int, hosts: int, kilobytes: int, rate: float, rounds: int, folder: Path | None, output: Path
) -> None:
    """Downloads beside plain curl, and within the hosts' rates."""
    place = folder or Path("var")
    place.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place) as own:
        result = measure(files, hosts, kilobytes, rate=rate, rounds=rounds, folder=Path(own))
    write_json(output, result)
    show(result)
    if result.wrong or result.limited is None or result.limited.highest_rate > rate * RATE_SLACK + 1:
        sys.exit(1)


if __name__ == "__main__":
    main()
