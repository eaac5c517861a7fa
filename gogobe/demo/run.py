"""The guided run: the stack, the pipeline, the bundled feeds, and what became of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import msgspec
from apache_beam.runners.runner import PipelineState

from gogobe.commands.terminal import PlainConsole, styled
from gogobe.database.matches import joined_by_name, matches_by_chain
from gogobe.database.queries import MasterComparison, sold_by_weight, well_known
from gogobe.database.review.pairs import undecided_pairs
from gogobe.database.views import refresh_views
from gogobe.demo.follow import FileOutcome, by_state, follow
from gogobe.demo.masters import ensure_snapshot
from gogobe.demo.portal import Published, running_portal
from gogobe.demo.report import (
    ChainPrice,
    ProductComparison,
    RunReport,
    items_per_second,
    latencies,
    show_report,
)
from gogobe.feeds.ordering import store_of
from gogobe.io.kafka.topics import lag, publish
from gogobe.local.flink import cancel_jobs
from gogobe.local.stack import StackAddresses, running_stack
from gogobe.masters.published.store import SnapshotStore
from gogobe.pipelines.ingest import INGEST_JOB
from gogobe.pipelines.options import flags_of, flink_flags
from gogobe.pipelines.submission import submit
from gogobe.records.messages import DISCOVERED, FileDiscovered, encode
from gogobe.settings import Settings

FOLLOW_SECONDS: Final = 240.0
OFFSET_SECONDS: Final = 30.0
PRODUCTS_SHOWN: Final = 12
SOLD_BY_WEIGHT: Final = ("עגבניה", "מלפפון", "בננה", "גזר", "תפוח אדמה לבן", "בצל יבש", "לימון", "חזה עוף")
"""Tomato, cucumber, banana, carrot, white potato, onion, lemon and chicken breast."""
JOINED_SHOWN: Final = 15
PAIRS_SHOWN: Final = 8


class DemoError(Exception):
    """The run did not come to its end; the message says what is missing and where to look."""


def run_demo(var: Path, console: PlainConsole) -> RunReport:
    """Starts everything below `var`, loads the bundled feeds, prints the tables, writes `last-run.json` and
    stops what it started. Raises StackError or DemoError."""
    (var / "last-run.json").unlink(missing_ok=True)
    with console.status("Starting Kafka, PostgreSQL, Flink …") as status, running_stack(var) as stack:
        report = load_bundled_feeds(stack, var, lambda text: status.update(styled(text, "")))
    (var / "last-run.json").write_bytes(msgspec.json.format(msgspec.json.encode(report)))
    show_report(console, report)
    waiting = [file.file for file in report.files if not file.ended]
    if waiting:
        raise DemoError(f"{len(waiting)} files came to no end ({waiting[0]} …): see the logs in {var / 'log'}")
    return report


def load_bundled_feeds(stack: StackAddresses, var: Path, say: Callable[[str], None]) -> RunReport:
    """Runs the pipeline on a stack until the bundled feeds have come to their ends; `say` hears of progress."""
    started = datetime.now(UTC)
    say("Building the masters snapshot …")
    ensure_snapshot(SnapshotStore(masters_folder(var)), var / "snapshots" / "demo")
    with running_portal(var / "portal.port") as portal:
        say("Submitting the pipeline …")
        pipeline = submit(INGEST_JOB, pipeline_flags(stack, var, portal.host))
        try:
            files = _load(stack, portal.published, pipeline, say)
            say("Waiting for the checkpoint that commits the offsets …")
            _wait_for_offsets(stack)
        finally:
            cancel_jobs(stack.flink)
    refresh_views(stack.database)
    return _report(stack, var, files, started)


def masters_folder(var: Path) -> str:
    """Where the snapshots of a local stack lie."""
    return str(var.absolute() / "masters")


def pipeline_flags(stack: StackAddresses, var: Path, fetch_hosts: str) -> list[str]:
    """The options of an ingest job on a local stack, its object store below `var`; `fetch_hosts` is the portal
    on this machine (HOST:PORT) that it may download from, and nothing else of this machine."""
    settings = Settings(
        kafka=stack.kafka,
        database=stack.database,
        expansion_service=stack.expansion_service,
        store=str(var.absolute() / "store"),
        masters=masters_folder(var),
        views_every=5.0,
        fetch_hosts=fetch_hosts,
    )
    return [*flink_flags(stack.job_endpoint, stack.worker_pool, "gogobe-ingest"), *flags_of(settings)]


def _load(
    stack: StackAddresses, published: Sequence[Published], pipeline: Any, say: Callable[[str], None]
) -> list[FileOutcome]:
    announced_at = datetime.now(UTC)
    messages = [FileDiscovered(chain=one.chain, url=one.url, timestamp=announced_at) for one in published]
    publish(stack.kafka, DISCOVERED, [(store_of(message).encode(), encode(message)) for message in messages])

    def show(files: Sequence[FileOutcome]) -> None:
        states = ", ".join(f"{count} {state}" for state, count in sorted(by_state(files).items()))
        say(f"{len(files)} files announced: {states} …")

    def check() -> None:
        if PipelineState.is_terminal(pipeline.state):
            raise DemoError(f"the pipeline ended by itself ({pipeline.state}): see log/flink.log")

    urls = [one.url for one in published]
    return follow(stack.database, urls, announced_at, seconds=FOLLOW_SECONDS, show=show, check=check)


def _wait_for_offsets(stack: StackAddresses) -> None:
    """Offsets follow commits by a checkpoint; a pipeline that is stopped before it would do its work again."""
    deadline = time.monotonic() + OFFSET_SECONDS
    while behind := lag(stack.kafka, Settings().group, DISCOVERED):
        if time.monotonic() > deadline:
            raise DemoError(f"no checkpoint has committed the last {behind} offsets: see log/flink.log")
        time.sleep(0.5)


def _report(stack: StackAddresses, var: Path, files: list[FileOutcome], started: datetime) -> RunReport:
    median, p95 = latencies(files)
    fresh = [file for file in files if file.first_row_seconds is not None]
    return RunReport(
        started_at=started.isoformat(),
        seconds=time.time() - started.timestamp(),
        files=files,
        latency_median=median,
        latency_p95=p95,
        items=sum(file.loaded + file.unchanged + file.stale for file in files),
        items_per_second=items_per_second(files),
        newly_loaded=sum(file.loaded for file in fresh),
        comparison=_compared(well_known(stack.database, PRODUCTS_SHOWN)),
        by_weight=_compared(sold_by_weight(stack.database, SOLD_BY_WEIGHT)),
        masters_version=SnapshotStore(masters_folder(var)).current(),
        matches=matches_by_chain(stack.database),
        joined_by_name=joined_by_name(stack.database, JOINED_SHOWN),
        to_review=undecided_pairs(stack.database, PAIRS_SHOWN),
    )


def _compared(masters: Sequence[MasterComparison]) -> list[ProductComparison]:
    return [
        ProductComparison(
            master.master_id,
            master.name or "",
            [ChainPrice(price.chain, f"{price.cheapest:.2f}") for price in master.prices],
        )
        for master in masters
    ]
