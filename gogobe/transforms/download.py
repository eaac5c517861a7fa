"""Discovered files to files in the object store."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import apache_beam as beam
import msgspec
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.transforms.window import GlobalWindows

from gogobe.feeds.ordering import store_of
from gogobe.io.curl import Client
from gogobe.io.downloads import Downloads
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.http import fetch
from gogobe.io.objects import ObjectStore, content_key
from gogobe.records.addresses import file_name_of, has_credentials, host_of, public_address
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded
from gogobe.transforms.dead_letters import failure, now, original_text
from gogobe.transforms.steps import step

STAGE: Final = "download"
PENDING_PER_THREAD: Final = 2


def download(
    message: FileDiscovered, store: ObjectStore, settings: FetchSettings, client: Client, scratch: Path
) -> FileDownloaded | DeadLetter:
    """Fetches one announced file and puts it into the store; where it cannot be fetched, its dead letter.

    What fails on our side (a store out of reach, a full disk) is raised: the runner tries again.
    """
    part = scratch / uuid.uuid4().hex
    address = public_address(message.url)
    file_name = message.file_name or file_name_of(message.url)
    try:
        fetched = fetch(message.url, part, settings, client)
        path = store.put(content_key(message.chain, fetched.sha256, file_name), part)
    except FetchError as error:
        return DeadLetter(
            stage=STAGE,
            reason=error.reason,
            detail=str(error),
            cause=repr(error.__cause__) if error.__cause__ else None,
            original=original_text(_without_credentials(message)),
            failed_at=now(),
            attempts=error.attempts,
            chain=message.chain,
            source_url=address,
            file=file_name,
        )
    finally:
        part.unlink(missing_ok=True)
    return FileDownloaded(
        chain=message.chain,
        s3_path=path,
        local_path=store.local_path(path),
        content_sha256=fetched.sha256,
        size=fetched.size,
        source_url=address,
        file_name=file_name,
        discovered_at=message.timestamp,
        downloaded_at=now(),
    )


def _without_credentials(message: FileDiscovered) -> FileDiscovered:
    if not has_credentials(message.url):
        return message
    return msgspec.structs.replace(message, url=public_address(message.url))


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

    def process(self, message: FileDiscovered) -> Iterator[Any]:
        folder = Path(self._scratch.name)
        work = partial(download, message, self._store, self._settings, self._client, folder)
        for result in self._downloads.submit(store_of(message), host_of(message.url), work):
            yield self._output(result)

    def finish_bundle(self) -> Iterator[Any]:
        for result in self._downloads.finish():
            output = self._output(result)
            if isinstance(output, TaggedOutput):
                yield TaggedOutput(output.tag, GlobalWindows.windowed_value(output.value))
            else:
                yield GlobalWindows.windowed_value(output)

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
