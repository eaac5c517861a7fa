"""Jobs from Flink's REST interface, from an HTTP server that answers as Flink does."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from gogobe.local.flink import (
    Checkpoint,
    FlinkJob,
    cancel_jobs,
    checkpoints,
    jobs,
    stop_with_savepoint,
    task_managers,
    wait_for_job,
)
from gogobe.local.processes import StackError, free_ports

pytestmark = pytest.mark.slow


class Flink(BaseHTTPRequestHandler):
    state = "RUNNING"
    stops = True
    starting = 0
    status = 503
    asked: ClassVar[list[str]] = []
    savepoints: ClassVar[list[object]] = []

    def do_GET(self):
        if Flink.starting:
            Flink.starting -= 1
            self.send_error(Flink.status)
        elif self.path.startswith("/jobs/a1/savepoints/"):
            Flink.asked.append(self.path)
            self._answer(Flink.savepoints.pop(0))
        elif self.path == "/overview":
            self._answer({"taskmanagers": 2, "slots-total": 8})
        elif self.path == "/jobs/overview":
            self._answer(
                {"jobs": [{"jid": "a1", "name": "ingest", "state": Flink.state, "tasks": {"total": 2}}]}
            )
        else:
            times = {"trigger_timestamp": 1000, "end_to_end_duration": 25}
            done = {"id": 7, "status": "COMPLETED", **times, "state_size": 10732, "x": 1}
            begun = {"id": 8, "status": "IN_PROGRESS", **times, "state_size": 0}
            self._answer({"counts": {"completed": 7, "failed": 1, "total": 9}, "history": [begun, done]})

    def do_POST(self):
        Flink.asked.append(self.path)
        self._answer({"request-id": "r1"})

    def do_PATCH(self):
        Flink.asked.append(self.path)
        if Flink.stops:
            Flink.state = "CANCELED"
        self._answer({})

    def _answer(self, body: object) -> None:
        content = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def rest() -> Iterator[list[str]]:
    """The addresses of a stack: no server at the first, one job at the second."""
    Flink.state, Flink.stops, Flink.asked = "RUNNING", True, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Flink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield [f"127.0.0.1:{free_ports(1)[0]}", f"127.0.0.1:{server.server_port}"]
    server.shutdown()
    server.server_close()


def test_jobs_are_found_wherever_one_runs(rest: list[str]):
    assert jobs(rest) == [FlinkJob("a1", "ingest", "RUNNING", rest[1])]
    assert jobs(rest[:1]) == []


def test_another_program_on_the_port_is_no_job(rest: list[str], monkeypatch: pytest.MonkeyPatch):
    """The ports for further jobs are chosen when the stack starts, and bound when a job does."""
    monkeypatch.setattr(Flink, "status", 404)
    Flink.starting = 1
    assert jobs(rest) == []


def test_a_job_is_waited_for_until_it_runs(rest: list[str]):
    Flink.starting = 3
    assert wait_for_job(rest, "ingest").id == "a1"
    with pytest.raises(StackError, match="other does not run: not to be seen"):
        wait_for_job(rest, "other", seconds=0.2)
    Flink.state = "FAILED"
    with pytest.raises(StackError, match="ingest does not run: FAILED"):
        wait_for_job(rest, "ingest")


def test_a_job_has_pages_for_people(rest: list[str]):
    (job,) = jobs(rest)
    assert job.page == f"http://{rest[1]}/#/job/running/a1/overview"
    assert job.checkpoints_page == f"http://{rest[1]}/#/job/running/a1/checkpoints"


def test_a_job_is_stopped_with_a_savepoint(rest: list[str]):
    (job,) = jobs(rest)
    waiting = {"status": {"id": "IN_PROGRESS"}, "operation": None}
    Flink.savepoints = [waiting, {"status": {"id": "COMPLETED"}, "operation": {"location": "file:/s/1"}}]
    assert stop_with_savepoint(job) == "file:/s/1"
    assert Flink.asked == ["/jobs/a1/stop", *["/jobs/a1/savepoints/r1"] * 2]
    Flink.savepoints = [{"operation": {"failure-cause": {"class": "x.CheckpointException", "stack-trace": ""}}}]
    with pytest.raises(StackError, match=r"ingest: Flink takes no savepoint \(x\.CheckpointException\)"):
        stop_with_savepoint(job)
    Flink.savepoints = [waiting] * 20
    with pytest.raises(StackError, match="no savepoint within 0 seconds"):
        stop_with_savepoint(job, seconds=0.3)


def test_a_cluster_has_none_before_it_answers(rest: list[str]):
    assert [task_managers(address) for address in rest] == [0, 2]
    Flink.starting = 1
    assert task_managers(rest[1]) == 0


def test_a_job_of_the_name_that_has_ended_is_not_the_new_one(rest: list[str]):
    Flink.state = "FINISHED"
    with pytest.raises(StackError, match="ingest does not run: FINISHED"):
        wait_for_job(rest, "ingest")
    with pytest.raises(StackError, match="ingest does not run: not "):
        wait_for_job(rest, "ingest", seconds=0.2, other_than={"a1"})


def test_checkpoints_have_duration_and_size(rest: list[str]):
    found = checkpoints(jobs(rest)[0])
    assert found.latest_completed == Checkpoint(7, "COMPLETED", 1000, 25, 10732)
    assert [one.id for one in found.history] == [8, 7]
    assert (found.counts.completed, found.counts.failed) == (7, 1)


def test_cancelling_waits_for_the_end(rest: list[str]):
    assert [job.name for job in cancel_jobs(rest)] == ["ingest"]
    assert Flink.asked == ["/jobs/a1?mode=cancel"]
    assert cancel_jobs(rest) == []
    assert len(Flink.asked) == 1


def test_jobs_that_are_not_asked_for_run_on(rest: list[str]):
    assert cancel_jobs(rest, ids=[]) == []
    assert cancel_jobs(rest, ids=["b2"]) == []
    assert Flink.asked == []
    assert [job.name for job in cancel_jobs(rest, ids=["b2", "a1"])] == ["ingest"]


def test_a_job_that_goes_on_is_named(rest: list[str]):
    Flink.stops = False
    with pytest.raises(StackError, match="ingest is RUNNING"):
        cancel_jobs(rest, seconds=0.3)
