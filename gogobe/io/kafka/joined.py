"""The values of records that `io.gogobe.JoinedPolls` (java/overrides) joined to one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

MAGIC: Final = b"\0joined\0"
# More than a poll has.
MOST_VALUES: Final = 1000
_LENGTH: Final = struct.Struct(">I")


def split(value: bytes) -> Iterator[bytes]:
    """The values that a record's value consists of: several that were joined, or only itself. Raises nothing:
    what begins as a joined value and is none is one value too.

    >>> list(split(MAGIC + b"\\0\\0\\0\\2{}" + b"\\0\\0\\0\\0"))
    [b'{}', b'']
    >>> list(split(b"{}"))
    [b'{}']
    """
    if not value.startswith(MAGIC):
        yield value
        return
    try:
        values = list(_parts(value))
    except (struct.error, ValueError):
        values = [value]
    yield from values


def _parts(value: bytes) -> Iterator[bytes]:
    at = len(MAGIC)
    count = 0
    while at < len(value):
        count += 1
        if count > MOST_VALUES:
            raise ValueError("more values than a poll has")
        (length,) = _LENGTH.unpack_from(value, at)
        at += _LENGTH.size + length
        if at > len(value):
            raise ValueError("a value ends before its length")
        yield value[at - length : at]
