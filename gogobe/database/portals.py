"""The health of each portal: written by the agent that watches it, read by `gogobe chains` and `gogobe
status`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from gogobe.database.connection import Connection, fetch_as


class PortalHealth(msgspec.Struct, kw_only=True):
    """A portal's row. Times are aware. `files` is the size of its last complete listing, `announced` the
    number of files announced since the portal is watched. `late_…` are seconds from a file's own timestamp to
    its announcement, over the newest announced files. `failures` counts those since the last complete
    listing."""

    portal: str
    chain: str
    engine: str
    agent: str
    circuit: str = "closed"
    failures: int = 0
    listed_at: datetime | None = None
    succeeded_at: datetime | None = None
    next_at: datetime | None = None
    files: int | None = None
    announced: int = 0
    announced_at: datetime | None = None
    newest_file_at: datetime | None = None
    late_median: float | None = None
    late_p95: float | None = None
    last_error: str | None = None


class PortalErrors(msgspec.Struct, frozen=True):
    """Errors of one kind at one portal: their count, and the last one's time (aware) and message."""

    portal: str
    kind: str
    count: int
    last_at: datetime
    detail: str


_FIELDS: Final = PortalHealth.__struct_fields__
_NAMES: Final = ", ".join(_FIELDS)
_WRITE: Final = f"""
    INSERT INTO portals AS p ({_NAMES}) VALUES ({", ".join(f"%({name})s" for name in _FIELDS)})
    ON CONFLICT (portal) DO UPDATE SET
        {", ".join(f"{name} = excluded.{name}" for name in _FIELDS if name not in ("portal", "announced"))},
        announced = p.announced + excluded.announced
"""
_COUNT: Final = """
    INSERT INTO portal_errors AS e (portal, kind, count, last_at, detail)
    VALUES (%(portal)s, %(kind)s, %(count)s, %(last_at)s, %(detail)s)
    ON CONFLICT (portal, kind) DO UPDATE SET count = e.count + excluded.count, last_at = excluded.last_at,
                                             detail = excluded.detail
"""


def write_health(
    connection: Connection, portals: Sequence[PortalHealth], errors: Sequence[PortalErrors]
) -> None:
    """Writes portals' rows in one transaction; `announced` and the counts of errors are added to the stored
    ones."""
    with connection.transaction(), connection.cursor() as cursor:
        if portals:
            cursor.executemany(
                _WRITE, [msgspec.structs.asdict(one) for one in sorted(portals, key=lambda one: one.portal)]
            )
        if errors:
            cursor.executemany(
                _COUNT,
                [msgspec.structs.asdict(one) for one in sorted(errors, key=lambda one: (one.portal, one.kind))],
            )


def read_health(connection: Connection) -> list[PortalHealth]:
    """Every portal that was ever watched, by name."""
    return fetch_as(connection, PortalHealth, f"SELECT {_NAMES} FROM portals ORDER BY portal".encode())


def read_errors(connection: Connection) -> list[PortalErrors]:
    """The errors of all portals by kind, newest first."""
    return fetch_as(
        connection,
        PortalErrors,
        "SELECT portal, kind, count, last_at, detail FROM portal_errors ORDER BY portal, last_at DESC",
    )
