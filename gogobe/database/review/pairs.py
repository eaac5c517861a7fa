"""Pairs of item and master that the resolver compared by name: kept, listed, decided by a person.

A yes moves the item's alias to the candidate, for every store of the chain at once; a no leaves it, or brings
it back, to a master of its own, until a yes to another pair. Both outlive whatever the pipeline says later, go
into the next snapshot, and can be taken back by deciding otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec
from psycopg.rows import class_row

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, Cursor, connect, with_retries
from gogobe.database.session import Session, session_of
from gogobe.masters.codes.decisions import Decision


class ReviewPair(msgspec.Struct, frozen=True):
    """A chain's item and a master that it may be, with the evidence. `score` is the probability that the two
    are one product, `reasons` the strongest first; `is_same` is a person's word, None until there is one."""

    chain: str
    chain_id: str
    item_code: str
    item_name: str
    own_master_id: int
    candidate_id: int
    candidate_name: str
    score: float
    reasons: list[str]
    is_same: bool | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None


class Verdict(msgspec.Struct, frozen=True):
    """A person's word on a pair."""

    chain_id: str
    item_code: str
    candidate_id: int
    is_same: bool


class UnknownPairError(ValueError):
    """A verdict on a pair that is not in the table; the message names it."""


_RECORD: Final = """
    INSERT INTO review_pairs (chain_id, item_code, candidate_id, own_master_id, match, item_name,
                              candidate_name, score, reasons)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (chain_id, item_code, candidate_id) DO UPDATE SET
        own_master_id = excluded.own_master_id, match = excluded.match, item_name = excluded.item_name,
        candidate_name = excluded.candidate_name, score = excluded.score, reasons = excluded.reasons,
        last_seen_at = excluded.last_seen_at
"""

_COLUMNS: Final = """
    SELECT coalesce(c.name, p.chain_id) AS chain, p.chain_id, p.item_code, p.item_name, p.own_master_id,
           p.candidate_id, p.candidate_name, p.score, p.reasons, p.is_same, p.decided_at, p.decided_by
    FROM review_pairs p LEFT JOIN chains c ON c.chain_id = p.chain_id
"""

# An item that has been given to one master needs no word on the others; a no leaves them open.
_UNDECIDED: Final = (
    _COLUMNS
    + """
    WHERE p.is_same IS NULL AND p.match = %s
      AND NOT EXISTS (SELECT 1 FROM master_aliases a WHERE a.chain_id = p.chain_id
                      AND a.item_code = p.item_code AND a.decided_at IS NOT NULL
                      AND a.master_id <> p.own_master_id)
    ORDER BY p.score DESC, p.chain_id, p.item_code, p.candidate_id LIMIT %s
"""
)

_DECIDED: Final = (
    _COLUMNS
    + """
    WHERE p.is_same IS NOT NULL ORDER BY p.decided_at, p.chain_id, p.item_code, p.candidate_id
"""
)

_DECIDE: Final = """
    UPDATE review_pairs SET is_same = %s, decided_at = now(), decided_by = %s
    WHERE chain_id = %s AND item_code = %s AND candidate_id = %s
    RETURNING own_master_id, candidate_name
"""

_GIVE: Final = """
    UPDATE master_aliases SET master_id = %(candidate)s, match = 'alias', score = 1, decided_at = now()
    WHERE chain_id = %(chain_id)s AND item_code = %(item_code)s
"""

# Unless a yes has given it to another master.
_KEEP_APART: Final = """
    UPDATE master_aliases SET master_id = %(own)s, match = 'new', score = 0, decided_at = now()
    WHERE chain_id = %(chain_id)s AND item_code = %(item_code)s
      AND (decided_at IS NULL OR master_id IN (%(own)s, %(candidate)s))
"""

_ENSURE_MASTER: Final = """
    INSERT INTO masters (master_id, name) VALUES (%s, %s) ON CONFLICT (master_id) DO NOTHING
"""


def record_decisions(database: Session | Dsn, decisions: Sequence[Decision]) -> None:
    """Keeps what the resolver decided on evidence, each pair once with its latest evidence. A person's word on
    a pair stays. Raises psycopg.Error."""
    latest = {(one.chain_id, one.item_code, one.candidate_id): one for one in decisions}
    rows = [
        (
            *key,
            one.own_master_id,
            one.match,
            one.item_name,
            one.candidate_name,
            one.score,
            one.reasons,
        )
        for key, one in sorted(latest.items())
    ]

    def record(connection: Connection) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.executemany(_RECORD, rows)

    if rows:
        with session_of(database) as session:
            session.run(record)


def undecided_pairs(
    dsn: Dsn, limit: int | None = None, match: Literal["review", "vector"] = "review"
) -> list[ReviewPair]:
    """The pairs that wait for a person's word, the likeliest first; with `vector`, those that the resolver took
    by itself and that nobody has looked at."""
    with connect(dsn) as connection, connection.cursor(row_factory=class_row(ReviewPair)) as cursor:
        return cursor.execute(_UNDECIDED, (match, limit)).fetchall()


def decided_pairs(dsn: Dsn) -> list[ReviewPair]:
    """Everything that people have decided, in the order in which they did: the next snapshot learns from it."""
    with connect(dsn) as connection, connection.cursor(row_factory=class_row(ReviewPair)) as cursor:
        return cursor.execute(_DECIDED).fetchall()


def decide(dsn: Dsn, verdicts: Sequence[Verdict], by: str) -> None:
    """Writes a person's words, all or none. Raises UnknownPairError where a pair was never recorded."""

    def write() -> None:
        with connect(dsn) as connection, connection.transaction(), connection.cursor() as cursor:
            for verdict in sorted(verdicts, key=lambda one: (one.chain_id, one.item_code, one.candidate_id)):
                _write(cursor, verdict, by)

    with_retries(write)


def _write(cursor: Cursor, verdict: Verdict, by: str) -> None:
    pair = (verdict.chain_id, verdict.item_code, verdict.candidate_id)
    row = cursor.execute(_DECIDE, (verdict.is_same, by, *pair)).fetchone()
    if row is None:
        raise UnknownPairError(
            f"no pair of chain {verdict.chain_id}, code {verdict.item_code} and master {verdict.candidate_id}: "
            "only pairs that the resolver has put up for review can be decided"
        )
    own_master_id, candidate_name = row
    master = (verdict.candidate_id, candidate_name) if verdict.is_same else (own_master_id, None)
    cursor.execute(_ENSURE_MASTER, master)
    cursor.execute(
        _GIVE if verdict.is_same else _KEEP_APART,
        {
            "candidate": verdict.candidate_id,
            "own": own_master_id,
            "chain_id": verdict.chain_id,
            "item_code": verdict.item_code,
        },
    )
