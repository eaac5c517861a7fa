"""The key that keeps a store's files in their order: in Kafka's partitions and over the workers."""

from __future__ import annotations

import zlib
from typing import Final

from gogobe.feeds.names import UnknownFileNameError, normal_store_id, parse_file_name
from gogobe.records.addresses import file_name_of
from gogobe.records.messages import FileDiscovered, FileDownloaded

# Grouping by key keeps a little of every key for good, so the number of keys is bounded.
UNKNOWN_STORES: Final = 64


def store_of(message: FileDiscovered | FileDownloaded) -> str:
    """The key of a file's order: its chain and store, as the file's name says. Names that follow no pattern
    share 64 keys a chain, the same key for the same name. Raises nothing."""
    if isinstance(message, FileDownloaded):
        file_name = message.file_name
    else:
        file_name = message.file_name or file_name_of(message.url)
    try:
        name = parse_file_name(file_name)
    except UnknownFileNameError:
        return f"{message.chain}/?{zlib.crc32(file_name.encode('utf-8', 'replace')) % UNKNOWN_STORES}"
    return f"{message.chain}/{name.chain_id}/{normal_store_id(name.store_id or '0')}"
