"""Whose fault an error is: what is our own and passes is raised, so that the runner tries again."""

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

# Not worth another attempt at once, but no fault of an element: a statement that ran too long, a server whose
# disk or files fail, one that is read-only after a failover.
_OF_THE_SERVER: Final = (
    errors.QueryCanceled,
    errors.IoError,
    errors.SystemError,
    errors.UndefinedFile,
    errors.ReadOnlySqlTransaction,
)

# OSErrors caused by the arguments of the call, which depend on the element, not by the state of the machine.
_ABOUT_THE_CALL: Final = frozenset(
    {
        errno.EINVAL, errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ, errno.EBADF, errno.ESPIPE, errno.EDOM,
        errno.ERANGE, errno.EOVERFLOW,
    }
)  # fmt: skip
# These are OSErrors by class, and about what was read.
_ABOUT_THE_DATA: Final = (gzip.BadGzipFile, io.UnsupportedOperation)


def is_outage(error: BaseException) -> bool:
    """Whether an error is on our own side and passes, and has nothing to do with the element: a database or an
    object store out of reach, a secret that cannot be resolved, a full disk, no memory. Then the step raises;
    with every other error the element ends as a dead letter."""
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
    """Does the work on all elements at once; where that fails, on halves of them, down to the single element
    that fails alone: `give_up` gets that one with its error.

    The work must be harmless to repeat. Outages are raised.
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
