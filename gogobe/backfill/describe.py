"""Makes the message that a download of a file would make: chain, hash, address in the object store."""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path

import msgspec

from gogobe.backfill.sources import Source
from gogobe.chains.chain import Chains, normal_chain_id
from gogobe.feeds.names import parse_if_known
from gogobe.feeds.reader import FeedReader
from gogobe.io.objects import ObjectStore, content_key
from gogobe.records.messages import FileDownloaded, decoder, encode


class UndescribedFileError(Exception):
    """A file whose chain is unknown, or for which no valid message can be made; the message has the
    remedy."""


def describe(
    source: Source, path: Path, *, chains: Chains, store: ObjectStore | None, at: datetime, chain: str = ""
) -> FileDownloaded:
    """The message for a file at `path` on this machine, as if it were announced and downloaded at `at`
    (aware). The file is put into the store; without a store it stays in place.

    An empty `chain` means the chain that lists the ChainId in the file's name, otherwise in its content.
    Raises UndescribedFileError, or one of `store_errors()` if the store refuses the file.
    """
    try:
        key = chain or _chain_of(source, path, chains)
        with path.open("rb") as content:
            sha256 = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise UndescribedFileError(f"cannot be read: {error.strerror}") from error
    described = FileDownloaded(
        chain=key,
        s3_path=str(source.path or source.address),
        local_path=str(source.path) if source.path else None,
        content_sha256=sha256,
        size=path.stat().st_size,
        source_url=source.address,
        file_name=source.name,
        discovered_at=at,
        downloaded_at=at,
    )
    try:
        decoder(FileDownloaded).decode(encode(described))  # validates it as the pipeline does
    except ValueError as error:
        raise UndescribedFileError(f"no message can describe it: {error}") from error
    if store is None:
        return described
    stored = store.put(content_key(described.chain, sha256, described.file_name), path)
    return msgspec.structs.replace(described, s3_path=stored, local_path=store.local_path(stored))


def owner_of(chains: Chains, *published: str | None) -> str:
    """The key of the chain that lists the first valid ChainId of these. Raises UndescribedFileError if there
    is none, or if no chain or several list it."""
    chain_id = next(filter(None, map(normal_chain_id, published)), None)
    if chain_id is None:
        raise UndescribedFileError("neither its name nor its content carries a ChainId: give --chain")
    owners = chains.owners(chain_id)
    if len(owners) != 1:
        listed = f"{' and '.join(owners)} list it" if owners else "no chain lists it"
        raise UndescribedFileError(f"its ChainId is {chain_id}, and {listed}: give --chain")
    return owners[0]


def chain_id_in(path: Path, name: str) -> str | None:
    """The ChainId in the header of a feed, which is read up to its first rows. Raises OSError."""
    with path.open("rb") as content:
        reader = FeedReader(content, name)
        next(iter(reader), None)
        return reader.header.chain_id


def _chain_of(source: Source, path: Path, chains: Chains) -> str:
    name = parse_if_known(source.name)
    named = normal_chain_id(name.chain_id if name else None)
    return owner_of(chains, named or chain_id_in(path, source.name))
