"""A pool of Python workers on this machine, from which Flink requests one process after the other.

Beam's own pool listens on every interface, and connects stdout of its workers to a pipe without a reader: a
job hangs after 64 kB of output. This pool listens on 127.0.0.1, and its workers write to its log.

Importing Beam takes seconds, so workers are forked from a process that has already imported it, the nursery,
together with the given modules: those of the steps. The nursery has no threads; the gRPC server, which has
threads, is another fork and sends requests to it through a pipe.

    python -m gogobe.local.worker_pool PORT [MODULE…]
"""

from __future__ import annotations

import gc
import importlib
import logging
import multiprocessing
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from types import FrameType
from typing import Any, Final

import grpc
import msgspec
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker.sdk_worker import SdkHarness

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"
STATE_CACHE_BYTES: Final = 100 << 20
# SIGTERM ends a worker at once; one that is stopped (SIGSTOP) needs SIGKILL. The next start waits meanwhile.
STOP_SECONDS: Final = 1.0
SERVER: Final = None
"""The name of the gRPC server among the processes: no request can stop it."""


class Request(msgspec.Struct, frozen=True):
    """The server's request to the nursery: start a worker for a control endpoint, or stop it (None)."""

    worker_id: str
    control_address: str | None


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Beam's external worker pool protocol: start and stop workers by id."""

    def __init__(self, nursery: Connection) -> None:
        self._nursery = nursery
        self._one_at_a_time = threading.Lock()

    def StartWorker(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Starts a worker process that serves the runner's control endpoint."""
        self._ask(Request(request.worker_id, request.control_endpoint.url))
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Stops a worker process; an unknown id is ignored."""
        self._ask(Request(request.worker_id, None))
        return beam_fn_api_pb2.StopWorkerResponse()

    def _ask(self, request: Request) -> None:
        """Returns when the nursery has done it."""
        with self._one_at_a_time:
            self._nursery.send(request)
            self._nursery.recv()


class Nursery:
    """Starts and stops workers on request of the server."""

    def __init__(self) -> None:
        self._context = multiprocessing.get_context("fork")
        self._processes: dict[str | None, ForkProcess] = {}

    def serve(self, port: int) -> None:
        """Serves until SIGTERM, or until the gRPC server has ended; then stops all workers."""
        requests, servers_end = self._context.Pipe()
        self._start(SERVER, serve_requests, port, servers_end)
        servers_end.close()
        signal.signal(signal.SIGTERM, _leave)
        try:
            while True:
                self._do(requests.recv())
                requests.send(True)
        except EOFError:
            logging.getLogger(__name__).error("the gRPC server of the worker pool has ended")
        finally:
            self._stop(list(self._processes))

    def _do(self, request: Request) -> None:
        if request.control_address is None:
            self._stop([request.worker_id])
        else:
            self._start(request.worker_id, run_worker, request.control_address, request.worker_id)

    def _start(self, name: str | None, target: Any, *arguments: Any) -> None:
        process = self._context.Process(target=target, args=arguments)
        process.start()
        self._processes[name] = process

    def _stop(self, names: list[str | None]) -> None:
        stopping = [self._processes.pop(name) for name in names if name in self._processes]
        for process in stopping:
            process.terminate()
        for process in stopping:
            process.join(STOP_SECONDS)
            process.kill()
            process.join()


def _leave(number: int, _frame: FrameType | None) -> None:
    raise SystemExit(128 + number)


def serve_requests(port: int, nursery: Connection) -> None:
    """Runs the gRPC server in its own process; raises RuntimeError if the port is taken."""
    # Without this, two pools could share a port, and a job would get workers of either.
    server = grpc.server(ThreadPoolExecutor(4), options=[("grpc.so_reuseport", 0)])
    server.add_insecure_port(f"127.0.0.1:{port}")
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(WorkerPool(nursery), server)
    server.start()
    server.wait_for_termination()


def run_worker(control_address: str, worker_id: str) -> None:
    """One worker; returns when the runner closes its control stream."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    SdkHarness(control_address, worker_id=worker_id, state_cache_size=STATE_CACHE_BYTES).run()


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    for module in sys.argv[2:]:
        importlib.import_module(module)
    gc.freeze()  # workers share the memory of what is imported
    Nursery().serve(int(sys.argv[1]))
