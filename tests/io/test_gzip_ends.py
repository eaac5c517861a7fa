"""A gzip file that breaks off is fetched once more; what comes again is as published."""

from __future__ import annotations

import gzip
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gogobe.io.fetch import Fetcher
from gogobe.io.fetching import FetchSettings
from gogobe.io.gzip_ends import is_truncated
from gogobe.io.networks import AllowedHosts
from tests.portals import Request, Response, portal

CONTENT = random.Random(1).randbytes(50_000)
WHOLE = gzip.compress(CONTENT)


@given(members=st.lists(st.binary(max_size=2000), min_size=1, max_size=3), data=st.data())
def test_a_file_is_whole_if_and_only_if_all_of_it_is_there(
    tmp_path_factory: pytest.TempPathFactory, members: list[bytes], data: st.DataObject
):
    file = tmp_path_factory.mktemp("gzip") / "file"
    whole = b"".join(map(gzip.compress, members))
    file.write_bytes(whole)
    assert not is_truncated(file)
    last = len(gzip.compress(members[-1]))
    kept = data.draw(st.integers(len(whole) - last + 2, len(whole) - 1))
    file.write_bytes(whole[:kept])
    assert is_truncated(file)


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
