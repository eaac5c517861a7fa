"""Downloads discovered files to the object store. Files that their portal does not deliver go to the retry
queue."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Final

import apache_beam as beam
import msgspec
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput
from apache_beam.utils.windowed_value import WindowedValue

from gogobe.feeds.ordering import store_of
from gogobe.io.download_work import Ended, Plan, Postponed, Ticket
from gogobe.io.downloads import Downloads
from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchError, FetchSettings
from gogobe.io.late import find_late, put_late
from gogobe.io.objects import ObjectStore, content_key
from gogobe.io.portals import Portals, name_of
from gogobe.records.addresses import authority_of
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, WaitingFile
from gogobe.transforms.dead_letters import DeadLetters, failure, now
from gogobe.transforms.outages import is_outage
from gogobe.transforms.steps import step, windowed
from gogobe.transforms.stored import stored_file
from gogobe.transforms.waiting import Missed, gone_letter, is_given_up, waiting_file

STAGE: Final = "download"
WAITING: Final = "waiting"
LINK_EXPIRED: Final = "link_expired"
# The reasons with which portals answer a signed address that has expired. They are no fault of the host.
_DEAD_LINK: Final = frozenset({"forbidden", "not_found", "html_page"})

Outcome = FileDownloaded | DeadLetter | Missed


@dataclass(frozen=True)
class DownloadConfig:
    """How files are downloaded. `give_up`: the seconds after which an undelivered file becomes a dead
    letter."""

    store: ObjectStore
    settings: FetchSettings
    portals: Portals
    plan: Plan
    give_up: float = 86_400.0


@dataclass(frozen=True)
class Downloader:
    """Downloads single files. Thread-safe."""

    config: DownloadConfig
    fetcher: Fetcher
    letters: DeadLetters

    def outcome(self, message: FileDiscovered, delivery: bytes, ticket: Ticket) -> Ended[Outcome]:
        """The result of one announced file: in the store, missed, or a dead letter.

        A failure on our own side (a store out of reach, a full disk) is raised, so that the runner retries.
        """
        try:
            return Ended(self._file(message, delivery, ticket))
        except FetchError as error:
            if error.reason in _DEAD_LINK and self._may_be_signed(message):
                return Ended(Missed(LINK_EXPIRED, str(error), error.attempts))
            if error.transient:
                missed = Missed(error.reason, str(error), error.attempts, error.retry_after)
                return Ended(missed, host_failed=True, retry_after=error.retry_after)
            cause = repr(error.__cause__) if error.__cause__ else None
            letter = self.letters.letter(
                message, error.reason, str(error), cause=cause, attempts=message.attempts + error.attempts
            )
            return Ended(letter)
        except Exception as error:
            if is_outage(error):
                raise
            return Ended(self.letters.internal_error(message, error))

    def _may_be_signed(self, message: FileDiscovered) -> bool:
        """Whether a dead link may be an expired signed one. A file that is given up comes a last time without
        its signature."""
        since = message.waiting_since
        is_last = since is not None and (now() - since).total_seconds() >= self.config.give_up
        return is_last or self.config.portals.is_signed(message)

    def _file(self, message: FileDiscovered, delivery: bytes, ticket: Ticket) -> FileDownloaded:
        store = self.config.store
        if message.waiting_since is not None and (found := find_late(delivery, store)):
            # A message that was delivered twice may have failed again since: now it waits no longer.
            return msgspec.structs.replace(found, downloaded_at=now())
        file = self.download(message, ticket)
        if ticket.is_left:
            put_late(delivery, file, store)
        return file

    def download(self, message: FileDiscovered, ticket: Ticket) -> FileDownloaded:
        """Downloads a file and stores it, unless the announcement names an object of the store. Raises
        FetchError, one of `store_errors()`."""
        if message.s3_path is not None:
            return stored_file(message, self.config.store)
        config, part = self.config, self.config.store.new_part()
        file_name = name_of(message)
        try:
            access = config.portals.access_of(message)
            fetched = self.fetcher.fetch(message.url, part, access, lambda: ticket.is_cancelled)
            path = config.store.move(content_key(message.chain, fetched.sha256, file_name), part)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return FileDownloaded(
            chain=message.chain,
            s3_path=path,
            local_path=config.store.local_path(path),
            content_sha256=fetched.sha256,
            size=fetched.size,
            source_url=config.portals.address_of(message),
            file_name=file_name,
            discovered_at=message.timestamp,
            downloaded_at=now(),
        )


class DownloadFiles(beam.PTransform):
    """`FileDiscovered` → `FileDownloaded`. The files of a store keep their order; each is an output as soon
    as it is due. `waiting` has the files that their portal did not deliver in time."""

    def __init__(self, config: DownloadConfig) -> None:
        super().__init__()
        self._dofn = _Download(config)

    def expand(self, messages: beam.PCollection[FileDiscovered]) -> beam.pvalue.DoOutputsTuple:
        return messages | step("Fetch", self._dofn, main="files", output=FileDownloaded, waiting=WaitingFile)


class _Download(beam.DoFn):
    """A bundle waits for a short time for its downloads. A file that it does not wait for is in the retry
    queue when the bundle ends, so nothing is lost with the worker. A download that ends later is an output of
    a later bundle."""

    def __init__(self, config: DownloadConfig) -> None:
        self._config = config
        self._letters = DeadLetters(STAGE, config.store, config.portals.address_of)
        self._files = Metrics.counter("gogobe.download", "files")
        self._bytes = Metrics.counter("gogobe.download", "bytes")

    def setup(self) -> None:
        self._fetcher = Fetcher(self._config.settings)
        with contextlib.suppress(OSError):  # an unreachable store is reported by the first download
            self._config.store.drop_stale_parts()
        downloader = Downloader(self._config, self._fetcher, self._letters)
        self._outcome = downloader.outcome
        self._downloads: Downloads[FileDiscovered, Outcome] = Downloads(
            self._config.plan, self._config.portals.limits
        )

    def start_bundle(self) -> None:
        self._downloads.abandon()  # of a bundle that failed

    def process(self, message: FileDiscovered) -> Iterator[FileDownloaded | TaggedOutput]:
        yield from self._letters.guard(message, self._submit(message))

    def _submit(self, message: FileDiscovered) -> Iterator[FileDownloaded | TaggedOutput]:
        delivery = self._config.portals.delivery_of(message)
        if message.s3_path is not None:  # needs no portal, so it cannot wait for one
            yield self._output(message, self._outcome(message, delivery, Ticket()))
            return
        for one, outcome in self._downloads.submit(
            message,
            identity=delivery,
            order=store_of(message),
            host=authority_of(message.url),
            work=partial(self._outcome, message, delivery),
        ):
            yield self._output(one, outcome)

    def finish_bundle(self) -> Iterator[WindowedValue | TaggedOutput]:
        for message, outcome in self._downloads.finish():
            yield windowed(self._output(message, outcome))

    def teardown(self) -> None:
        self._downloads.close()
        self._fetcher.close()

    def _output(
        self, message: FileDiscovered, outcome: Ended[Outcome] | Postponed
    ) -> FileDownloaded | TaggedOutput:
        result = outcome.value if isinstance(outcome, Ended) else outcome
        if isinstance(result, FileDownloaded):
            self._files.inc()
            self._bytes.inc(result.size)
            return result
        if isinstance(result, DeadLetter):
            return failure(result)
        at = now()
        if is_given_up(message, result, self._config.give_up, at):
            return failure(gone_letter(message, result, self._letters, at))
        Metrics.counter("gogobe.download", f"waiting.{result.reason}").inc()
        return TaggedOutput(WAITING, waiting_file(message, result, self._config.portals, at))
