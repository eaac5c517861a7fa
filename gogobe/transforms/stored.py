"""Announced files that the object store already has: local files, and files that are read again."""

from __future__ import annotations

import hashlib

from gogobe.io.fetching import FetchError
from gogobe.io.objects import ObjectStore, OutsideStoreError
from gogobe.records.addresses import file_name_of, public_address
from gogobe.records.messages import FileDiscovered, FileDownloaded
from gogobe.transforms.dead_letters import now


def stored_file(message: FileDiscovered, store: ObjectStore) -> FileDownloaded:
    """The downloaded file of an announcement with an `s3_path`. Its bytes are hashed again.

    Raises FetchError (`outside_store`, `missing_object`), one of `store_errors()`.
    """
    assert message.s3_path is not None
    try:
        with store.open(message.s3_path) as source:
            sha256 = hashlib.file_digest(source, "sha256").hexdigest()  # type: ignore[arg-type]  # reads only
            size = source.tell()
    except OutsideStoreError as error:
        raise FetchError("outside_store", str(error)) from error
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        if not store.is_reachable():
            raise
        detail = f"{message.s3_path} is not in the store; announce the file itself again"
        raise FetchError("missing_object", detail) from error
    return FileDownloaded(
        chain=message.chain,
        s3_path=message.s3_path,
        local_path=store.local_path(message.s3_path),
        content_sha256=sha256,
        size=size,
        source_url=public_address(message.url),
        file_name=message.file_name or file_name_of(message.url),
        discovered_at=message.timestamp,
        downloaded_at=now(),
    )
