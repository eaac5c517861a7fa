"""The outcome of a run in database and topics, normalized so that two runs can be compared row by row.

Taken out are times of the run itself, which become `TIME`, and the folder of the run, which becomes `VAR`. Keys
that the database numbers are replaced by the natural keys of their rows. Of the files of a store that has
several published names, `taken` is compared and not its parts: they differ with what was loaded before a Stores
file joined the names, and files of different stores have no common order.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from gogobe.io.kafka.topics import read_to_end
from gogobe.records.messages import DEADLETTER, DOWNLOADED, INGEST

TOPICS: Final = (DOWNLOADED, INGEST, DEADLETTER)
# Tables that the pipeline does not write.
OTHER_TABLES: Final = frozenset({"schema_steps"})
PARTS_OF_TAKEN: Final = frozenset(
    {"loaded", "unchanged", "stale", "ended", "prices_compared", "prices_higher", "prices_lower"}
)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_DURATION: Final = re.compile(r"\bafter \d+ ms\b")  # in errors of libcurl
_TABLES: Final = """
    SELECT relname FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
    WHERE nspname = 'public' AND relkind IN ('r', 'p', 'm') AND NOT relispartition ORDER BY relname
"""
_STORES: Final = "SELECT store_key, concat_ws('/', chain_id, sub_chain_id, store_id) FROM stores"
_SEVERAL_NAMES: Final = "SELECT store_key FROM store_identities GROUP BY store_key HAVING count(*) > 1"
DIFFERENCES_SHOWN: Final = 5


@dataclass(frozen=True)
class Outcome:
    """Rows of each table and topic, as text; `ordered` has the values of topics by key, in order."""

    rows: Mapping[str, Counter[str]]
    ordered: Mapping[str, Mapping[str, list[str]]]

    @property
    def count(self) -> int:
        """The number of rows and messages."""
        return sum(found.total() for found in self.rows.values())


@dataclass(frozen=True)
class Normal:
    """Normalizes values that may differ. `since`: when the run started (aware); `var`: its folder."""

    since: datetime
    var: Path
    stores: Mapping[int, str]
    several_names: frozenset[int] = frozenset()

    def file(self, row: Mapping[str, Any]) -> str:
        """A row of the table `files`."""
        left_out = PARTS_OF_TAKEN if row["store_key"] in self.several_names else frozenset()
        return self.row({name: value for name, value in row.items() if name not in left_out})

    def row(self, row: Mapping[str, Any]) -> str:
        """A row of another table, or a message, as normalized text."""
        return json.dumps(self._value("", row), ensure_ascii=False, sort_keys=True)

    def _value(self, name: str, value: Any) -> Any:
        found: Any = value
        match value:
            case datetime():
                found = "TIME" if value >= self.since else value.isoformat()
            case str():
                timeless = _DURATION.sub("after TIME", _INSTANT.sub(self._instant, value))
                found = timeless.replace(str(self.var), "VAR")
            case int() if name in ("store_key", "store_keys"):
                found = self.stores[value]
            case dict():
                found = {key: self._value(key, one) for key, one in value.items()}
            case list():
                found = [self._value(name, one) for one in value]
                found = sorted(found) if name == "store_keys" else found
            case None | bool() | int() | float():
                pass
            case _:
                found = str(value)
        return found

    def _instant(self, match: re.Match[str]) -> str:
        try:
            return "TIME" if datetime.fromisoformat(match[0]) >= self.since else match[0]
        except ValueError:
            return match[0]


def outcome_of(database: str, kafka: str, var: Path, since: datetime) -> Outcome:
    """Reads the outcome of a run."""
    rows: dict[str, Counter[str]] = {}
    with psycopg.connect(database) as connection:
        connection.execute("SET timezone = 'UTC'")
        several = frozenset(key for (key,) in connection.execute(_SEVERAL_NAMES).fetchall())
        normal = Normal(since, var.absolute(), dict(connection.execute(_STORES).fetchall()), several)
        tables = [name for (name,) in connection.execute(_TABLES).fetchall() if name not in OTHER_TABLES]
        for table in tables:
            with connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute(f'SELECT * FROM "{table}"'.encode())
                rows[table] = Counter(map(normal.file if table == "files" else normal.row, cursor))
    ordered: dict[str, dict[str, list[str]]] = {}
    for topic in TOPICS:
        by_key = ordered[topic] = {}
        for key, value in read_to_end(kafka, topic):
            by_key.setdefault(key.decode(), []).append(normal.row(json.loads(value)))
        rows[topic] = Counter(value for values in by_key.values() for value in values)
    return Outcome(rows, ordered)


def differences(one: Outcome, other: Outcome, *, keeps_order: bool = True) -> Iterator[str]:
    """The differences of two outcomes: by table and topic, rows that only one has (`-` the first, `+` the
    second), and keys whose values have another order, if `keeps_order`."""
    for name in sorted({*one.rows, *other.rows}):
        first, second = one.rows.get(name, Counter()), other.rows.get(name, Counter())
        missing, more = first - second, second - first
        if missing or more:
            yield f"{name}: {missing.total()} rows missing, {more.total()} more"
            yield from (f"  - {row}" for row in sorted(missing)[:DIFFERENCES_SHOWN])
            yield from (f"  + {row}" for row in sorted(more)[:DIFFERENCES_SHOWN])
            continue
        keys, others = one.ordered.get(name, {}), other.ordered.get(name, {})
        for key in sorted({*keys, *others}):
            if keeps_order and name != DEADLETTER and keys.get(key) != others.get(key):
                yield f"{name}: the messages of {key} come in another order"
