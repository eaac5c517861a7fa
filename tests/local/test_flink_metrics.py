"""The steps' metrics from what Flink's REST interface answers."""

from __future__ import annotations

import json
from urllib.parse import unquote

import pytest
import requests

from gogobe.local.flink import FlinkJob
from gogobe.local.flink_metrics import StepMetric, merged, step_metrics
from tests.portals import Request, Response, portal

STEP = "[12]{Spread_downloads__Download__Key_downloaded__Record_waiting__All_dead_letter"


def test_values_of_all_workers_are_combined():
    values = [
        (f"0.{STEP}.gogobe_parse_rows", "500"),
        (f"1.{STEP}.gogobe_parse_rows", "1500"),
        (f"0.{STEP}.gogobe_load_dead_letters_internal_error", "2"),
        (f"0.{STEP}.gogobe_parse_file_milliseconds", "DistributionResult{sum=900, count=3, min=200, max=400}"),
        (f"1.{STEP}.gogobe_parse_file_milliseconds", "DistributionResult{sum=100, count=1, min=100, max=100}"),
        (f"0.{STEP}.gogobe_match_snapshot_age_seconds", "GaugeResult{value=7, timestamp=2026-08-11T06:00:00Z}"),
        (f"1.{STEP}.gogobe_match_snapshot_age_seconds", "GaugeResult{value=9, timestamp=2026-08-11T06:00:00Z}"),
        (f"0.{STEP}.numRecordsIn", "17"),
        ("0.Source.KafkaIOReader_rawSize/gogobe_files_discovered-0", "17"),
    ]
    assert merged(values) == [
        StepMetric("load_dead_letters_internal_error", "counter", 2),
        StepMetric("match_snapshot_age_seconds", "gauge", 9),
        StepMetric("parse_file_milliseconds", "distribution", 1000, 4),
        StepMetric("parse_rows", "counter", 2000),
    ]


def test_all_vertices_of_a_job_are_read():
    """Flink answers names, and then values of the names that it is asked for."""
    names = {
        "v1": [f"{number}.{STEP}.gogobe_download_files" for number in range(100)],
        "v2": ["0.Sink.numRecordsIn", "0.[2]{Publish_gogobe_files}.gogobe_load_rows"],
    }

    def answer(request: Request) -> Response:
        path, _, query = request.path.partition("?get=")
        if path == "/jobs/j":
            return Response(body=json.dumps({"vertices": [{"id": one, "name": "x"} for one in names]}).encode())
        known = names[path.split("/")[4]]
        asked = [one for one in known if one in unquote(query).split(",")]
        found = [{"id": one, "value": "2"} for one in asked] if query else [{"id": one} for one in known]
        return Response(body=json.dumps(found).encode())

    with portal(answer) as running:
        job = FlinkJob("j", "gogobe-ingest", "RUNNING", running.url.removeprefix("http://"))
        found = step_metrics(job)
    assert found == [
        StepMetric("download_files", "counter", 2 * 100),
        StepMetric("load_rows", "counter", 2),
    ]
    assert all(len(one.path) < 4000 for one in running.requests)


def test_a_job_that_flink_does_not_know_is_an_error():
    with portal(lambda _: Response(404)) as running, pytest.raises(requests.RequestException):
        step_metrics(FlinkJob("j", "gogobe-ingest", "RUNNING", running.url.removeprefix("http://")))
