"""A pool of Python workers on this machine: Flink asks it for one process after the other.

Beam's own pool listens on every interface and gives its workers a pipe for stdout that nobody reads, which
stops a job for ever once 64 kB were printed. This one listens on 127.0.0.1 and lets workers write to its log.

    python -m gogobe.local.worker_pool PORT
"""

from __future__ import annotations

import logging
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
from apache_beam.portability.api import beam_fn_api_pb2, beam_fn_api_pb2_grpc
from apache_beam.runners.worker.sdk_worker import SdkHarness

LOG_FORMAT: Final = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"


class WorkerPool(beam_fn_api_pb2_grpc.BeamFnExternalWorkerPoolServicer):
    """Beam's external worker pool protocol: start and stop workers by id."""

    def __init__(self) -> None:
        self._workers: dict[str, subprocess.Popen[bytes]] = {}

    def StartWorker(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Starts a worker process that serves the runner's control endpoint."""
        command = [sys.executable, "-m", __spec__.name, "--worker", request.control_endpoint.url]
        self._workers[request.worker_id] = subprocess.Popen([*command, request.worker_id])
        return beam_fn_api_pb2.StartWorkerResponse()

    def StopWorker(self, request: Any, context: grpc.ServicerContext) -> Any:  # noqa: N802
        """Stops a worker process; an id that is not known has nothing to stop."""
        worker = self._workers.pop(request.worker_id, None)
        if worker is not None:
            _stop(worker)
        return beam_fn_api_pb2.StopWorkerResponse()

    def stop_all(self) -> None:
        for worker in self._workers.values():
            _stop(worker)


def _stop(worker: subprocess.Popen[bytes]) -> None:
    worker.terminate()
    try:
        worker.wait(5)
    except subprocess.TimeoutExpired:
        worker.kill()
        worker.wait()


def serve(port: int) -> None:
    """Serves until SIGTERM, then stops the workers."""
    pool = WorkerPool()
    server = grpc.server(ThreadPoolExecutor(4))
    server.add_insecure_port(f"127.0.0.1:{port}")
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(pool, server)
    server.start()
    signal.signal(signal.SIGTERM, lambda *_: server.stop(0))
    server.wait_for_termination()
    pool.stop_all()


def main(arguments: list[str]) -> None:
    """`PORT`: the pool; `--worker CONTROL_URL ID`: one worker of it."""
    logging.basicConfig(level=logging.WARNING, format=LOG_FORMAT)
    if arguments[0] == "--worker":
        SdkHarness(arguments[1], worker_id=arguments[2], state_cache_size=100 << 20).run()
    else:
        serve(int(arguments[0]))


if __name__ == "__main__":
    main(sys.argv[1:])
