"""A plain portal with the demo's files, for tests that need no listing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from gogobe.demo.published import shelves
from tests.portals.raw import Request, Response, portal


@dataclass(frozen=True)
class Published:
    """A file: its chain's key and its address."""

    chain: str
    url: str


@dataclass(frozen=True)
class BundledPortal:
    """The portal's HOST:PORT, and its files."""

    host: str
    published: list[Published]


@contextlib.contextmanager
def bundled_portal() -> Iterator[BundledPortal]:
    """Serves the demo's files at /CHAIN/NAME on a free port of 127.0.0.1."""
    files = {f"/{key}/{file.name}": file for key, shelf in shelves().items() for file in shelf}

    def answer(request: Request) -> Response:
        file = files[request.path]
        return Response(status=404) if file.is_missing else Response(body=file.body)

    with portal(answer) as served:
        published = [Published(path.split("/")[1], f"{served.url}{path}") for path in sorted(files)]
        yield BundledPortal(served.host, published)
