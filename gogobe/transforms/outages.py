"""Classifies exceptions: an outage on our own side is raised, so that the runner retries; others are faults
of an element."""

from __future__ import annotations

import errno
import gzip
import io
import logging
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import psycopg
from psycopg import errors

from gogobe.database.address import AddressError
from gogobe.database.connection import is_transient
from gogobe.io.objects import store_errors
from gogobe.secrets import SecretError

logger = logging.getLogger(__name__)

Element = TypeVar("Element")

# States of the server, not faults of an element, although an immediate retry is useless: a statement timeout,
# a failing disk, a read-only server after a failover.
_OF_THE_SERVER: Final = (
    errors.QueryCanceled,
    errors.IoError,
    errors.SystemError,
    errors.UndefinedFile,
    errors.ReadOnlySqlTransaction,
)

# OSErrors that depend on the arguments of the call, and so on the element, not on the state of the machine.
_ABOUT_THE_CALL: Final = frozenset(
    {
        errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ, errno.EBADF, errno.ESPIPE, errno.EDOM,
        errno.ERANGE, errno.EOVERFLOW,
    }
)  # fmt: skip
# OSErrors by class that are about the data.
_ABOUT_THE_DATA: Final = (gzip.BadGzipFile, io.UnsupportedOperation)


def is_outage(error: BaseException) -> bool:
    """Whether an exception is a transient failure on our own side and independent of the element: an
    unreachable database or object store, a secret that cannot be resolved, a full disk, no memory. The step
    raises it. After any other exception the element becomes a dead letter."""
    if isinstance(error, psycopg.Error):
        return is_transient(error) or isinstance(error, _OF_THE_SERVER)
    if isinstance(error, _ABOUT_THE_DATA):
        return False
    if isinstance(error, OSError):
        return error.errno not in _ABOUT_THE_CALL
    return isinstance(error, (MemoryError, SecretError, AddressError, *store_errors()))


def isolate(
    elements: Sequence[Element],
    work: Callable[[Sequence[Element]], None],
    give_up: Callable[[Element, Exception], None],
) -> None:
    """Processes all elements at once; if that fails, halves of them, down to the single element that fails by
    itself, which is passed to `give_up` with its exception.

    The work must be idempotent. Outages are raised.
    """
    if not elements:
        return
    try:
        work(elements)
    except Exception as error:
        if is_outage(error):
            raise
        if len(elements) == 1:
            give_up(elements[0], error)
            return
        logger.debug("one of %d elements fails, halving", len(elements))
    else:
        return
    middle = len(elements) // 2
    isolate(elements[:middle], work, give_up)
    isolate(elements[middle:], work, give_up)
