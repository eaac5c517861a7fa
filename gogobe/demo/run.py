"""The guided run: the stack, the pipeline, the portals and their crawler, and the outcome of each file."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from apache_beam.runners.runner import PipelineState

from gogobe.commands.follow import FileOutcome, by_state, follow
from gogobe.commands.progress import progress_line
from gogobe.commands.space import space_watched
from gogobe.commands.terminal import PlainConsole, counted
from gogobe.database.announcements import AnnouncedFile, announced_files
from gogobe.database.comparisons import MasterComparison, most_sold, newest_price, sold_by_weight
from gogobe.database.connection import connect
from gogobe.database.matches import joined_by_name, matches_by_chain
from gogobe.database.review.pairs import undecided_pairs
from gogobe.database.views import refresh_views
from gogobe.demo.masters import ensure_snapshot
from gogobe.demo.replicas import DemoPortals, portals_service
from gogobe.demo.report import (
    ChainPrice,
    CrawledPortal,
    ProductComparison,
    RunReport,
    items_per_second,
    latencies,
    show_report,
)
from gogobe.discovery.agent import AgentSettings, agent_name, list_once
from gogobe.discovery.announcer import Topic
from gogobe.discovery.health import Listing
from gogobe.discovery.metrics import Metrics
from gogobe.discovery.portal import Portal
from gogobe.io.kafka.topics import lag
from gogobe.io.networks import AllowedHosts
from gogobe.local.flink import cancel_jobs, wait_for_job
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.masters.published.store import SnapshotStore
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.options import flags_of, flink_flags
from gogobe.pipelines.submission import submit
from gogobe.records.messages import DISCOVERED
from gogobe.settings import Settings, stack_settings

JOB_NAME: Final = "gogobe-ingest"
FETCH_WAIT: Final = 60.0
FOLLOW_SECONDS: Final = 240.0
OFFSET_SECONDS: Final = 120.0
LEASE_SECONDS: Final = 10.0
PRODUCTS_SHOWN: Final = 12
SOLD_BY_WEIGHT: Final = ("עגבניה", "מלפפון", "בננה", "חזה עוף", "גזר", "תפוח אדמה לבן", "בצל יבש", "לימון")
"""A basket, found as `gogobe prices` finds it: tomato, cucumber, banana, chicken breast, carrot, white potato,
onion and lemon."""
JOINED_SHOWN: Final = 15
PAIRS_SHOWN: Final = 8


class DemoError(Exception):
    """A run that did not complete; the message names what is missing and where to look."""


def run_demo(
    var: Path, console: PlainConsole, task_managers: int = 0, show: Callable[[RunReport], None] | None = None
) -> RunReport:
    """Starts everything below `var`, loads the bundled feeds, writes `last-run.json`, stops what it started and
    calls `show` with the report; without it, prints the tables. `console` gets the progress. `task_managers`:
    on a Flink cluster of so many. Raises StackError or DemoError."""
    with (
        progress_line(console, "Starting Kafka, PostgreSQL, Flink …") as say,
        space_watched([var]),
        running_stack(var, task_managers=task_managers) as stack,
    ):
        (var / "last-run.json").unlink(missing_ok=True)
        report = load_bundled_feeds(stack, var, say)
    (var / "last-run.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    if show is None:
        show_report(console, report)
    else:
        show(report)
    waiting = [file.file for file in report.files if not file.ended]
    if waiting:
        raise DemoError(
            f"{counted(len(waiting), 'file')} did not end ({waiting[0]} …): see the logs in {var / 'log'}"
        )
    return report


def load_bundled_feeds(stack: StackAddresses, var: Path, say: Callable[[str], None]) -> RunReport:
    """Publishes the bundled feeds on replicas of portals, crawls these, and runs the pipeline on a stack until
    every announced file has ended. `say` gets the progress."""
    started = datetime.now(UTC)
    say("Building the masters snapshot …")
    ensure_snapshot(SnapshotStore(stack_settings(stack, var).masters), var / "snapshots" / "demo")
    with portals_service(var) as portals:
        say("Submitting the pipeline …")
        flags = pipeline_flags(stack, var, ",".join(portals.hosts), str(portals.chains_file))
        pipeline = submit(INGEST_JOB, flags)
        try:
            wait_for_job(stack.flink, JOB_NAME)
            say(f"Crawling {len(portals.portals)} portals …")
            crawled = crawl(stack, portals)
            files = _follow(stack, _announced(stack, portals), pipeline, say)
            say("Waiting for the checkpoint that commits the offsets …")
            _wait_for_offsets(stack)
        finally:
            cancel_jobs(stack.flink)
    refresh_views(stack.database)
    return _report(stack, var, crawled, files, started)


def pipeline_flags(stack: StackAddresses, var: Path, fetch_hosts: str, chains: str = "") -> list[str]:
    """The options of an ingest job on a local stack, with its object store below `var`.

    `fetch_hosts` lists the portals of this machine (HOST:PORT) that the job may download from; `chains` is the
    chains file that describes them.
    """
    settings = msgspec.structs.replace(
        stack_settings(stack, var),
        views_every=5.0,
        fetch_hosts=fetch_hosts,
        # No agent runs that would announce a slow file again.
        fetch_wait=FETCH_WAIT,
        chains=chains,
    )
    to_flink = flink_flags(
        stack.job_endpoint, stack.worker_pool, JOB_NAME, stack.parallelism, stack.task_managers
    )
    return [*to_flink, *flags_of(settings)]


def crawl(stack: StackAddresses, portals: DemoPortals) -> list[tuple[Portal, Listing]]:
    """Lists every portal once and announces the files that are new, as `gogobe crawl --once` does.

    Returns each portal with its listing. Raises DemoError if a portal could not be listed.
    """
    settings = AgentSettings(
        stack.database_loader,
        Topic(stack.kafka),
        agent_name(),
        AllowedHosts.parse(",".join(portals.hosts)),
        lease=LEASE_SECONDS,
    )
    listings = asyncio.run(list_once(portals.portals, settings, Metrics()))
    for key, listing in listings.items():
        if listing.error is not None:
            raise DemoError(f"the portal of {key} could not be listed: {listing.error}")
    return [(portal, listings[portal.key]) for portal in portals.portals]


def _announced(stack: StackAddresses, portals: DemoPortals) -> list[AnnouncedFile]:
    """The files of these portals that this run or an earlier one has announced."""
    with connect(stack.database_reader) as connection:
        files = announced_files(connection, [portal.chain for portal in portals.portals])
    addresses = tuple(f"http://{host}/" for host in portals.hosts)
    return [file for file in files if file.url.startswith(addresses)]


def _follow(
    stack: StackAddresses, files: Sequence[AnnouncedFile], pipeline: Any, say: Callable[[str], None]
) -> list[FileOutcome]:
    def show(found: Sequence[FileOutcome]) -> None:
        states = ", ".join(f"{count} {state}" for state, count in sorted(by_state(found).items()))
        say(f"{counted(len(found), 'file')} announced: {states} …")

    def check() -> None:
        if PipelineState.is_terminal(pipeline.state):
            raise DemoError(f"the pipeline ended by itself ({pipeline.state}): see log/flink.log")

    return follow(stack.database_reader, files, seconds=FOLLOW_SECONDS, show=show, check=check)


def _wait_for_offsets(stack: StackAddresses) -> None:
    """Offsets follow commits by a checkpoint; a pipeline that is stopped before it repeats its work."""
    deadline = time.monotonic() + OFFSET_SECONDS
    while behind := lag(stack.kafka, Settings().group, DISCOVERED):
        if time.monotonic() > deadline:
            raise DemoError(f"no checkpoint has committed the last {behind} offsets: see log/flink.log")
        time.sleep(0.5)


def _report(
    stack: StackAddresses,
    var: Path,
    crawled: Sequence[tuple[Portal, Listing]],
    files: list[FileOutcome],
    started: datetime,
) -> RunReport:
    median, p95 = latencies(files, started)
    as_of = newest_price(stack.database_reader)  # the bundled files are old: their newest is the present here
    return RunReport(
        started_at=started.isoformat(),
        seconds=time.time() - started.timestamp(),
        portals=[
            CrawledPortal(portal.chain, portal.settings.engine, listing.files, listing.announced)
            for portal, listing in crawled
        ],
        files=files,
        latency_median=median,
        latency_p95=p95,
        items=sum(file.loaded + file.unchanged + file.stale for file in files),
        items_per_second=items_per_second(files, started),
        newly_loaded=sum(file.loaded for file in files if file.is_loaded_since(started)),
        comparison=_compared(most_sold(stack.database_reader, PRODUCTS_SHOWN, as_of)),
        by_weight=_compared(sold_by_weight(stack.database_reader, SOLD_BY_WEIGHT, as_of)),
        masters_version=SnapshotStore(stack_settings(stack, var).masters).current(),
        matches=matches_by_chain(stack.database_reader),
        joined_by_name=joined_by_name(stack.database_reader, JOINED_SHOWN),
        to_review=undecided_pairs(stack.database_reader, PAIRS_SHOWN),
    )


def _compared(masters: Sequence[MasterComparison]) -> list[ProductComparison]:
    return [
        ProductComparison(
            master.master_id,
            master.name or "",
            [
                ChainPrice(price.chain, f"{price.cheapest:.2f}", f"{price.last_seen_at:%Y-%m-%d}", price.is_old)
                for price in master.prices
            ],
        )
        for master in masters
    ]
