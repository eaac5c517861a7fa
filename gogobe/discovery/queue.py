"""The bounded queue between concurrent listings and the announcer, which gets large batches."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final

from gogobe.discovery.announcer import Announcement, Announcer, Outcome, Stopped

MAX_FILES: Final = 5000
WAITING_CHUNKS: Final = 64


@dataclass
class _Chunk:
    files: Sequence[Announcement]
    outcome: asyncio.Future[Outcome]


class AnnouncementQueue:
    """Passes chunks of files to an announcer, which runs in its own thread.

    `put` waits while the queue is full, so memory does not grow if the database or the broker is slow. An error
    of the announcer ends the queue: `run` raises it, and so does every waiting `put`.
    """

    def __init__(self, announcer: Announcer) -> None:
        self._announcer = announcer
        self._chunks: asyncio.Queue[_Chunk] = asyncio.Queue(WAITING_CHUNKS)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="announce")
        self._error: BaseException | None = None

    async def put(self, files: Sequence[Announcement]) -> asyncio.Future[Outcome]:
        """Queues files; the future gets their outcome. Raises the error that ended the queue."""
        if self._error is not None:
            raise self._error
        chunk = _Chunk(files, asyncio.get_running_loop().create_future())
        await self._chunks.put(chunk)
        return chunk.outcome

    async def run(self, settle_every: float) -> None:
        """Announces until cancelled; settles unconfirmed batches first, and every `settle_every` seconds."""
        loop = asyncio.get_running_loop()
        next_settling = loop.time()
        waiting: list[_Chunk] = []
        try:
            while True:
                if loop.time() >= next_settling:
                    await self.settle()
                    next_settling = loop.time() + settle_every
                try:
                    async with asyncio.timeout_at(next_settling):
                        waiting = [await self._chunks.get()]
                except TimeoutError:
                    continue
                while not self._chunks.empty() and sum(len(chunk.files) for chunk in waiting) < MAX_FILES:
                    waiting.append(self._chunks.get_nowait())
                files = [file for chunk in waiting for file in chunk.files]
                outcome = await loop.run_in_executor(self._thread, self._announcer.announce, files)
                for chunk in waiting:
                    if not chunk.outcome.done():
                        chunk.outcome.set_result(outcome)
                waiting = []
        except BaseException as error:
            self._fail(waiting, error)
            raise

    async def settle(self) -> int:
        """Settles unconfirmed batches; returns their number."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._announcer.settle)

    async def close(self) -> None:
        """Closes the announcer after the current batch; a batch that waits for a server is abandoned."""
        self._announcer.stop()
        await asyncio.get_running_loop().run_in_executor(None, self._thread.shutdown)
        self._announcer.close()

    def _fail(self, waiting: list[_Chunk], error: BaseException) -> None:
        self._error = error if isinstance(error, Exception) else Stopped()
        while not self._chunks.empty():
            waiting.append(self._chunks.get_nowait())
        for chunk in waiting:
            if not chunk.outcome.done():
                chunk.outcome.set_exception(self._error)
                chunk.outcome.exception()  # marks it as retrieved: the listing may have been cancelled
