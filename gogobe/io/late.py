"""Downloads that ended after their bundle: a small object says where the content is.

The content is in the store by then. When the file's announcement comes again, on whichever worker, the object
is found and nothing is downloaded a second time.
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
    """Remembers what a download gave. Raises one of `store_errors()`."""
    with tempfile.NamedTemporaryFile(prefix="gogobe-late-") as part:
        part.write(encode(file))
        part.flush()
        store.put(late_key(delivery), Path(part.name))


def find_late(delivery: bytes, store: ObjectStore) -> FileDownloaded | None:
    """What an earlier download of the same announcement gave. Raises one of `store_errors()`."""
    try:
        with store.open(store.path_of(late_key(delivery))) as source:
            found: FileDownloaded = _decoder.decode(source.read())
    except FileNotFoundError:
        return None
    return found
