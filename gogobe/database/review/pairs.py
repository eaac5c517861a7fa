"""Review pairs of an item and a master that the resolver compared by name: recorded, listed, decided by a
person.

A review question is asked once for two masters, however many chains' items they have: a yes merges them, for
every store of every chain; a no keeps them apart. For a match that the resolver accepted by itself, a no
returns the one item to its own master. Decisions have precedence over later matches of the pipeline, become
part of the next snapshot, and can be changed by another decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal

import msgspec

from gogobe.database.address import Dsn
from gogobe.database.connection import Connection, Cursor, connect, fetch_as, with_retries
from gogobe.database.review.merges import BUILDER, active_merge, effective_master, merge, undo_one
from gogobe.database.session import Session, session_of
from gogobe.masters.codes.decisions import Decision


class ReviewPair(msgspec.Struct, frozen=True):
    """A chain's item and a candidate master, with the evidence. `score` is the probability that the two are
    one product, `reasons` are sorted strongest first; `offers` is the number of stores' prices that a yes
    makes comparable, the smaller of the two masters'; `is_same` is a person's answer, None before there is
    one."""

    chain: str
    chain_id: str
    item_code: str
    item_name: str
    own_master_id: int
    candidate_id: int
    candidate_name: str
    score: float
    reasons: list[str]
    offers: int = 0
    is_same: bool | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None


class ReviewAnswer(msgspec.Struct, frozen=True):
    """A person's answer about a pair."""

    chain_id: str
    item_code: str
    candidate_id: int
    is_same: bool


class UnknownPairError(ValueError):
    """An answer about a pair that is not recorded; the message names it."""


REASON: Final = "reviewed"
"""The reason of merges that a person's yes made."""

_RECORD: Final = """
    INSERT INTO review_pairs AS p (chain_id, item_code, candidate_id, own_master_id, match, item_name,
                              candidate_name, score, reasons)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (chain_id, item_code, candidate_id) DO UPDATE SET
        own_master_id = excluded.own_master_id, match = excluded.match, item_name = excluded.item_name,
        candidate_name = excluded.candidate_name, score = excluded.score, reasons = excluded.reasons,
        last_seen_at = excluded.last_seen_at
    WHERE (excluded.last_seen_at::date, excluded.score, excluded.match, excluded.item_name,
           excluded.candidate_name, excluded.reasons)
        > (p.last_seen_at::date, p.score, p.match, p.item_name, p.candidate_name, p.reasons)
"""

_COLUMNS: Final = """
    SELECT coalesce(c.name, p.chain_id) AS chain, p.chain_id, p.item_code, p.item_name, p.own_master_id,
           p.candidate_id, p.candidate_name, p.score, p.reasons, 0 AS offers, p.is_same, p.decided_at,
           p.decided_by
    FROM review_pairs p LEFT JOIN chains c ON c.chain_id = p.chain_id
"""

# Excluded: items that a person has assigned to another master, masters that are merged already, and masters
# that a person has decided about. Two masters have one question, their most probable pair.
_UNDECIDED: Final = """
    WITH waiting AS (
        SELECT p.*, coalesce(own.merged_into, p.own_master_id) AS own_id,
               coalesce(other.merged_into, p.candidate_id) AS other_id
        FROM review_pairs p
        LEFT JOIN masters own ON own.master_id = p.own_master_id
        LEFT JOIN masters other ON other.master_id = p.candidate_id
        WHERE p.is_same IS NULL AND p.match = %(match)s
          AND NOT EXISTS (SELECT 1 FROM master_aliases a WHERE a.chain_id = p.chain_id
                          AND a.item_code = p.item_code AND a.decided_at IS NOT NULL
                          AND a.master_id <> p.own_master_id)
          AND NOT EXISTS (SELECT 1 FROM review_pairs d WHERE d.is_same IS NOT NULL AND p.match = 'review'
                          AND (d.own_master_id, d.candidate_id)
                           IN ((p.own_master_id, p.candidate_id), (p.candidate_id, p.own_master_id)))
    ), asked AS (
        SELECT DISTINCT ON (least(own_id, other_id), greatest(own_id, other_id)) * FROM waiting
        WHERE match <> 'review' OR own_id <> other_id
        ORDER BY least(own_id, other_id), greatest(own_id, other_id), score DESC, chain_id, item_code,
                 candidate_id
    ), sold AS (
        SELECT master_id, sum(offers)::bigint AS offers FROM master_chain_prices GROUP BY master_id
    )
    SELECT coalesce(c.name, p.chain_id) AS chain, p.chain_id, p.item_code, p.item_name, p.own_master_id,
           p.candidate_id, p.candidate_name, p.score, p.reasons,
           least(coalesce(own.offers, 0), coalesce(other.offers, 0))::bigint AS offers,
           p.is_same, p.decided_at, p.decided_by
    FROM asked p LEFT JOIN chains c ON c.chain_id = p.chain_id
    LEFT JOIN sold own ON own.master_id = p.own_id
    LEFT JOIN sold other ON other.master_id = p.other_id
    ORDER BY p.score * least(coalesce(own.offers, 0), coalesce(other.offers, 0)) DESC, p.score DESC, p.chain_id,
             p.item_code, p.candidate_id
    LIMIT %(limit)s
"""

_DECIDED: Final = (
    _COLUMNS
    + """
    WHERE p.is_same IS NOT NULL ORDER BY p.decided_at, p.chain_id, p.item_code, p.candidate_id
"""
)

_DECIDE: Final = """
    UPDATE review_pairs SET is_same = %s, decided_at = now(), decided_by = %s
    WHERE chain_id = %s AND item_code = %s AND candidate_id = %s
    RETURNING own_master_id, candidate_name, match
"""

_GIVE: Final = """
    UPDATE master_aliases SET master_id = %(candidate)s, match = 'alias', score = 1, decided_at = now()
    WHERE chain_id = %(chain_id)s AND item_code = %(item_code)s
"""

# Except items that a yes has assigned to another master.
_KEEP_APART: Final = """
    UPDATE master_aliases SET master_id = %(own)s, match = 'new', score = 0, decided_at = now()
    WHERE chain_id = %(chain_id)s AND item_code = %(item_code)s
      AND (decided_at IS NULL OR master_id IN (%(own)s, %(candidate)s))
"""

_HAS_OTHERS: Final = """
    SELECT EXISTS (SELECT 1 FROM master_aliases
                   WHERE master_id = %(own)s AND (chain_id, item_code) <> (%(chain_id)s, %(item_code)s))
        OR EXISTS (SELECT 1 FROM masters WHERE merged_into = %(own)s)
        OR EXISTS (SELECT 1 FROM masters WHERE master_id = %(own)s AND merged_into IS NOT NULL)
"""

_ENSURE_MASTER: Final = """
    INSERT INTO masters (master_id, name) VALUES (%s, %s) ON CONFLICT (master_id) DO NOTHING
"""


def record_decisions(database: Session | Dsn, decisions: Sequence[Decision]) -> None:
    """Records the resolver's decisions, one row per pair with the strongest evidence of its latest day, so
    that the order of stores does not matter. A person's answer to a pair stays. Raises psycopg.Error."""
    strongest = {
        (one.chain_id, one.item_code, one.candidate_id): one
        for one in sorted(decisions, key=lambda one: (one.score, one.match, one.item_name, one.candidate_name))
    }
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
        for key, one in sorted(strongest.items())
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
    """The pairs without a decision, ordered by the number of prices that they make comparable times their
    probability; with `vector`, the pairs that the resolver accepted and no person has reviewed. Prices are
    those of the last refresh of the views."""
    with connect(dsn) as connection:
        return fetch_as(connection, ReviewPair, _UNDECIDED, {"match": match, "limit": limit})


def decided_pairs(dsn: Dsn) -> list[ReviewPair]:
    """All pairs with a person's decision, in the order of the decisions; the next snapshot learns from
    them."""
    with connect(dsn) as connection:
        return fetch_as(connection, ReviewPair, _DECIDED)


def decide(dsn: Dsn, answers: Sequence[ReviewAnswer], by: str) -> None:
    """Writes a person's answers in one transaction. Raises UnknownPairError for a pair that was never
    recorded."""

    def write() -> None:
        with connect(dsn) as connection, connection.transaction(), connection.cursor() as cursor:
            for answer in sorted(answers, key=lambda one: (one.chain_id, one.item_code, one.candidate_id)):
                _write(cursor, answer, by)

    with_retries(write)


def _write(cursor: Cursor, answer: ReviewAnswer, by: str) -> None:
    pair = (answer.chain_id, answer.item_code, answer.candidate_id)
    row = cursor.execute(_DECIDE, (answer.is_same, by, *pair)).fetchone()
    if row is None:
        raise UnknownPairError(
            f"no pair of chain {answer.chain_id}, code {answer.item_code} and master {answer.candidate_id}: "
            "only pairs that the resolver has put up for review can be decided"
        )
    own_master_id, candidate_name, match = row
    values = {
        "candidate": answer.candidate_id,
        "own": own_master_id,
        "chain_id": answer.chain_id,
        "item_code": answer.item_code,
    }
    (is_cluster,) = cursor.execute(_HAS_OTHERS, values).fetchone() or (False,)
    if match == "review" and (is_cluster or not answer.is_same):
        _decide_clusters(cursor, own_master_id, answer, by, candidate_name)
    if match == "review" and is_cluster:
        return
    master = (answer.candidate_id, candidate_name) if answer.is_same else (own_master_id, None)
    cursor.execute(_ENSURE_MASTER, master)
    cursor.execute(_GIVE if answer.is_same else _KEEP_APART, values)


def _decide_clusters(cursor: Cursor, own_id: int, answer: ReviewAnswer, by: str, candidate_name: str) -> None:
    """Merges two masters that both have items, or undoes the merge of an earlier yes."""
    if answer.is_same:
        cursor.execute(_ENSURE_MASTER, (answer.candidate_id, candidate_name))
        _join(cursor, own_id, answer.candidate_id, by)
        return
    merge_id = active_merge(cursor, own_id)
    if merge_id is not None:
        undo_one(cursor, merge_id, by=by)


def _join(cursor: Cursor, own_id: int, candidate_id: int, by: str) -> None:
    """Merges one master into another on a person's answer. If a build had redirected it, the rest of its
    cluster follows, as a redirect of the build, which the next build can undo."""
    cluster = None
    redirect = active_merge(cursor, own_id, by=BUILDER)
    if redirect is not None:
        cluster = effective_master(cursor, own_id)
        undo_one(cursor, redirect, by=BUILDER)
    own, candidate = effective_master(cursor, own_id), effective_master(cursor, candidate_id)
    if own != candidate:
        merge(cursor, own, candidate_id, reason=REASON, by=by)
    if cluster is not None and cluster != candidate:
        merge(cursor, cluster, candidate_id, reason=REASON, by=BUILDER)
