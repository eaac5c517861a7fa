"""Makes announcements of addresses and local files, and checks them before anything is published."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gogobe.backfill.describe import UndescribedFileError, chain_id_in, describe, owner_of
from gogobe.backfill.sources import CLOUDS, Source
from gogobe.chains.chain import Chains
from gogobe.chains.identity import ChainDiffersError, chain_id_of
from gogobe.feeds.names import parse_if_known
from gogobe.io.networks import AllowedHosts
from gogobe.io.objects import ObjectStore
from gogobe.records.addresses import file_name_of, has_credentials, host_of, public_address
from gogobe.records.messages import Chain as ChainName
from gogobe.records.messages import FileDiscovered, decoder, encode

PORTAL_SCHEMES: Final = ("http", "https")
LONGEST_ADDRESS: Final = 2048
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/{0,2}")
_BLANK: Final = re.compile(r"\s")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LABEL: Final = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?", re.IGNORECASE)
_SHOWN: Final = 100


class AnnouncementError(ValueError):
    """A file that cannot be announced; the message has its address, the reason and the remedy."""


def is_address(text: str) -> bool:
    """Whether an argument is an address to download, and not a path or an object of a bucket."""
    found = _SCHEME.match(text)
    return found is not None and found[1].lower() not in ("file", *CLOUDS) and "://" in text


def check_address(url: str) -> None:
    """Raises AnnouncementError unless the pipeline accepts the scheme, host and form of the address."""
    shown = public_address(url)[:_SHOWN]
    if found := _CONTROL.search(url):
        raise AnnouncementError(f"{shown!r}: has a control character (code {ord(found[0])}): copy it again")
    if _BLANK.search(url):
        raise AnnouncementError(f"{shown}: has a blank in it: in an address a blank is written %20")
    if has_credentials(url):
        raise AnnouncementError(
            f"{shown}: give the address without user and password; a portal's login is set by `user` and "
            "`password` of its [[chains.KEY.portals]] table, in the file that the setting `chains` names"
        )
    if len(url) > LONGEST_ADDRESS:
        raise AnnouncementError(f"{shown}…: has {len(url):,} characters; at most {LONGEST_ADDRESS:,} are taken")
    scheme = url.partition(":")[0].lower()
    if scheme not in PORTAL_SCHEMES:
        raise AnnouncementError(
            f"{shown}: {scheme}:// is not downloaded: give an http:// or https:// address, or a path, "
            "s3://… or gs://… of a file that is to be read from there"
        )
    _check_host(url, shown)
    if not urlsplit(url).path.strip("/") and not urlsplit(url).query:
        raise AnnouncementError(f"{shown}: names a host and no file on it")


def _check_host(url: str, shown: str) -> None:
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError as error:
        raise AnnouncementError(f"{shown}: is no address: {str(error)[:1].lower()}{str(error)[1:]}") from error
    if not host:
        raise AnnouncementError(f"{shown}: has no host: an address is https://HOST/PATH")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise AnnouncementError(f"{shown}: its port is not a number from 1 to 65535")
    if ":" in host:
        return  # an IPv6 address, checked by urlsplit
    try:
        labels = host.encode("idna").decode("ascii").rstrip(".").split(".")
    except UnicodeError:
        labels = [""]
    if not all(map(_LABEL.fullmatch, labels)) or len(host) > 253:
        raise AnnouncementError(
            f"{shown}: {host!r} is no host's name: it has letters, digits and hyphens, in parts of up to 63 "
            "characters with dots between them"
        )


def note_on_host(url: str, allowed: AllowedHosts) -> str | None:
    """A note for an address whose host is an IP address that is not public; None otherwise. It is no error,
    because the job has its own setting `fetch_hosts`."""
    host, parts = host_of(url), urlsplit(url)
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return None
    refusal = allowed.refusal(host, host, parts.port or (443 if parts.scheme == "https" else 80))
    return (
        f"{refusal}: the job downloads from it only where its setting `fetch_hosts` lists it"
        if refusal
        else None
    )


@dataclass(frozen=True)
class Announcer:
    """Makes announcements with the time `at` (aware). `chain` is the chain of all files; empty: the ChainId
    in the name of each file, or in the content of a local file, determines it. `unlisted` accepts a chain
    that is not listed."""

    chains: Chains
    at: datetime
    chain: str = ""
    unlisted: bool = False

    def of_address(self, url: str) -> FileDiscovered:
        """The announcement of a file to download. Raises AnnouncementError."""
        check_address(url)
        named = parse_if_known(file_name_of(url))
        try:
            key = self.key() or owner_of(self.chains, named.chain_id if named else None)
            chain_id_of(self.chains, key, named=named.chain_id if named else None, content=None)
        except (UndescribedFileError, ChainDiffersError) as error:
            raise AnnouncementError(f"{public_address(url)}: {error}") from error
        return FileDiscovered(key, url, self.at)

    def of_file(self, source: Source, path: Path, store: ObjectStore) -> FileDiscovered:
        """The announcement of a file at `path` on this machine, which is put into the store. Raises
        AnnouncementError, one of `store_errors()`."""
        named = parse_if_known(source.name)
        try:
            content = chain_id_in(path, source.name)
            key = self.key() or owner_of(self.chains, named.chain_id if named else None, content)
            chain_id_of(self.chains, key, named=named.chain_id if named else None, content=content)
            stored = describe(source, path, chains=self.chains, store=store, at=self.at, chain=key)
        except (UndescribedFileError, ChainDiffersError) as error:
            raise AnnouncementError(f"{source.address}: {error}") from error
        except OSError as error:
            if error.filename not in (str(path), path):
                raise
            raise AnnouncementError(f"{source.address}: cannot be read: {error.strerror}") from error
        message = FileDiscovered(key, source.address, self.at, source.name, stored.s3_path)
        try:
            decoder(FileDiscovered).decode(encode(message))
        except ValueError as error:
            raise AnnouncementError(f"{source.address}: no message can carry it: {error}") from error
        return message

    def key(self) -> str:
        """The listed key of the given chain; empty without one. Raises AnnouncementError."""
        if not self.chain:
            return ""
        if (known := self.chains.get(self.chain)) is not None:
            return known.key
        try:
            msgspec.convert(self.chain, ChainName)
        except msgspec.ValidationError:
            raise AnnouncementError(
                f"--chain {self.chain[:_SHOWN]!r}: a chain's name has 1 to 63 letters, digits, `-`, `_` and `.`"
            ) from None
        if self.unlisted:
            return self.chain
        raise AnnouncementError(f"--chain {self.chain}: {no_such_chain(self.chains, self.chain)}")


def no_such_chain(chains: Chains, name: str) -> str:
    """The message about an unknown chain's name, with the nearest known ones."""
    near = difflib.get_close_matches(name.casefold(), [chain.key for chain in chains], n=3)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return f"no chain of this name is listed; {meant}`gogobe chains` shows all, --unlisted takes it as it is"


def one_for_each_address(messages: Sequence[FileDiscovered]) -> list[FileDiscovered]:
    """The last announcement for each address."""
    return list({message.url: message for message in messages}.values())
