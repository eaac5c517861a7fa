"""Whether a service answers: a request that only a working process can answer, within a time limit.

An open port proves nothing: the kernel accepts connections for a process that hangs.
"""

from __future__ import annotations

from typing import Final

import msgspec
import psycopg
import requests
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from gogobe.local.postgres import PostgresServer
from gogobe.local.processes import accepts_connections

ANSWER_SECONDS: Final = 4.0
STOP_WORKER: Final = "/org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool/StopWorker"
# gRPC is imported where it is used: every command imports this module, and few ask.
# Without this, a channel of the same process would share its connection, which an earlier probe has opened.
_OWN_CONNECTION: Final = [("grpc.use_local_subchannel_pool", 1)]


def kafka_answers(address: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether a broker answers."""
    client = AdminClient({"bootstrap.servers": address, "log_level": 0})
    try:
        client.list_topics(timeout=seconds)
    except KafkaException:
        return False
    return True


def postgres_answers(server: PostgresServer, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether a server answers a client that connects: an error, such as `the database system is starting up`,
    is an answer too."""
    if not accepts_connections(server.port):
        return False
    try:
        psycopg.connect(server.dsn_of("postgres"), connect_timeout=int(seconds)).close()
    except psycopg.errors.ConnectionTimeout:
        return False
    except psycopg.OperationalError:
        return True
    return True


def grpc_answers(address: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether a gRPC server (HOST:PORT) completes a connection: it sends its HTTP/2 settings first."""
    import grpc

    with grpc.insecure_channel(address, options=_OWN_CONNECTION) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=seconds)
        except grpc.FutureTimeoutError:
            return False
    return True


def worker_pool_answers(address: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether the worker pool does what it is asked: to stop the worker without a name, which it does not
    have. (The empty message has no id; building it with Beam's classes would import all of Beam.)"""
    import grpc

    with grpc.insecure_channel(address, options=_OWN_CONNECTION) as channel:
        try:
            channel.unary_unary(STOP_WORKER)(b"", timeout=seconds)
        except grpc.RpcError:
            return False
    return True


def job_manager_answers(rest: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether the JobManager at a REST address (HOST:PORT) answers."""
    try:
        return requests.get(f"http://{rest}/overview", timeout=seconds).ok
    except requests.RequestException:
        return False


class _TaskManager(msgspec.Struct):
    id: str


class _TaskManagers(msgspec.Struct):
    taskmanagers: list[_TaskManager]


def task_manager_answers(rest: str, resource_id: str, seconds: float = ANSWER_SECONDS) -> bool:
    """Whether the JobManager counts a TaskManager as alive: it removes one whose heartbeats are missing. True
    if the JobManager itself does not answer, which says nothing about the TaskManager."""
    try:
        answer = requests.get(f"http://{rest}/taskmanagers", timeout=seconds)
        answer.raise_for_status()
    except requests.RequestException:
        return True
    found = msgspec.json.decode(answer.content, type=_TaskManagers).taskmanagers
    return any(one.id == resource_id for one in found)
