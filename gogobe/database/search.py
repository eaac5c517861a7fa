"""Full-text search for masters by words of their names, on the index of `gogobe.database.search_index`.

Ranking: by the number of the query's words that a master has, then by the sum of their weights. A word that
is inflected, in the other script, matched by prefix or misspelt has a lower weight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final

from gogobe.database.connection import Connection
from gogobe.masters.search.queries import (
    MISSPELT,
    MISSPELT_AT_MOST,
    Alternative,
    KnownWord,
    QueryWord,
    exact_matches,
    fuzzy_matches,
    is_misspelling,
    prefix_matches,
    readings_of,
)

CANDIDATES: Final = 5_000
"""Masters that are ranked: those with the highest weights for the query's rarest word."""
ALTERNATIVES: Final = 40
"""Maximum words that may count as one word of the query: the best, then the most frequent."""

_EXACT: Final = """
    SELECT word, masters FROM search_vocabulary
    WHERE lemma = ANY(%(lemmas)s) OR (sound = %(sound)s AND sound <> '')
"""
_PREFIX: Final = """
    SELECT word, masters FROM search_vocabulary WHERE word LIKE %(prefix)s ORDER BY masters DESC, word LIMIT 50
"""
# By sound and by letters: two words within the accepted edit distance share trigrams.
_MISSPELT: Final = """
    (SELECT word, masters FROM search_vocabulary WHERE sound = %(sound)s AND sound <> '')
    UNION
    (SELECT word, masters FROM search_vocabulary WHERE search_text(word) %% search_text(%(word)s)
     ORDER BY similarity(search_text(word), search_text(%(word)s)) DESC, word LIMIT 50)
"""
_RANKED: Final = """
    WITH wanted AS (
        SELECT * FROM unnest(%(places)s::integer[], %(words)s::text[], %(qualities)s::real[],
                             %(required)s::boolean[]) AS w (place, word, quality, required)
    ), candidates AS (
        SELECT DISTINCT best.master_id FROM wanted
        CROSS JOIN LATERAL (
            SELECT master_id FROM search_words s WHERE s.word = wanted.word
            ORDER BY s.weight DESC, s.master_id LIMIT %(candidates)s
        ) best
        WHERE wanted.place = ANY(%(searched)s)
    ), found AS (
        SELECT c.master_id, w.place, w.required, max(s.weight * w.quality) AS weight
        FROM candidates c
        JOIN search_words s ON s.master_id = c.master_id AND s.word = ANY(%(words)s)
        JOIN wanted w ON w.word = s.word
        GROUP BY 1, 2, 3
    )
    SELECT master_id, count(*) FILTER (WHERE required)::integer AS words, sum(weight)::float8 AS weight
    FROM found GROUP BY master_id ORDER BY words DESC, weight DESC, master_id LIMIT %(limit)s
"""


def find_masters(connection: Connection, query: str, limit: int) -> list[int]:
    """The masters that match a shopper's words, best first; at most `limit`.

    Masters with the words themselves come first, inflected, in the other script or translated. If these are
    fewer than `limit`, masters with words that start so follow. A word that hardly any master has counts as a
    misspelling of a frequent one. If no master has all words of the query, English words are read as a brand's
    name; if none has all of these either, masters with most of the words are found.
    """
    best: list[int] = []
    for wanted in readings_of(query):
        found, is_complete = _found(connection, wanted, limit)
        if is_complete:
            return found
        best = best or found
    return best


def _found(connection: Connection, wanted: Sequence[QueryWord], limit: int) -> tuple[list[int], bool]:
    """The masters that match one reading of a query, and whether the first of them has all of its words."""
    alternatives = [_alternatives(connection, place, word) for place, word in enumerate(wanted)]
    found, most = _ranked(connection, wanted, alternatives, limit)
    if len(found) < limit:
        wider = [
            [*same, *_prefix_matches(connection, place, word)]
            for place, (word, same) in enumerate(zip(wanted, alternatives, strict=True))
        ]
        others, most_of_others = _ranked(connection, wanted, wider, limit)
        known = set(found)
        found += [one for one in others if one not in known]
        most = max(most, most_of_others)
    return found[:limit], most == sum(word.required for word in wanted)


def _alternatives(connection: Connection, place: int, word: QueryWord) -> list[Alternative]:
    """The words that are the query's word; if few masters have these, also words of which it may be a
    misspelling."""
    values = {"lemmas": word.forms, "sound": word.sound}
    same = list(exact_matches(place, word, _known(connection, _EXACT, values)))
    if not word.required or word.others or sum(one.masters for one in same) > MISSPELT_AT_MOST:
        return same
    values = {"word": word.word, "sound": word.sound}
    similar = list(fuzzy_matches(place, word, _known(connection, _MISSPELT, values)))
    similar += _prefix_matches(connection, place, word)
    if not is_misspelling(same, similar):
        return same
    return [replace(one, quality=min(one.quality, MISSPELT)) for one in same] + similar


def _prefix_matches(connection: Connection, place: int, word: QueryWord) -> list[Alternative]:
    if not word.required or word.others:
        return []
    known = _known(connection, _PREFIX, {"prefix": _escaped(word.word) + "%"})
    return list(prefix_matches(place, word, known))


def _known(connection: Connection, statement: str, values: dict[str, Any]) -> list[KnownWord]:
    return [KnownWord(*row) for row in connection.execute(statement.encode(), values)]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _ranked(
    connection: Connection, wanted: Sequence[QueryWord], by_place: Sequence[Sequence[Alternative]], limit: int
) -> tuple[list[int], int]:
    """Masters with the most of the query's words, ranked, and how many required words they have; none if less
    than half of the words are known."""
    alternatives = [one for same_place in by_place for one in _best(same_place)]
    known = {one.place for one in alternatives if wanted[one.place].required}
    if not known or 2 * len(known) < sum(one.required for one in wanted):
        return [], 0
    values = {
        "places": [one.place for one in alternatives],
        "words": [one.word for one in alternatives],
        "qualities": [one.quality for one in alternatives],
        "required": [wanted[one.place].required for one in alternatives],
        "searched": [min(known, key=lambda place: sum(one.masters for one in by_place[place]))],
        "candidates": CANDIDATES,
        "limit": limit,
    }
    rows = connection.execute(_RANKED, values).fetchall()
    if rows and rows[0][1] < len(known):  # no master has all words: candidates of every word count
        rows = connection.execute(_RANKED, values | {"searched": sorted(known)}).fetchall()
    most = rows[0][1] if rows else 0
    return [master_id for master_id, words, _ in rows if words == most and 2 * words >= len(known)], most


def _best(alternatives: Iterable[Alternative]) -> list[Alternative]:
    """The best alternatives of one place, each word once."""
    by_word: dict[str, Alternative] = {}
    for one in sorted(alternatives, key=lambda one: (-one.quality, -one.masters, one.word)):
        by_word.setdefault(one.word, one)
    return list(by_word.values())[:ALTERNATIVES]
