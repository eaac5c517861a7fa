"""Watches one portal: files of each listing go to the announcer, the outcome to the portal's health."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final, cast

import msgspec

from gogobe.database.announcements import FileToClaim
from gogobe.discovery.announced_cache import AnnouncedCache, key_of
from gogobe.discovery.announcer import Announcement, Outcome, message_of
from gogobe.discovery.client import Engine, PortalClient
from gogobe.discovery.health import Health, Listing
from gogobe.discovery.listing import ListedFile, ListingError, NotModified
from gogobe.discovery.metrics import Metrics
from gogobe.discovery.portal import Portal
from gogobe.discovery.retries import Retries
from gogobe.discovery.schedule import Schedule
from gogobe.feeds.ordering import publication_order
from gogobe.io.circuit import Circuit
from gogobe.records.addresses import has_credentials, host_of, identity_of
from gogobe.records.messages import FileDiscovered, decoder, encode

logger = logging.getLogger(__name__)

CHUNK_FILES: Final = 500
CHUNKS_UNDER_WAY: Final = 4
# A listing is held in memory to be sorted, about 1 kB a file. The largest known portals list a tenth.
MOST_HELD: Final = 100_000
Put = Callable[[Sequence[Announcement]], Awaitable[Awaitable[Outcome]]]
_message: Final = decoder(FileDiscovered)


class Watcher:
    """Watches one portal: `list_files` makes one listing and sets `due`, the time of the next one. With
    `retries`, a listing also gives new links to the files that wait for one."""

    def __init__(
        self,
        portal: Portal,
        engine: Engine,
        client: PortalClient,
        *,
        agent: str,
        metrics: Metrics,
        retries: Retries | None = None,
    ) -> None:
        self.portal = portal
        self.schedule = Schedule(portal.settings)
        self.health = Health(portal, agent, metrics)
        self.due: datetime | None = None
        self._engine = engine
        self._client = client
        self._circuit = Circuit()
        self._announced = AnnouncedCache()
        self._retries = retries
        # Files that wait for a new link, and the links that this listing has for them.
        self._expected: frozenset[bytes] = frozenset()
        self._links: dict[bytes, str] = {}
        client.known = lambda file: not self._expected and self._announced.knows(key_of(self._listed(file)))

    async def close(self) -> None:
        """Closes the session with the portal."""
        await self._client.close()

    async def list_files(self, put: Put) -> Listing:
        """Makes one listing and passes every file that is not known to be announced to `put`. Returns when all
        are announced. Errors of the portal are part of the outcome; raises only errors of `put`."""
        started = time.monotonic()
        if self._retries is not None:
            self._expected, self._links = await self._retries.expected(self.portal.chain), {}
        if self._announced.is_new(self._client.now()) or self._expected:
            self._client.forget()
        self._client.begin()
        listing = Listing()
        unannounced = _Unannounced(put)
        keys: set[int] = set()
        try:
            async with aclosing(cast("Any", self._engine(self.portal, self._client))) as files:
                async for file in files:
                    await self._consider(file, listing, unannounced, keys)
            listing.is_complete = True
        except NotModified:
            listing.is_complete, listing.is_modified = True, False
        except ListingError as error:
            listing.error = error
        except Exception as error:
            logger.exception("portal %s: an unexpected error", self.portal.key)
            listing.error = ListingError("internal_error", f"{type(error).__name__}: {error}")
        new, pending = await unannounced.finish()
        listing.announced, listing.pending = len(new), len(pending)
        keys -= pending  # the next listing passes them again
        if listing.is_complete:
            self._complete(listing, keys)
            self._check_content(listing)
        answers_again = self._conclude(listing, new)
        if self._retries is not None:
            await self._retries.announce_with(self._links)
            if answers_again:
                await self._retries.wake(self.portal.chain)
        listing.seconds = time.monotonic() - started
        return listing

    async def _consider(
        self, file: ListedFile, listing: Listing, unannounced: _Unannounced, keys: set[int]
    ) -> None:
        listing.files += 1
        if not self.portal.wants(file.file_name):
            listing.ignored += 1
            return
        listed = self._listed(file)
        if listed.identity in self._expected:
            self._links[listed.identity] = file.url
        key = key_of(listed)
        if key in keys or self._announced.knows(key):
            keys.add(key)
            return
        try:
            message = self._message(file)
        except ListingError as error:
            listing.count(error)
            return
        keys.add(key)
        await unannounced.add(Announcement(listed, message))

    def _listed(self, file: ListedFile) -> FileToClaim:
        address = self.portal.address_of(file.url)
        return FileToClaim(
            identity_of(self.portal.chain, address, file.file_name),
            self.portal.chain,
            address,
            file.file_name,
            file.size,
            file.modified,
            file.etag,
            is_signed=address != file.url,
        )

    def _message(self, file: ListedFile) -> FileDiscovered:
        """A file's announcement. Raises ListingError if the pipeline would refuse it."""
        if has_credentials(file.url):
            raise ListingError("bad_link", f"{file.file_name!r}: its address has a user or a password")
        if (host := host_of(file.url)) not in self.portal.hosts:
            hosts = ", ".join(sorted(self.portal.hosts))
            raise ListingError(
                "bad_link",
                f"{file.file_name!r}: on {host!r}, which is not one of the portal's hosts ({hosts}): add it to "
                "`hosts` if it is right",
            )
        try:
            message = message_of(self.portal.chain, file.url, file.file_name, self._client.now())
            _message.decode(encode(message))
        except (msgspec.ValidationError, ValueError) as error:
            raise ListingError("bad_link", f"{file.file_name!r}: no announcement: {error}") from error
        return message

    def _complete(self, listing: Listing, keys: set[int]) -> None:
        self._client.complete()
        if listing.is_modified:
            if self._client.is_whole:
                self._announced.replace(keys)
            else:
                self._announced.add(keys)

    def _check_content(self, listing: Listing) -> None:
        """Counts an error for a complete listing without any feed: the portal may have changed its layout. The
        circuit does not count it."""
        if not listing.is_modified or listing.ignored < listing.files:
            return
        if listing.files:
            detail = f"none of its {listing.files} files has a name that `match` finds"
            listing.count(ListingError("empty_listing", f"{self.portal.host}: {detail}"))
        elif not self.schedule.is_quiet(self._client.now()):
            listing.count(ListingError("empty_listing", f"{self.portal.host}: it lists no file"))

    def _conclude(self, listing: Listing, new: Sequence[FileToClaim]) -> bool:
        """Schedules the next listing and updates the portal's health. Returns whether its circuit closed."""
        now, wait, has_closed = self._client.now(), 0.0, False
        if listing.error is not None:
            listing.count(listing.error)
            was_open = self._circuit.state == "open"
            wait = self._circuit.fail(listing.error.retry_after)
            has_opened = self._circuit.state == "open" and not was_open
            level = logging.WARNING if has_opened else logging.INFO
            state = "has its circuit open" if has_opened else "failed"
            logger.log(level, "portal %s %s: %s: %s", self.portal.key, state, listing.error.kind, listing.error)
        elif has_closed := self._circuit.succeed():
            logger.warning("portal %s answers again", self.portal.key)
        self.due = self.schedule.next(now, at_least=wait)
        self.health.note(listing, new, self._circuit, now=now, due=self.due)
        return has_closed


class _Unannounced:
    """Holds the new files of one listing until its end and sends them to the announcer in chunks, sorted by
    time of publication: portals list files in any order."""

    def __init__(self, put: Put) -> None:
        self._put = put
        self._held: list[Announcement] = []
        self._sent: deque[tuple[list[Announcement], Awaitable[Outcome]]] = deque()
        self._new: list[FileToClaim] = []
        self._pending: set[int] = set()

    async def add(self, announcement: Announcement) -> None:
        self._held.append(announcement)
        if len(self._held) >= MOST_HELD:
            await self._send()

    async def finish(self) -> tuple[Sequence[FileToClaim], set[int]]:
        """Waits until all are announced. Returns the new files, and the keys of files that another agent has
        claimed."""
        await self._send()
        while self._sent:
            await self._note_oldest()
        return self._new, self._pending

    async def _send(self) -> None:
        files, self._held = self._held, []
        files.sort(key=lambda one: publication_order(one.listed.file_name))
        for start in range(0, len(files), CHUNK_FILES):
            if len(self._sent) >= CHUNKS_UNDER_WAY:
                await self._note_oldest()
            chunk = files[start : start + CHUNK_FILES]
            self._sent.append((chunk, await self._put(chunk)))

    async def _note_oldest(self) -> None:
        chunk, future = self._sent.popleft()
        outcome = await future
        for listed, _ in chunk:
            if listed.identity in outcome.announced:
                self._new.append(listed)
            elif listed.identity in outcome.pending:
                self._pending.add(key_of(listed))
