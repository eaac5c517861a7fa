"""The server of the download benchmark: one body on many hosts of this machine."""

from __future__ import annotations

import asyncio
import gzip
import time
from functools import partial
from multiprocessing.connection import Connection
from typing import Any, Final

PORT: Final = 18_480


class _Portal(asyncio.Protocol):
    """A minimal HTTP server, fast enough not to be the bottleneck."""

    def __init__(self, body: bytes, asked: list[float]) -> None:
        self._body = body
        self._asked = asked
        self._waiting = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:
            head, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            self._asked.append(time.monotonic())
            end = ending(head.split(b" ", 2)[1].rpartition(b"/")[2].decode())
            length = len(self._body) + len(end)
            answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/gzip\r\nContent-Length: {length}\r\n\r\n"
            self._transport.writelines([answer.encode(), self._body, end])


def ending(name: str) -> bytes:
    """A second gzip member that makes each file's content unique."""
    return gzip.compress(name.encode(), 0, mtime=0)


def serve(hosts: int, body: bytes, pipe: Connection) -> None:
    """Serves the body on each host; on each message in `pipe`, sends back the times of the requests since the
    last one."""

    async def work() -> None:
        asked: dict[str, list[float]] = {name: [] for name in host_names(hosts)}
        loop = asyncio.get_running_loop()
        for name, times in asked.items():
            await loop.create_server(partial(_Portal, body, times), name, PORT)
        pipe.send("ready")
        while True:
            await loop.run_in_executor(None, pipe.recv)
            pipe.send({name: list(times) for name, times in asked.items()})
            for times in asked.values():
                times.clear()

    asyncio.run(work())


def host_names(hosts: int) -> list[str]:
    """Addresses of this machine."""
    return [f"127.0.{1 + number // 250}.{1 + number % 250}" for number in range(hosts)]


def addresses(files: int, hosts: int) -> list[str]:
    """The files' addresses, hosts in turn."""
    names = host_names(hosts)
    return [
        f"http://{names[number % hosts]}:{PORT}/Price7290000000001-{number:06d}-202608110600.gz"
        for number in range(files)
    ]
