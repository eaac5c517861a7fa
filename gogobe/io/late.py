"""Results of downloads that ended after their bundle: a small object has the location of the content.

The content is in the store by then. When the announcement of the file comes again, on any worker, the object
is found and the file is not downloaded again.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from gogobe.io.objects import ObjectStore
from gogobe.records.messages import FileDownloaded, decoder, encode

_decoder = decoder(FileDownloaded)


def late_key(delivery: bytes) -> str:
    """The key of the object for one announcement."""
    name = delivery.hex()
    return f"late/{name[:2]}/{name}.json"


def put_late(delivery: bytes, file: FileDownloaded, store: ObjectStore) -> None:
    """Stores the result of a download. Raises one of `store_errors()`."""
    with tempfile.NamedTemporaryFile(prefix="gogobe-late-") as part:
        part.write(encode(file))
        part.flush()
        store.put(late_key(delivery), Path(part.name))


def find_late(delivery: bytes, store: ObjectStore) -> FileDownloaded | None:
    """The result of an earlier download of the same announcement; None without one. Raises one of
    `store_errors()`."""
    try:
        with store.open(store.path_of(late_key(delivery))) as source:
            found: FileDownloaded = _decoder.decode(source.read())
    except FileNotFoundError:
        return None
    return found
