"""Discovered files to files in the object store."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import apache_beam as beam
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.feeds.ordering import store_of
from gogobe.io.curl import Client
from gogobe.io.downloads import Downloads
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.http import fetch
from gogobe.io.objects import ObjectStore, content_key
from gogobe.records.addresses import file_name_of, host_of, public_address
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded
from gogobe.transforms.dead_letters import DeadLetters, failure, now
from gogobe.transforms.outages import is_outage
from gogobe.transforms.steps import step, windowed
from gogobe.transforms.stored import stored_file

STAGE: Final = "download"
PENDING_PER_THREAD: Final = 2


def download_or_report(
    message: FileDiscovered, store: ObjectStore, settings: FetchSettings, client: Client, scratch: Path
) -> FileDownloaded | DeadLetter:
    """Fetches one announced file and puts it into the store; where it cannot be fetched, its dead letter.

    What fails on our side (a store out of reach, a full disk) is raised: the runner tries again.
    """
    letters = DeadLetters(STAGE, store)
    try:
        return download(message, store, settings, client, scratch)
    except FetchError as error:
        cause = repr(error.__cause__) if error.__cause__ else None
        return letters.letter(message, error.reason, str(error), cause=cause, attempts=error.attempts)
    except Exception as error:
        if is_outage(error):
            raise
        return letters.internal_error(message, error)


def download(
    message: FileDiscovered, store: ObjectStore, settings: FetchSettings, client: Client, scratch: Path
) -> FileDownloaded:
    """Fetches one announced file and puts it into the store, unless the store holds it already. Raises
    FetchError, one of `store_errors()`."""
    if message.s3_path is not None:
        return stored_file(message, store)
    part = scratch / uuid.uuid4().hex
    file_name = message.file_name or file_name_of(message.url)
    try:
        fetched = fetch(message.url, part, settings, client)
        path = store.put(content_key(message.chain, fetched.sha256, file_name), part)
    finally:
        part.unlink(missing_ok=True)
    return FileDownloaded(
        chain=message.chain,
        s3_path=path,
        local_path=store.local_path(path),
        content_sha256=fetched.sha256,
        size=fetched.size,
        source_url=public_address(message.url),
        file_name=file_name,
        discovered_at=message.timestamp,
        downloaded_at=now(),
    )


class DownloadFiles(beam.PTransform):
    """`FileDiscovered` → `FileDownloaded`: a store's files in the order they came, each as soon as it is due.

    `threads` downloads run at once in a worker, at most `per_host` of them from one host.
    """

    def __init__(self, store: ObjectStore, settings: FetchSettings, threads: int, per_host: int) -> None:
        super().__init__()
        self._dofn = _Download(store, settings, threads, per_host)

    def expand(self, messages: beam.PCollection[FileDiscovered]) -> beam.pvalue.DoOutputsTuple:
        return messages | step("Fetch", self._dofn, main="files", output=FileDownloaded)


class _Download(beam.DoFn):
    """Nothing is under way between two bundles: what a bundle took has ended when it ends."""

    def __init__(self, store: ObjectStore, settings: FetchSettings, threads: int, per_host: int) -> None:
        self._store = store
        self._letters = DeadLetters(STAGE, store)
        self._settings = settings
        self._threads = threads
        self._per_host = per_host
        self._files = Metrics.counter("gogobe.download", "files")
        self._bytes = Metrics.counter("gogobe.download", "bytes")

    def setup(self) -> None:
        self._client = Client(self._settings)
        self._downloads: Downloads[FileDownloaded | DeadLetter] = Downloads(
            self._threads, self._per_host, PENDING_PER_THREAD * self._threads
        )
        self._scratch = tempfile.TemporaryDirectory(prefix="gogobe-download-")

    def start_bundle(self) -> None:
        self._downloads.abandon()  # what a bundle left that failed

    def process(self, message: FileDiscovered) -> Iterator[FileDownloaded | TaggedOutput]:
        yield from self._letters.guard(message, self._submit(message))

    def _submit(self, message: FileDiscovered) -> Iterator[FileDownloaded | TaggedOutput]:
        folder = Path(self._scratch.name)
        work = partial(download_or_report, message, self._store, self._settings, self._client, folder)
        for result in self._downloads.submit(store_of(message), host_of(message.url), work):
            yield self._output(result)

    def finish_bundle(self) -> Iterator[WindowedValue | TaggedOutput]:
        for result in self._downloads.finish():
            yield windowed(self._output(result))

    def teardown(self) -> None:
        self._downloads.close()
        self._client.close()
        self._scratch.cleanup()

    def _output(self, result: FileDownloaded | DeadLetter) -> FileDownloaded | TaggedOutput:
        if isinstance(result, DeadLetter):
            return failure(result)
        self._files.inc()
        self._bytes.inc(result.size)
        return result
