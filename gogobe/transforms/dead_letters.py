"""Dead letters: how every step reports elements that it cannot process.

A step has its results in the main output and dead letters in the output `failures`. `DeadLetters.guard` is
the last resort for every element: an unexpected exception becomes a dead letter `internal_error`, and the
next element is processed. Only outages (`outages.py`) are raised.
"""

from __future__ import annotations

import base64
import logging
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import msgspec
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from gogobe.io.objects import ObjectStore
from gogobe.io.originals import put_original
from gogobe.records.addresses import file_name_of, has_credentials, public_address, without_credentials
from gogobe.records.excerpts import excerpt, json_size, storable
from gogobe.records.messages import (
    INTERNAL_ERROR,
    DeadLetter,
    FileDiscovered,
    FileDownloaded,
    IngestBatch,
    encode,
)
from gogobe.transforms.outages import is_outage, isolate
from gogobe.transforms.steps import FAILURES

logger = logging.getLogger(__name__)

Element = TypeVar("Element")
Output = TypeVar("Output")

# Bounds in bytes of JSON. Together they keep a letter below Kafka's default limit for a message, 1 MiB.
MAX_ORIGINAL_BYTES: Final = 512 << 10
MAX_EXCERPT_BYTES: Final = 16 << 10
MAX_CAUSE_BYTES: Final = 32 << 10
MAX_FACT_BYTES: Final = 16 << 10
MAX_LETTER_BYTES: Final = 1_000_000


def now() -> datetime:
    """The current time, in UTC."""
    return datetime.now(UTC)


def failure(letter: DeadLetter) -> TaggedOutput:
    """A dead letter as an output of a DoFn, counted by stage and reason."""
    Metrics.counter(f"gogobe.{letter.stage}", f"dead_letters.{letter.reason}").inc()
    return TaggedOutput(FAILURES, letter)


@dataclass(frozen=True)
class DeadLetters:
    """Makes the dead letters of one stage. Originals that are too large for a letter are stored in `store`.

    A letter has at most `MAX_LETTER_BYTES` as JSON, for any element, and no address in it has a user or
    password. Its `source_url` also loses its signature. The original keeps signatures, so that it can be
    replayed while they are valid. `address_of` returns the address of an announced file without its
    signature.
    """

    stage: str
    store: ObjectStore
    address_of: Callable[[FileDiscovered], str] = lambda message: public_address(message.url)

    def letter(
        self,
        element: object,
        reason: str,
        detail: str,
        *,
        cause: str | None = None,
        place: str | None = None,
        attempts: int = 1,
    ) -> DeadLetter:
        """The dead letter of an element: a message, or bytes that are not a valid one.

        Raises one of `store_errors()` if an original cannot be stored.
        """
        facts = self._facts_of(element) | ({} if place is None else {"place": place})
        fields: dict[str, Any] = {name: excerpt(storable(fact), MAX_FACT_BYTES) for name, fact in facts.items()}
        fields |= self._original_fields(quoted(element))
        return DeadLetter(
            stage=self.stage,
            reason=reason,
            detail=_public(detail, MAX_FACT_BYTES),
            cause=None if cause is None else _public(cause, MAX_CAUSE_BYTES),
            failed_at=now(),
            attempts=attempts,
            **fields,
        )

    def internal_error(
        self,
        element: object,
        error: Exception,
        effect: str = "it was not processed: replay it once that is fixed",
        *,
        place: str | None = None,
    ) -> DeadLetter:
        """The dead letter of an element whose processing raised an unexpected exception, which is also
        logged. `effect` is the consequence for the element."""
        described = traceback.format_exception_only(error)[-1].strip()
        detail = f"unforeseen {described}; {effect}"
        cause = "".join(traceback.format_exception(error))
        letter = self.letter(element, INTERNAL_ERROR, detail, cause=cause, place=place)
        # The text of the letter, from which credentials are removed, not that of the exception.
        logger.error("%s: %s\n%s", self.stage, letter.detail, letter.cause)
        return letter

    def guard(self, element: object, outputs: Iterable[Output]) -> Iterator[Output | TaggedOutput]:
        """The outputs of a generator for an element; if it raises, followed by the element's dead letter.

        Outputs before the exception are kept. Outages are raised.
        """
        try:
            yield from outputs
        except Exception as error:
            if is_outage(error):
                raise
            yield failure(self.internal_error(element, error))

    def isolate(
        self, elements: Sequence[Element], work: Callable[[Sequence[Element]], None]
    ) -> list[DeadLetter]:
        """Processes all elements at once, and, if that fails, in parts (`outages.isolate`). Returns a dead
        letter for each element that fails by itself."""
        failed: list[DeadLetter] = []
        isolate(elements, work, lambda one, error: failed.append(self.internal_error(one, error)))
        return failed

    def _facts_of(self, element: object) -> dict[str, str]:
        """The fields of a letter that identify the file, or the part of one, of an element."""
        match element:
            case FileDiscovered():
                name = element.file_name or file_name_of(element.url)
                return {"chain": element.chain, "source_url": self.address_of(element), "file": name}
            case FileDownloaded():
                about = {"file": element.file_name}
            case IngestBatch():
                about = {
                    "file": element.file,
                    "batch_id": element.batch_id,
                    "place": f"batch {element.sequence}",
                }
            case _:
                return {}
        return {
            "chain": element.chain,
            "source_url": public_address(element.source_url),
            "content_sha256": element.content_sha256,
            **about,
        }

    def _original_fields(self, original: bytes) -> dict[str, Any]:
        """The fields of a letter with its original, or with the object that has it."""
        original = _redacted(original)
        text = original.decode("utf-8", errors="replace")
        encoded = None
        if storable(text).encode() != original:
            text, encoded = storable(text), base64.b64encode(original).decode("ascii")
        if json_size(text) + len(encoded or "") <= MAX_ORIGINAL_BYTES:
            return {"original": text, "original_base64": encoded}
        path, sha256 = put_original(original, self.store)
        return {
            "original": excerpt(text, MAX_EXCERPT_BYTES),
            "original_path": path,
            "original_sha256": sha256,
            "original_size": len(original),
        }


def quoted(element: object) -> bytes:
    """An element as bytes: the value of a Kafka record, the JSON of a message, or the `repr` of another
    object. Raises only outages."""
    match element:
        case bytes():
            return element
        case (_, bytes() as value):
            return value
        case FileDiscovered() if has_credentials(element.url):
            element = msgspec.structs.replace(element, url=public_address(element.url))
    for form in (encode, lambda one: repr(one).encode("utf-8", errors="backslashreplace")):
        try:
            return form(element)
        except Exception as error:
            if is_outage(error):
                raise
            failed = type(error).__name__
            logger.warning("an element of type %s cannot be quoted: %s", type(element).__name__, failed)
    return object.__repr__(element).encode()


def _public(text: str, max_bytes: int) -> str:
    return excerpt(storable(without_credentials(text)), max_bytes)


def _redacted(original: bytes) -> bytes:
    """The bytes of a message without the users and passwords of its addresses."""
    try:
        return without_credentials(original.decode()).encode()
    except UnicodeDecodeError:
        return without_credentials(original.decode("latin-1")).encode("latin-1")
