"""The coder of elements between two stages: the messages' own JSON, instead of Beam's fallback, pickle.

A newer release reads JSON of an older one (fields are added, never renamed), so a job can be updated in
place. JSON is also faster: 0.95 ms to write and read a batch of 500 items, 1.5 ms for pickle.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

import msgspec
from apache_beam import coders

from gogobe.database.load.loader import LoadResult
from gogobe.masters.codes.decisions import Decision
from gogobe.records.excerpts import storable
from gogobe.records.messages import (
    DeadLetter,
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
    WaitingFile,
    decoder,
    encode,
)
from gogobe.transforms.masters import MastersAddress

ELEMENT_TYPES: Final = (
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
    DeadLetter,
    WaitingFile,
    LoadResult,
    Decision,
    MastersAddress,
)

# A checkpoint waits for the messages in flight, and each of these is a whole file. A runner bounds their bytes:
# at a few hundred bytes each, Flink's buffers (4 kB each) would hold hundreds of files.
PADDED_BYTES: Final = 32 << 10
_PADDED: Final = (FileDiscovered, FileDownloaded)


class MessageCoder(coders.Coder):
    """Encodes a struct or dataclass as JSON. Deterministic: fields are written in the order of their
    definition."""

    def __init__(self, message_type: type[Any]) -> None:
        self._message_type = message_type
        self._decoder = decoder(message_type)

    def __reduce__(self) -> tuple[type[MessageCoder], tuple[type[Any]]]:
        return MessageCoder, (self._message_type,)

    def __repr__(self) -> str:
        return f"MessageCoder({self._message_type.__name__})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MessageCoder) and other._message_type is self._message_type

    def __hash__(self) -> int:
        return hash(self._message_type)

    @classmethod
    def from_type_hint(cls, typehint: type[Any], _registry: Any) -> MessageCoder:
        return cls(typehint)

    def to_type_hint(self) -> type[Any]:
        return self._message_type

    def is_deterministic(self) -> bool:
        return True

    def encode(self, value: Any) -> bytes:
        """The JSON of an element. Does not fail for any text, because an element that cannot be encoded
        cannot become a dead letter: characters that UTF-8 cannot encode (lone surrogates) become U+FFFD. The
        JSON of a file is padded with blanks to `PADDED_BYTES`."""
        try:
            encoded = encode(value)
        except UnicodeEncodeError:
            encoded = encode(_storable(msgspec.to_builtins(value, builtin_types=(Decimal,))))
        return encoded.ljust(PADDED_BYTES) if isinstance(value, _PADDED) else encoded

    def decode(self, encoded: bytes) -> Any:
        return self._decoder.decode(encoded)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, list):
        return [_storable(one) for one in value]
    if isinstance(value, dict):
        return {name: _storable(one) for name, one in value.items()}
    return value


def register(types: Iterable[type[Any]] = ELEMENT_TYPES) -> None:
    """Makes `MessageCoder` the coder of these types in every pipeline of this process."""
    for one in types:
        coders.registry.register_coder(one, MessageCoder)
