"""`gogobe metrics`: what Prometheus gets of the pipeline."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from prometheus_client.parser import text_string_to_metric_families

from gogobe.cli import main
from gogobe.commands.pipeline_metrics import families
from gogobe.database.connection import Connection
from gogobe.database.waiting import record_waiting
from gogobe.local.flink_metrics import StepMetric
from gogobe.local.processes import free_ports
from gogobe.records.messages import WaitingFile
from tests.portals import Request, Response, portal

NOW = datetime(2026, 8, 11, 6, tzinfo=UTC)
VALUES = {
    "0.{Parse}.gogobe_parse_rows": "500",
    "0.{Fetch}.gogobe_download_waiting_too_slow": "3",
    "0.{Parse}.gogobe_parse_file_milliseconds": "DistributionResult{sum=900, count=3, min=200, max=400}",
}


def flink(request: Request) -> Response:
    """A Flink with one job."""
    path, _, query = request.path.partition("?")
    jobs = [{"jid": "j", "name": "gogobe-ingest", "state": "RUNNING"}]
    checkpoint = {"id": 1, "status": "COMPLETED", "trigger_timestamp": 1, "end_to_end_duration": 2500}
    answers = {
        "/jobs/overview": {"jobs": jobs},
        "/jobs/j/checkpoints": {
            "counts": {"completed": 4, "failed": 1},
            "history": [{**checkpoint, "state_size": 10732}],
        },
        "/jobs/j": {"vertices": [{"id": "v"}]},
        "/jobs/j/vertices/v/metrics": [{"id": name, **({"value": value} if query else {})}
                                       for name, value in VALUES.items()],
    }  # fmt: skip
    return Response(body=json.dumps(answers[path]).encode())


def scrape(folder: Path, *arguments: str, **environment: str) -> dict[tuple[str, ...], float]:
    done = CliRunner().invoke(main, ["metrics", "--once", "--var", str(folder), *arguments], env=environment)
    assert done.exit_code == 0, done.output
    samples = [sample for one in text_string_to_metric_families(done.stdout) for sample in one.samples]
    return {(one.name, *one.labels.values()): one.value for one in samples}


def test_the_pipeline_s_metrics(tmp_path: Path, db: Connection, dsn: str):
    waiting = WaitingFile(
        chain="wolt", url="http://p/PriceFull1.gz", file_name="PriceFull1.gz", discovered_at=NOW, host="p",
        reason="too_slow", detail="", is_signed=False, attempts=1, waiting_since=NOW, failed_at=NOW, due_at=NOW,
    )  # fmt: skip
    record_waiting(dsn, [waiting])
    with portal(flink) as running:
        found = scrape(tmp_path, "--flink", running.url.removeprefix("http://"), GOGOBE_DATABASE=dsn)
    assert found == {
        ("gogobe_up", "flink"): 1,
        ("gogobe_up", "database"): 1,
        ("gogobe_job_running", "gogobe-ingest"): 1,
        ("gogobe_job_checkpoints_total", "gogobe-ingest", "completed"): 4,
        ("gogobe_job_checkpoints_total", "gogobe-ingest", "failed"): 1,
        ("gogobe_job_checkpoint_seconds", "gogobe-ingest"): 2.5,
        ("gogobe_job_checkpoint_bytes", "gogobe-ingest"): 10732,
        ("gogobe_parse_rows_total", "gogobe-ingest"): 500,
        ("gogobe_download_waiting_total", "gogobe-ingest", "too_slow"): 3,
        ("gogobe_parse_file_seconds_count", "gogobe-ingest"): 3,
        ("gogobe_parse_file_seconds_sum", "gogobe-ingest"): 0.9,
        ("gogobe_waiting_files", "wolt", "p", "too_slow"): 1,
    }


def test_a_source_out_of_reach_is_reported_and_the_others_are_read(tmp_path: Path):
    (port,) = free_ports(1)
    with portal(flink) as running:
        address = running.url.removeprefix("http://")
        found = scrape(
            tmp_path, "--flink", address, GOGOBE_DATABASE=f"postgresql://gogobe@127.0.0.1:{port}/gogobe"
        )
    assert found["gogobe_up", "database"] == 0
    assert found["gogobe_parse_rows_total", "gogobe-ingest"] == 500


@pytest.mark.parametrize(
    ("step", "name", "labels", "value"),
    [
        (StepMetric("load_rows", "counter", 7), "gogobe_load_rows_total", ["j"], 7),
        (StepMetric("load_dead_letters_x", "counter", 7), "gogobe_load_dead_letters_total", ["j", "x"], 7),
        (StepMetric("dead_letters_unrecorded", "counter", 7), "gogobe_dead_letters_unrecorded_total", ["j"], 7),
        (StepMetric("match_snapshot_age_seconds", "gauge", 7), "gogobe_match_snapshot_age_seconds", ["j"], 7),
        (StepMetric("match_batch_microseconds", "distribution", 7_000_000, 2), "gogobe_match_batch_seconds_sum",
         ["j"], 7),
    ],
)  # fmt: skip
def test_names_and_units(step: StepMetric, name: str, labels: list[str], value: float):
    samples = {one.name: one for family in families([("j", step)]) for one in family.samples}
    assert list(samples[name].labels.values()) == labels
    assert samples[name].value == value
