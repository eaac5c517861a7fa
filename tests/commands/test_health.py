"""What `gogobe status` makes of what it finds, and how it shows it."""

from __future__ import annotations

import io
import socket
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest
from click.testing import CliRunner
from rich.cells import cell_len

from gogobe.cli import main
from gogobe.commands.health import DeadService, Findings, assess, done_a_minute
from gogobe.commands.probes import UnansweredError, ask_all
from gogobe.commands.space import Disk
from gogobe.commands.status import show
from gogobe.commands.terminal import PlainConsole
from gogobe.database.activity import Activity, IllPortal, OpenLetters, UnderWay, WaitingFiles
from gogobe.io.kafka.progress import TopicProgress
from gogobe.local.flink_health import JobHealth
from gogobe.local.stack import ServiceStatus, Stack
from gogobe.records.messages import DISCOVERED
from tests.commands.conftest import Gogobe
from tests.local.waiting import wait_for

NOW = 1_790_000_000.0
AT = datetime.fromtimestamp(NOW, UTC)
JOB = JobHealth(
    name="gogobe-ingest",
    state="RUNNING",
    page="http://127.0.0.1:13513/#/job/running/5a0bed1a3e52c6bb0620c56b979380c1/overview",
    since=NOW - 7200,
    restarts=0,
    checkpoint_at=NOW - 3,
    checkpoint_seconds=0.4,
    checkpoint_bytes=12_000,
    checkpoints=900,
)
ACTIVITY = Activity(
    now=AT,
    recent={"loaded": 120},
    under_way_count=1,
    under_way=[UnderWay("PriceFull7290027600007-001-202608070600.gz", "shufersal", 3.0)],
    letters=[],
    waiting=[],
    portals=10,
    ill_portals=[],
    loaded_at=AT - timedelta(seconds=20),
    views_at=AT - timedelta(seconds=5),
)


def service(name: str, *, running: bool = True, **other: Any) -> ServiceStatus:
    return ServiceStatus(name, running, 4711, f"/var/lib/gogobe/log/{name}.log", NOW - 7200, **other)


NAMES = ("Flink job server", "Expansion service", "Java worker", "Python worker pool", "PostgreSQL", "Kafka")
SERVICES = [service(name) for name in (*NAMES, "Supervisor")]


def findings(**changes: Any) -> Findings:
    found: dict[str, Any] = {
        "at": NOW,
        "services": SERVICES,
        "jobs": [JOB],
        "topics": [TopicProgress(DISCOVERED, 1000, 20, 5, 995)],
        "activity": ACTIVITY,
        "disks": [Disk("/var/lib/gogobe", 50 << 30, 100 << 30)],
    }
    return Findings(**(found | changes))


def with_service(name: str, **changes: Any) -> list[ServiceStatus]:
    return [msgspec.structs.replace(one, **changes) if one.name == name else one for one in SERVICES]


def job(**changes: Any) -> list[JobHealth]:
    return [msgspec.structs.replace(JOB, **changes)]


def activity(**changes: Any) -> Activity:
    return msgspec.structs.replace(ACTIVITY, **changes)


def test_all_is_well():
    report = assess(findings())
    assert (report.state, report.problems, report.notes) == ("healthy", [], [])


@pytest.mark.parametrize(
    ("changes", "state", "said"),
    [
        (
            {"services": with_service("Kafka", running=False)},
            "down",
            "Kafka has died: the supervisor starts it",
        ),
        (
            {"services": with_service("Kafka", running=False, held=True)},
            "down",
            "Kafka was stopped: `gogobe up`",
        ),
        (
            {"services": with_service("Kafka", running=False, given_up=True)},
            "down",
            "Kafka died 6 times in ten minutes and stays down",
        ),
        ({"services": with_service("Supervisor", running=False)}, "ill", "the supervisor does not run"),
        (
            {"services": [one for one in with_service("Kafka", running=False) if one.name != "Supervisor"]},
            "down",
            "Kafka has died: `gogobe up` starts it again",
        ),
        ({"services": with_service("Kafka", restarts=2)}, "ill", "Kafka was started again 2 times"),
        (
            {"unanswered": {"PostgreSQL": "no answer within 4 seconds"}},
            "down",
            "PostgreSQL does not answer: no",
        ),
        ({"silent": ["Java worker"]}, "down", "Java worker runs and does not answer: the supervisor starts it"),
        (
            {"silent": ["Kafka"], "services": with_service("Kafka", since=NOW - 20, restarts=1)},
            "ill",
            "Kafka is starting: it does not answer yet",
        ),
        ({"silent": ["Supervisor"]}, "ill", "the supervisor hangs"),
        ({"disks": [Disk("/data", 10 << 20, 1 << 30)]}, "down", "the disk of /data is full: 10 MB are left"),
        ({"disks": [Disk("/data", 800 << 20, 9 << 30)]}, "ill", "the disk of /data is almost full: 800 MB"),
        ({"jobs": [], "lost_jobs": ["gogobe-ingest"]}, "down", "gogobe-ingest was submitted and does not run"),
        (
            {
                "jobs": job(
                    since=NOW - 4, restarts=7, error="psycopg.errors.DiskFull: No space left", error_at=NOW - 9
                )
            },
            "down",
            "gogobe-ingest is in a crash loop, 7 times restarted: psycopg.errors.DiskFull: No space left; "
            "it waits for room on a disk",
        ),
        ({"jobs": job(restarts=9, error="it broke", error_at=NOW - 99)}, "ill", "restarted 99 s ago: it broke"),
        ({"jobs": job(restarts=1, error="it broke", error_at=NOW - 9)}, "ill", "restarted 9.0 s ago: it broke"),
        (
            {"jobs": job(state="RESTARTING", error="it broke", error_at=NOW - 9e3)},
            "ill",
            "is restarting: it broke",
        ),
        ({"jobs": job(state="FAILED")}, "down", "gogobe-ingest has failed"),
        ({"jobs": job(checkpoint_at=NOW - 900)}, "ill", "no checkpoint for 15 min"),
        ({"jobs": []}, "ill", "5 messages waiting and no job runs"),
        (
            {"jobs": [], "topics": [TopicProgress(DISCOVERED, 40, 0, None, None)]},
            "ill",
            "40 messages waiting and no job runs",
        ),
        ({"activity": activity(loaded_at=AT - timedelta(hours=2))}, "ill", "no file was completed for 2.0 h"),
        (
            {
                "topics": [],
                "activity": activity(loaded_at=AT - timedelta(minutes=20), views_at=AT - timedelta(minutes=30)),
            },
            "ill",
            "the views were not refreshed since the load 20 min ago",
        ),
    ],
)
def test_what_is_wrong_is_said(changes: dict[str, Any], state: str, said: str):
    report = assess(findings(**changes))
    assert report.state == state
    assert said in " ".join(report.problems)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"jobs": [], "topics": []}, "no job runs"),
        (
            {"activity": activity(letters=[OpenLetters("parse", "truncated", 1200)])},
            "1,200 open dead letters",
        ),
        (
            {"activity": activity(ill_portals=[IllPortal("cofix", 4, None, "no answer")])},
            "1 of 10 portals without an answer",
        ),
    ],
)
def test_what_can_wait_is_a_note(changes: dict[str, Any], said: str):
    report = assess(findings(**changes))
    assert report.state == "healthy"
    assert said in " ".join(report.notes)


def test_an_old_error_and_a_job_just_submitted_are_no_problem():
    assert assess(findings(jobs=job(restarts=9, error="x", error_at=NOW - 5000))).state == "healthy"
    assert assess(findings(jobs=job(checkpoint_at=None, since=NOW - 30))).state == "healthy"


def test_a_small_disk_with_room_is_no_problem():
    assert assess(findings(disks=[Disk("/store", 23 << 20, 24 << 20)])).state == "healthy"
    assert assess(findings(disks=[Disk("/store", 1 << 20, 24 << 20)])).state == "down"


def test_the_speed_is_that_between_two_reports():
    topic = TopicProgress(DISCOVERED, 1000, 20, 5, 995)
    later = findings(at=NOW + 30, topics=[msgspec.structs.replace(topic, done=1005, lag=0)])
    assert done_a_minute(findings(topics=[topic]), later) == {DISCOVERED: 20.0}
    assert done_a_minute(None, later) == {}
    assert done_a_minute(findings(topics=None), later) == {}
    unread = findings(topics=[msgspec.structs.replace(topic, done=None, lag=None)])
    assert done_a_minute(unread, later) == {}


def test_nothing_runs():
    report = assess(findings(services=[], activity=None, topics=None, jobs=None))
    assert report.state == "down"
    assert "the stack is not running" in report.problems[0]


@pytest.mark.parametrize("width", [80, 120])
def test_a_report_fits_the_terminal(tmp_path: Path, width: int):
    found = findings(
        services=with_service("Kafka", running=False, given_up=True, restarts=5),
        silent=["Python worker pool"],
        dead=[DeadService("Kafka", "/var/lib/gogobe/log/kafka.log", ["java.io.IOException: No space left"])],
        activity=activity(
            waiting=[WaitingFiles("shufersal", "prices.shufersal.example", 1234, "unavailable")],
            letters=[OpenLetters("parse", "truncated", 12)],
        ),
    )
    out = io.StringIO()
    show(PlainConsole(file=out, width=width), assess(found), Stack(tmp_path))
    text = out.getvalue()
    table = [line for line in text.splitlines() if line[:1] in "┏┃┡│└"]
    assert table
    assert all(cell_len(line) <= width for line in table)
    for whole in ("given up, 5 restarts", "no answer", "Python worker pool", DISCOVERED, "java.io.IOException: No space left",
                  "1,234 of shufersal for prices.shufersal.example", "12 parse/truncated", JOB.page):  # fmt: skip
        assert whole in text
    assert "\x1b" not in text


def test_without_a_stack_the_exit_code_is_1(tmp_path: Path):
    result = CliRunner().invoke(main, ["status", "--var", str(tmp_path)], env={"GOGOBE_CONFIG": None})
    assert result.exit_code == 1
    assert "the stack is not running: `gogobe up` starts it" in result.output


def test_a_dead_service_is_shown_with_the_end_of_its_log(tmp_path: Path, gogobe: Gogobe):
    log = tmp_path / "var" / "log" / "java-worker.log"

    def ready() -> bool:
        return log.exists() and "last words" in log.read_text()

    code = "print('last words', flush=True); import time; time.sleep(600)"
    stack = Stack(tmp_path / "var")
    with stack.service("Java worker", [sys.executable, "-c", code], ready):
        psutil.Process(stack.status()[0].pid).kill()
        wait_for(lambda: not stack.status()[0].running)
        result = gogobe("status")
        as_json = msgspec.json.decode(gogobe("status", "--json").output)
    assert result.exit_code == 1
    assert "Java worker has died" in result.output
    assert "  | last words" in result.output
    assert as_json["state"] == "down"
    assert as_json["found"]["dead"][0]["end"] == ["last words"]
    assert as_json["found"]["activity"]["recent"] == {}


@pytest.mark.slow
@pytest.mark.usefixtures("hurried")
def test_servers_that_do_not_answer_are_reported(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        result = CliRunner().invoke(
            main,
            ["status", "--var", str(tmp_path)],
            env={
                "GOGOBE_DATABASE": f"postgresql://x@127.0.0.1:{port}/x",
                "GOGOBE_KAFKA": f"127.0.0.1:{port}",
                "GOGOBE_CONFIG": None,
            },
        )
    assert result.exit_code == 1
    assert "PostgreSQL: no answer within 4 seconds" in result.output


def test_questions_are_asked_at_once_and_errors_are_answers():
    both = threading.Barrier(2, timeout=60)

    def answer() -> int:
        both.wait()
        return 7

    def fail() -> None:
        both.wait()
        raise ValueError("no such server\nmore")

    answers = ask_all({"good": answer, "bad": fail}, 60.0)
    assert answers["good"] == 7
    assert str(answers["bad"]) == "no such server"


def test_an_answer_that_comes_late_is_none():
    release = threading.Event()
    answers = ask_all({"late": release.wait}, 0.3)
    release.set()
    assert isinstance(answers["late"], UnansweredError)
