"""A gzip file that breaks off is fetched once more; what comes again is as published."""

from __future__ import annotations

import gzip
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchSettings
from gogobe.io.gzip_ends import GzipCheck
from gogobe.io.networks import AllowedHosts
from tests.portals import Request, Response, portal

CONTENT = random.Random(1).randbytes(50_000)
WHOLE = gzip.compress(CONTENT)


def is_cut(file: bytes, pieces: Sequence[int] = ()) -> bool:
    """What the check says of a file that comes in pieces, which begin at these places."""
    check = GzipCheck()
    places = [0, *sorted(pieces), len(file)]
    for start, end in pairwise(places):
        check.feed(file[start:end])
    return check.is_truncated


@given(members=st.lists(st.binary(max_size=2000), min_size=1, max_size=3), data=st.data())
def test_a_file_is_whole_if_and_only_if_all_of_it_is_there(members: list[bytes], data: st.DataObject):
    whole = b"".join(map(gzip.compress, members))
    pieces = data.draw(st.lists(st.integers(0, len(whole)), max_size=4))
    assert not is_cut(whole, pieces)
    assert not is_cut(whole + bytes(9), pieces)  # padded, as tapes are
    assert is_cut(whole + b"x", pieces)
    last = len(gzip.compress(members[-1]))
    kept = data.draw(st.integers(len(whole) - last + 1, len(whole) - 1))
    assert is_cut(whole[:kept], [min(kept, one) for one in pieces])


def test_a_member_that_holds_much_is_read_to_its_end():
    whole = gzip.compress(bytes(5 << 20))
    assert not is_cut(whole, [7, 100])
    assert is_cut(whole[:-1], [7, 100])
    assert is_cut(whole[:-8] + bytes(8), [7, 100])


@pytest.mark.parametrize(
    ("bodies", "requests", "kept"),
    [
        ([WHOLE], 1, WHOLE),
        ([WHOLE[:30_000], WHOLE], 2, WHOLE),  # it was still being written
        ([WHOLE[:30_000]] * 3, 2, WHOLE[:30_000]),  # that is what is published
        ([WHOLE[:-8] + bytes(8)] * 3, 2, WHOLE[:-8] + bytes(8)),
        ([WHOLE[:10_000], WHOLE[:20_000], WHOLE[:30_000], WHOLE], 3, WHOLE[:30_000]),  # no attempt is left
    ],
)
def test_a_cut_file_is_fetched_again(tmp_path: Path, bodies: list[bytes], requests: int, kept: bytes):
    def answer(request: Request) -> Response:
        return Response(body=bodies[request.number - 1])

    settings = FetchSettings(attempts=3, backoff=0.001, allowed=AllowedHosts.parse("127.0.0.1"))
    with portal(answer) as running:
        fetched = Fetcher(settings).fetch(f"{running.url}/x.gz", tmp_path / "x")
        assert len(running.requests) == requests
    assert (fetched.size, (tmp_path / "x").read_bytes()) == (len(kept), kept)
