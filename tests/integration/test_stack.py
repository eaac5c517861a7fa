"""The stack as a whole: nothing of it stays behind, and a streaming job on it loses nothing."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import grpc
import psutil
import pytest
from apache_beam.portability.api import beam_job_api_pb2, beam_job_api_pb2_grpc
from confluent_kafka import Consumer, TopicPartition

from gogobe.io.kafka.topics import backlog, ensure_topics, lag, publish
from gogobe.local.flink import cancel_jobs, checkpoints, jobs
from gogobe.local.processes import Records, StackError, members
from gogobe.local.stack import Stack, StackAddresses, StackPorts, running_stack
from gogobe.pipelines.options import refuse_unknown
from tests.integration import relay

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

STORES = 20
SERVICES = (
    "Flink job server",
    "Expansion service",
    "Java worker",
    "Python worker pool",
    "PostgreSQL",
    "Kafka",
)
OWNER = """
import sys, time
from pathlib import Path
from gogobe.local.stack import running_stack
with running_stack(Path(sys.argv[1]), Path(sys.argv[2])):
    print("up", flush=True)
    time.sleep(600)
"""


def wait_until(what: str, true: Callable[[], bool], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not within {seconds} seconds: {what}"
        time.sleep(0.2)


def processes(var: Path) -> list[psutil.Process]:
    return [process for record in Records(var / "services").read() for process in members(record)]


def leaders(var: Path) -> dict[str, psutil.Process]:
    """The services' own processes by name: others come and go, as a database's for each connection."""
    return {record.name: psutil.Process(record.pid) for record in Records(var / "services").read()}


def alive(those: Iterable[psutil.Process]) -> list[psutil.Process]:
    return [one for one in those if _lives(one)]


def _lives(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    return False


def test_what_the_job_server_knows_of_flink_is_not_refused(stack: StackAddresses):
    with grpc.insecure_channel(stack.job_endpoint) as channel:
        service = beam_job_api_pb2_grpc.JobServiceStub(channel)
        described = service.DescribePipelineOptions(beam_job_api_pb2.DescribePipelineOptionsRequest())
    flags = {
        f"--{one.name}" if one.type == beam_job_api_pb2.PipelineOptionType.BOOLEAN else f"--{one.name}=1"
        for one in described.options
        if one.group.endswith(("FlinkPipelineOptions", "PortablePipelineOptions"))
    }
    assert flags >= {"--checkpointing_interval=1", "--savepoint_path=1", "--load_balance_bundles"}
    refuse_unknown(sorted(flags))


@pytest.fixture
def owner(tmp_path: Path, jars: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that runs a stack over tmp_path, up."""
    command = [sys.executable, "-c", OWNER, str(tmp_path), str(jars)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        yield process
        process.kill()


def test_a_stack_ends_with_its_owner_or_is_cleared_away(
    owner: subprocess.Popen[str], tmp_path: Path, jars: Path
):
    left, services = processes(tmp_path), leaders(tmp_path)
    assert len(left) > 7
    with pytest.raises(StackError, match=f"belongs to process {owner.pid}"):
        Stack(tmp_path, jars).start()
    with pytest.raises(StackError, match=f"belongs to process {owner.pid}"):
        Stack(tmp_path, jars).stop()

    owner.send_signal(signal.SIGKILL)
    owner.wait()
    assert len(alive(services.values())) == len(services)

    stack = Stack(tmp_path, jars)
    addresses = stack.start()
    assert alive(left) == []
    assert stack.addresses() == addresses
    assert {service.running for service in stack.status()} == {True}
    before = leaders(tmp_path)
    assert stack.start() == addresses
    assert {one.name for one in stack.status()} == {"Supervisor", *SERVICES}
    after = leaders(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"Supervisor"}
    running = processes(tmp_path)
    stack.stop()
    assert alive(running) == []
    assert stack.addresses() is None
    assert stack.status() == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_a_stack_cleanly(owner: subprocess.Popen[str], tmp_path: Path, number: signal.Signals):
    running = processes(tmp_path)
    owner.send_signal(number)
    # Python ends by SIGINT itself, after its KeyboardInterrupt has unwound.
    assert owner.wait(180) == (-number if number == signal.SIGINT else 128 + number)
    assert alive(running) == []
    assert Stack(tmp_path).status() == []


def test_a_service_that_fails_is_named_and_the_others_are_stopped(tmp_path: Path, jars: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ports = StackPorts.choose(kafka=taken.getsockname()[1])
        with (
            pytest.raises(StackError, match=r"(?s)Kafka stopped while starting.*kafka\.log.*in use"),
            running_stack(tmp_path, jars, ports),
        ):
            pass
    assert processes(tmp_path) == []
    here = [one for one in psutil.process_iter() if str(tmp_path) in " ".join(_command(one))]
    assert alive(here) == []


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def announce(stack: StackAddresses, name: str, numbers: Iterable[int]) -> None:
    ensure_topics(stack.kafka, [f"{name}.in", f"{name}.out"])
    publish(stack.kafka, f"{name}.in", ((b"%d" % (n % STORES), b"%d" % n) for n in numbers))


class Offsets:
    """What a group has committed, and which of the present numbers are below it."""

    def __init__(self, stack: StackAddresses, name: str) -> None:
        self._kafka, self._group, self._topic = stack.kafka, name, f"{name}.in"
        consumer = Consumer({"bootstrap.servers": stack.kafka, "group.id": "look", "enable.auto.commit": False})
        ranges = backlog(stack.kafka, name, self._topic).ranges
        self._numbers = {
            number: list(self._read(consumer, number, high)) for number, (_, high) in ranges.items()
        }
        consumer.close()

    def _read(self, consumer: Consumer, partition: int, high: int) -> Iterator[int]:
        consumer.assign([TopicPartition(self._topic, partition, 0)])
        for _ in range(high):
            message = consumer.poll(60)
            assert message is not None
            yield int(message.value())

    def covered(self) -> set[int]:
        ranges = backlog(self._kafka, self._group, self._topic).ranges
        return {n for partition, (first, _) in ranges.items() for n in self._numbers[partition][:first]}


def listening_beyond_loopback(var: Path) -> list[str]:
    """Where the stack's processes listen for others than this machine's."""
    places = []
    for process in processes(var):
        with contextlib.suppress(psutil.NoSuchProcess):  # a database's, of a connection that has ended
            listening = [one for one in process.net_connections("tcp") if one.status == psutil.CONN_LISTEN]
            places += [(process.name(), one.laddr.ip, one.laddr.port) for one in listening]
    assert len(places) > 10
    return [f"{name} {ip}:{port}" for name, ip, port in places if ip.removeprefix("::ffff:") != "127.0.0.1"]


def test_a_killed_worker_loses_nothing_and_offsets_cover_only_what_is_done(stack: StackAddresses, var: Path):
    begun, count = 400, 600
    announce(stack, "killed", range(begun))
    offsets = Offsets(stack, "killed")
    relay.submit(stack, "killed", seconds=0.02)
    victim = 0
    while not (offsets.covered() and victim):
        covered = offsets.covered()
        out = relay.relayed(stack, "killed")
        assert covered <= {one.number for one in out}
        pids = {one.pid for one in out}
        if not victim and len(out) > count / 4 and len(pids) == 2:  # as many processes as slots
            for store in range(STORES):
                numbers = [one.number for one in out if one.number % STORES == store]
                assert numbers == sorted(numbers)
            victim = out[-1].pid
            os.kill(victim, signal.SIGKILL)
        time.sleep(0.2)
    # Work for the process in its place, also if all was done before it was killed.
    announce(stack, "killed", range(begun, count))
    offsets = Offsets(stack, "killed")

    def all_out() -> bool:
        covered = offsets.covered()
        found = {one.number for one in relay.relayed(stack, "killed")}
        assert covered <= found
        return len(found) == count

    wait_until("all messages out", all_out)
    wait_until("all offsets committed", lambda: lag(stack.kafka, "killed", "killed.in") == 0)
    assert len({one.pid for one in relay.relayed(stack, "killed")}) > 2
    (job,) = [one for one in jobs(stack.flink) if one.name.startswith("killed")]
    wait_until(
        "two checkpoints without a failure",
        lambda: {one.status for one in checkpoints(job).history[:2]} <= {"COMPLETED", "IN_PROGRESS"},
    )
    assert listening_beyond_loopback(var) == []
    cancel_jobs(stack.flink)


def test_a_job_goes_on_where_the_one_before_was_stopped(stack: StackAddresses):
    count = 3000  # for longer than it takes to the first offsets
    announce(stack, "stopped", range(count))
    offsets = Offsets(stack, "stopped")
    relay.submit(stack, "stopped", seconds=0.02)
    wait_until("some offsets committed", lambda: bool(offsets.covered()))
    cancel_jobs(stack.flink)
    pids = {one.pid for one in relay.relayed(stack, "stopped")}
    done = offsets.covered()
    wait_until("its workers gone", lambda: not any(map(psutil.pid_exists, pids)))
    before = {one.number for one in relay.relayed(stack, "stopped")}
    assert done <= before
    assert len(before) < count

    relay.submit(stack, "stopped", seconds=0)
    wait_until(
        "all messages out", lambda: len({one.number for one in relay.relayed(stack, "stopped")}) == count
    )
    after = relay.relayed(stack, "stopped")
    times = {number: sum(one.number == number for one in after) for number in done}
    assert set(times.values()) == {1}  # what was committed is not done again
    cancel_jobs(stack.flink)
