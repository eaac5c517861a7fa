"""Compares what a run has left with what was published: database, ingest topic, object store, dead letters,
views."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final
from urllib.parse import quote

import msgspec
import psycopg
import requests
from psycopg import sql

from chaos.reading import ReadFile, Store, expected_prices, expected_promotions
from gogobe.io.kafka.topics import read_to_end

FINDINGS_SHOWN: Final = 20
REST_SECONDS: Final = 30.0
_LEDGER: Final = """
    SELECT file, content_sha256, state, read, loaded + unchanged + stale + refused, object_path FROM files
"""
_PRICES: Final = """
    SELECT chain_id, store_id, item_code, price FROM prices JOIN stores USING (store_key) WHERE ended_at IS NULL
"""
_PROMOTIONS: Final = """
    SELECT chain_id, store_id, promotion_id FROM promotions JOIN stores USING (store_key) WHERE ended_at IS NULL
"""
_HISTORY: Final = """
    SELECT chain_id, store_id, item_code, to_char(changed_at AT TIME ZONE 'Asia/Jerusalem', 'YYYYMMDDHH24MI'),
           old_price, new_price
    FROM price_changes JOIN stores USING (store_key)
"""
_LETTERS: Final = "SELECT file, reason, resolved_at IS NULL FROM dead_letters"
# The view chain_health also shows the portals' state, which changes without a load.
_VIEWS: Final = """
    SELECT relname, pg_get_viewdef(oid) FROM pg_class
    WHERE relkind = 'm' AND relname <> 'chain_health' AND relnamespace = current_schema()::regnamespace
    ORDER BY relname
"""


@dataclass
class Findings:
    """What is wrong. `lost` and `duplicated` count rows; `unaccounted` counts rows, files, objects, letters and
    views that nothing published explains, or that have no end."""

    lost: int = 0
    duplicated: int = 0
    unaccounted: int = 0
    lines: list[str] = field(default_factory=list)

    def note(self, what: str, *, lost: int = 0, duplicated: int = 0, unaccounted: int = 0) -> None:
        """Adds what was found, if anything was."""
        if lost or duplicated or unaccounted:
            self.lost += lost
            self.duplicated += duplicated
            self.unaccounted += unaccounted
            self.lines.append(what)

    @property
    def is_clean(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.duplicated or self.unaccounted)


@dataclass(frozen=True)
class Left:
    """What a run has left, read once."""

    files: Sequence[tuple[Any, ...]]
    prices: Sequence[tuple[str, str, str, Decimal]]
    promotions: Sequence[tuple[str, str, str]]
    history: Sequence[tuple[str, str, str, str, Decimal, Decimal]]
    letters: Sequence[tuple[str | None, str, bool]]


def read_left(connection: psycopg.Connection[Any]) -> Left:
    """Reads the tables."""
    return Left(
        *(connection.execute(query).fetchall() for query in (_LEDGER, _PRICES, _PROMOTIONS, _HISTORY, _LETTERS))
    )


def check_files(published: Sequence[ReadFile], left: Left, findings: Findings) -> None:
    """Every file has the end that it must have, once, and its counts add up."""
    lines = defaultdict(list)
    for name, *line in left.files:
        lines[name].append(line)
    letters = defaultdict(set)
    for file, reason, is_open in left.letters:
        if is_open:
            letters[file or ""].add(reason)
    for one in published:
        name, end = one.file.name, one.file.end
        found = lines.pop(name, [])
        reasons = letters.pop(name, set())
        if end in ("not_found", "html_page"):
            findings.note(
                f"{name}: {end} is not among its letters {sorted(reasons)}", unaccounted=int(end not in reasons)
            )
            continue
        if len(found) != 1:
            findings.note(f"{name}: {len(found)} lines in the ledger", unaccounted=1)
            continue
        sha256, state, read, counted, _ = found[0]
        findings.note(f"{name}: {state}, and not {end}", unaccounted=int(state != end))
        findings.note(f"{name}: the ledger has another content", unaccounted=int(sha256 != one.sha256))
        if end == "loaded":
            findings.note(f"{name}: {read} rows read of {one.rows}", lost=max(0, one.rows - (read or 0)))
            findings.note(f"{name}: {counted} rows counted of {read}", unaccounted=abs(counted - (read or 0)))
            findings.note(f"{name}: open letters {sorted(reasons)}", unaccounted=len(reasons))
    findings.note(f"files that were not published: {sorted(lines)[:3]}", unaccounted=len(lines))
    findings.note(f"letters of nothing published: {sorted(letters)[:3]}", unaccounted=len(letters))


def check_rows(published: Sequence[ReadFile], left: Left, findings: Findings) -> None:
    """Current prices and promotions are those of the files, each once; a change in the history has its file."""
    broken = {_store_of_name(one) for one in published if one.file.end == "incomplete"}
    found: dict[Store, dict[str, Decimal]] = defaultdict(dict)
    twice: Counter[Store] = Counter()
    for chain_id, store_id, code, price in left.prices:
        twice[chain_id, store_id] += code in found[chain_id, store_id]
        found[chain_id, store_id][code] = price
    expected = expected_prices(published)
    for store in sorted({*expected, *found} - broken):
        want, have = expected.get(store, {}), found.get(store, {})
        lost = {code for code, price in want.items() if have.get(code) != price}
        findings.note(f"{store}: prices lost or old: {sorted(lost)[:3]}", lost=len(lost))
        more = have.keys() - want.keys()
        findings.note(f"{store}: prices of no file: {sorted(more)[:3]}", unaccounted=len(more))
        findings.note(f"{store}: prices twice", duplicated=twice[store])
    promotions: dict[Store, Counter[str]] = defaultdict(Counter)
    for chain_id, store_id, promotion_id in left.promotions:
        promotions[chain_id, store_id][promotion_id] += 1
    wanted = expected_promotions(published)
    for store in sorted({*wanted, *promotions}):
        ids, counts = wanted.get(store, set()), promotions.get(store, Counter())
        findings.note(f"{store}: promotions lost", lost=len(ids - counts.keys()))
        findings.note(f"{store}: promotions of no file", unaccounted=len(counts.keys() - ids))
        findings.note(f"{store}: promotions twice", duplicated=counts.total() - len(counts))
    _check_history(published, left, broken, findings)


def _check_history(published: Sequence[ReadFile], left: Left, broken: set[Store], findings: Findings) -> None:
    by_moment: dict[tuple[Store, str], list[Mapping[str, Decimal]]] = defaultdict(list)
    prices_of: dict[Store, list[Mapping[str, Decimal]]] = defaultdict(list)
    for one in published:
        if one.prices:
            by_moment[one.store, one.published].append(one.prices)
            prices_of[one.store].append(one.prices)
    seen: Counter[tuple[Store, str, str]] = Counter()
    for chain_id, store_id, code, at, old, new in left.history:
        store = (chain_id, store_id)
        if store in broken:
            continue
        seen[store, code, at] += 1
        is_explained = (
            any(prices.get(code) == new for prices in by_moment[store, at])
            and any(prices.get(code) == old for prices in prices_of[store])
            and old != new
        )
        findings.note(f"{store} {code} {at}: {old} to {new} is in no file", unaccounted=int(not is_explained))
    findings.note("changes written twice", duplicated=seen.total() - len(seen))


def _store_of_name(one: ReadFile) -> Store:
    """The store in a file's name."""
    chain, _, rest = one.file.name.partition("-")
    return "".join(filter(str.isdigit, chain)), rest.partition("-")[0].lstrip("0")


class _Row(msgspec.Struct):
    row: int


class _Batch(msgspec.Struct):
    batch_id: str
    content_sha256: str
    sequence: int
    last: bool
    items: list[_Row] = []
    promotions: list[_Row] = []
    stores: list[_Row] = []
    refused: list[_Row] = []


def check_topic(kafka: str, topic: str, published: Sequence[ReadFile], findings: Findings) -> int:
    """The ingest topic has each row of each file; a message that comes again says the same. Returns how many
    messages are repeated."""
    decoder = msgspec.json.Decoder(_Batch)
    rows: dict[str, dict[int, tuple[str, frozenset[int]]]] = defaultdict(dict)
    messages = 0
    for _, value in read_to_end(kafka, topic):
        batch = decoder.decode(value)
        messages += 1
        numbers = [
            one.row for part in (batch.items, batch.promotions, batch.stores, batch.refused) for one in part
        ]
        content = (batch.batch_id, frozenset(numbers))
        findings.note(f"{batch.batch_id}: rows twice in it", duplicated=len(numbers) - len(content[1]))
        known = rows[batch.content_sha256].setdefault(batch.sequence, content)
        findings.note(f"{batch.batch_id}: came again with other rows", unaccounted=int(known != content))
    for one in published:
        if one.file.end == "loaded":
            parts = [numbers for _, numbers in rows.get(one.sha256, {}).values()]
            together = frozenset[int]().union(*parts)
            findings.note(f"{one.file.name}: rows missing in {topic}", lost=max(0, one.rows - len(together)))
            twice = sum(map(len, parts)) - len(together)
            findings.note(f"{one.file.name}: rows in two batches of {topic}", duplicated=twice)
    return messages - sum(map(len, rows.values()))


def check_objects(endpoint: str, bucket: str, published: Sequence[ReadFile], findings: Findings) -> None:
    """The store has each file once, byte for byte, and nothing else below `raw`."""
    wanted = {one.sha256: one.file.name for one in published if one.file.end in ("loaded", "incomplete")}
    for name in _objects(endpoint, bucket, "store/raw/"):
        answer = requests.get(f"{endpoint}/download/storage/v1/b/{bucket}/o/{quote(name, safe='')}?alt=media",
                              timeout=REST_SECONDS)  # fmt: skip
        named = name.rpartition("/")[2].partition(".")[0]
        is_whole = answer.ok and hashlib.sha256(answer.content).hexdigest() == named
        findings.note(f"{name}: other bytes than its name says", unaccounted=int(not is_whole))
        is_known = wanted.pop(named, None) is not None
        findings.note(f"{name}: an object of nothing published", unaccounted=int(not is_known))
    findings.note(f"not in the object store: {sorted(wanted.values())[:3]}", lost=len(wanted))


def _objects(endpoint: str, bucket: str, prefix: str) -> Iterator[str]:
    token = ""
    while True:
        parameters = {"prefix": prefix, "pageToken": token}
        answer = requests.get(f"{endpoint}/storage/v1/b/{bucket}/o", parameters, timeout=REST_SECONDS)
        answer.raise_for_status()
        page = answer.json()
        yield from (one["name"] for one in page.get("items", []))
        token = page.get("nextPageToken", "")
        if not token:
            return


def lagging_views(connection: psycopg.Connection[Any]) -> list[str]:
    """The materialized views that differ from what their own query gives now."""
    behind = []
    for name, definition in connection.execute(_VIEWS).fetchall():
        query = sql.SQL(definition.rstrip().rstrip(";"))
        view = sql.SQL("SELECT * FROM {}").format(sql.Identifier(name))
        differs = sql.SQL("SELECT EXISTS (({a}) EXCEPT ALL ({b})) OR EXISTS (({b}) EXCEPT ALL ({a}))")
        if connection.execute(differs.format(a=view, b=query)).fetchone() == (True,):
            behind.append(name)
    return behind
