"""The health of a job from Flink's answers; an error of a stack trace in a sentence."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gogobe.local.flink import FlinkJob
from gogobe.local.flink_health import JobHealth, job_health, sentence_of

PYTHON_TRACE = """java.lang.RuntimeException: Error received from SDK harness for instruction 12: Traceback (most recent call last):
  File "apache_beam/runners/common.py", line 1498, in apache_beam.runners.common.DoFnRunner.process
  File "/x/gogobe/database/load/loader.py", line 80, in load
    copy_rows(cursor)
psycopg.errors.DiskFull: could not extend file "base/5/1249": No space left on device
HINT:  Check free disk space.

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "/x/worker.py", line 5, in run
    work()
psycopg.errors.DiskFull: could not extend file "base/5/1249": No space left on device [while running 'Load-ptransform-7']
HINT:  Check free disk space.

\tat java.base/java.util.concurrent.CompletableFuture.get(CompletableFuture.java:395)
Caused by: java.lang.RuntimeException: Error received from SDK harness
\tat org.apache.beam.runners.fnexecution.control.FnApiControlClient.x(FnApiControlClient.java:1)
"""
JAVA_TRACE = """org.apache.flink.runtime.JobException: Recovery is suppressed
\tat org.apache.flink.A.b(A.java:1)
Caused by: java.util.concurrent.ExecutionException: worker
\tat org.apache.flink.A.b(A.java:1)
Caused by: java.io.IOException: No space left on device
\t... 12 more
"""


@pytest.mark.parametrize(
    ("trace", "sentence"),
    [
        (PYTHON_TRACE, 'psycopg.errors.DiskFull: could not extend file "base/5/1249": No space left on device'),
        (JAVA_TRACE, "java.io.IOException: No space left on device"),
        ("java.lang.Exception: one line", "java.lang.Exception: one line"),
        ("", ""),
        ("x: " + "y" * 1000, "x: " + "y" * 295 + " …"),
    ],
)
def test_the_error_is_one_sentence(trace: str, sentence: str):
    assert sentence_of(trace) == sentence


ANSWERS = {
    "/jobs/a1": {"start-time": 1000, "timestamps": {"RUNNING": 9000, "FAILED": 0}, "state": "RUNNING"},
    "/jobs/a1/exceptions?maxExceptions=1": {
        "exceptionHistory": {"entries": [{"stacktrace": JAVA_TRACE, "timestamp": 8000, "x": 1}]}
    },
    "/jobs/a1/metrics?get=numRestarts": [{"id": "numRestarts", "value": "3"}],
    "/jobs/a1/checkpoints": {
        "counts": {"completed": 7, "failed": 1},
        "latest": {"completed": {"trigger_timestamp": 20_000, "end_to_end_duration": 25, "state_size": 99}},
    },
}


class Flink(BaseHTTPRequestHandler):
    def do_GET(self):
        content = json.dumps(ANSWERS[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def rest() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_job_is_asked_about_everything(rest: str):
    job = FlinkJob("a1", "gogobe-ingest", "RUNNING", rest)
    assert job_health(job) == JobHealth(
        name="gogobe-ingest",
        state="RUNNING",
        page=job.page,
        since=9.0,
        restarts=3,
        error="java.io.IOException: No space left on device",
        error_at=8.0,
        checkpoint_at=20.0,
        checkpoint_seconds=0.025,
        checkpoint_bytes=99,
        checkpoints=7,
        failed_checkpoints=1,
    )
