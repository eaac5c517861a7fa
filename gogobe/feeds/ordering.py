"""The order of a store's files: the key by which partitions and workers preserve it, and the order of
announcement."""

from __future__ import annotations

import zlib
from datetime import UTC, datetime
from typing import Final

from gogobe.feeds.names import UnknownFileNameError, normal_store_id, parse_file_name, parse_if_known
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import FileDiscovered, FileDownloaded

# A grouping by key keeps some state for every key, so the number of keys is bounded.
UNKNOWN_STORES: Final = 64
_LAST: Final = datetime.max.replace(tzinfo=UTC)


def store_of(message: FileDiscovered | FileDownloaded) -> str:
    """The ordering key of a file: its chain and store, from the file's name. Names in no known form share 64
    keys per chain; a name always has the same key. Raises nothing."""
    if isinstance(message, FileDownloaded):
        file_name = message.file_name
    else:
        file_name = message.file_name or file_name_of(message.url)
    try:
        name = parse_file_name(file_name)
    except UnknownFileNameError:
        return f"{message.chain}/?{zlib.crc32(file_name.encode('utf-8', 'replace')) % UNKNOWN_STORES}"
    return f"{message.chain}/{name.chain_id}/{normal_store_id(name.store_id or '0')}"


def publication_order(file_name: str) -> tuple[datetime, str]:
    """A sort key: the time of publication in the name, then the name; files without a time come last. Portals
    list files in any order, often the newest first. Raises nothing."""
    name = parse_if_known(file_name)
    return (name and name.published_at) or _LAST, file_name
