"""What is our own and passes is raised; what an element brings with it is the element's own end."""

from __future__ import annotations

import errno
import gzip
import io
import os
from collections.abc import Sequence

import psycopg
import pytest
from aiohttp import ClientConnectionError
from botocore.exceptions import EndpointConnectionError  # type: ignore[import-untyped]
from google.auth.exceptions import TransportError

from gogobe.secrets import SecretError
from gogobe.transforms.outages import is_outage, isolate


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        psycopg.OperationalError("connection refused"),
        psycopg.errors.DiskFull(),
        psycopg.errors.AdminShutdown(),
        psycopg.errors.SerializationFailure(),
        psycopg.errors.QueryCanceled(),
        psycopg.errors.ReadOnlySqlTransaction(),
        ConnectionResetError(),
        TimeoutError(),
        FileNotFoundError(errno.ENOENT, "the store's folder"),
        PermissionError(errno.EACCES, "the store's folder"),
        NotADirectoryError(errno.ENOTDIR, "a file in the place of the store's folder"),
        OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)),
        OSError(errno.EIO, "the store answers 503"),
        OSError("a store's error without a number"),
        EndpointConnectionError(endpoint_url="http://s3"),
        ClientConnectionError(),
        TransportError("no token"),
        SecretError("secret://file/x"),
    ],
    ids=repr,
)
def test_an_outage(error: Exception):
    assert is_outage(error)


@pytest.mark.parametrize(
    "error",
    [
        ValueError(),
        RecursionError(),
        KeyError("x"),
        AssertionError(),
        UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"),
        psycopg.errors.UniqueViolation(),
        psycopg.errors.UndefinedTable(),
        psycopg.errors.InsufficientPrivilege(),
        psycopg.errors.NumericValueOutOfRange(),
        psycopg.ProgrammingError("the query has 2 placeholders but 1 parameters were passed"),
        gzip.BadGzipFile("not gzip"),
        io.UnsupportedOperation("seek"),
        OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG)),
    ],
    ids=repr,
)
def test_no_outage(error: Exception):
    assert not is_outage(error)


class Work:
    """Takes all numbers but the bad ones, all or none at a time."""

    def __init__(self, *bad: int, error: Exception | None = None) -> None:
        self.bad = set(bad)
        self.error = error or ValueError("bad")
        self.done: list[int] = []
        self.calls = 0

    def __call__(self, numbers: Sequence[int]) -> None:
        self.calls += 1
        if self.bad & set(numbers):
            raise self.error
        self.done += numbers


@pytest.mark.parametrize("bad", [(), (0,), (3, 4), (7,), range(8)])
def test_only_the_bad_ones_are_given_up(bad: Sequence[int]):
    work, given_up = Work(*bad), list[int]()
    isolate(range(8), work, lambda one, error: given_up.append(one))
    assert given_up == list(bad)
    assert work.done == [one for one in range(8) if one not in bad]
    assert work.calls <= 2 * 8
    if not bad:
        assert work.calls == 1


def test_an_outage_is_raised_and_nothing_given_up():
    work, given_up = Work(5, error=ConnectionError()), list[int]()
    with pytest.raises(ConnectionError):
        isolate(range(8), work, lambda one, error: given_up.append(one))
    assert given_up == []


def test_no_elements_are_no_work():
    work = Work()
    isolate([], work, lambda one, error: None)
    assert work.calls == 0
