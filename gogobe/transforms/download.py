"""Discovered files to files in the object store."""

from __future__ import annotations

import tempfile
import uuid
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import requests
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows
from requests.adapters import HTTPAdapter

from gogobe.io.http import FetchError, FetchSettings, fetch
from gogobe.io.objects import ObjectStore, content_key
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded
from gogobe.transforms.dead_letters import failure, now, original_text
from gogobe.transforms.steps import step

STAGE: Final = "download"


def download(
    message: FileDiscovered,
    store: ObjectStore,
    settings: FetchSettings,
    session: requests.Session,
    scratch: Path,
) -> FileDownloaded | DeadLetter:
    """Fetches one announced file and puts it into the store, or says why it cannot be had.

    What fails on our side (a store out of reach, a full disk) is raised: the runner tries again.
    """
    part = scratch / uuid.uuid4().hex
    try:
        fetched = fetch(message.url, part, settings, session)
        file_name = message.file_name or file_name_of(message.url)
        path = store.put(content_key(message.chain, fetched.sha256, file_name), part)
    except FetchError as error:
        return DeadLetter(
            stage=STAGE,
            reason=error.reason,
            detail=str(error),
            cause=repr(error.__cause__) if error.__cause__ else None,
            original=original_text(message),
            failed_at=now(),
            attempts=error.attempts,
            chain=message.chain,
            source_url=message.url,
            file=message.file_name or file_name_of(message.url),
        )
    finally:
        part.unlink(missing_ok=True)
    return FileDownloaded(
        chain=message.chain,
        s3_path=path,
        local_path=store.local_path(path),
        content_sha256=fetched.sha256,
        size=fetched.size,
        source_url=message.url,
        file_name=file_name,
        discovered_at=message.timestamp,
        downloaded_at=now(),
    )


class DownloadFiles(beam.PTransform):
    """`FileDiscovered` → `FileDownloaded`, in the order they came; several downloads run at once."""

    def __init__(self, store: ObjectStore, settings: FetchSettings, threads: int) -> None:
        super().__init__()
        self._dofn = _Download(store, settings, threads)

    def expand(self, messages: beam.PCollection[FileDiscovered]) -> beam.pvalue.DoOutputsTuple:
        return messages | step("Fetch", self._dofn, main="files", output=FileDownloaded)


class _Download(beam.DoFn):
    """Keeps up to two downloads a thread under way, and gives results in the order of their messages."""

    def __init__(self, store: ObjectStore, settings: FetchSettings, threads: int) -> None:
        self._store = store
        self._settings = settings
        self._threads = threads
        self._files = Metrics.counter("gogobe.download", "files")
        self._bytes = Metrics.counter("gogobe.download", "bytes")

    def setup(self) -> None:
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="download")
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=self._threads))
        self._scratch = tempfile.TemporaryDirectory(prefix="gogobe-download-")

    def start_bundle(self) -> None:
        self._pending: deque[Future[FileDownloaded | DeadLetter]] = deque()

    def process(self, message: FileDiscovered) -> Iterator[Any]:
        self._pending.append(
            self._pool.submit(
                download, message, self._store, self._settings, self._session, Path(self._scratch.name)
            )
        )
        while self._pending and (len(self._pending) >= 2 * self._threads or self._pending[0].done()):
            yield self._outcome(self._pending.popleft())

    def finish_bundle(self) -> Iterator[Any]:
        while self._pending:
            outcome = self._outcome(self._pending.popleft())
            if isinstance(outcome, TaggedOutput):
                yield TaggedOutput(outcome.tag, GlobalWindows.windowed_value(outcome.value))
            else:
                yield GlobalWindows.windowed_value(outcome)

    def teardown(self) -> None:
        self._pool.shutdown(cancel_futures=True)
        self._session.close()
        self._scratch.cleanup()

    def _outcome(self, pending: Future[FileDownloaded | DeadLetter]) -> FileDownloaded | TaggedOutput:
        result = pending.result()
        if isinstance(result, DeadLetter):
            return failure(result)
        self._files.inc()
        self._bytes.inc(result.size)
        return result
