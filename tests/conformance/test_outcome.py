"""Comparison of outcomes: only the times and the folder of a run may differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from conformance.inputs import files, records
from conformance.outcome import Normal, Outcome, differences
from conformance.portal import Portal
from gogobe.records.messages import DEADLETTER, INGEST

SINCE = datetime(2026, 11, 26, 8, tzinfo=UTC)
NORMAL = Normal(SINCE, Path("/var/1"), {7: "1/0/2", 8: "1/0/3"})


def test_times_of_the_run_and_its_folder_are_taken_out():
    later, before = datetime(2026, 11, 26, 9, tzinfo=UTC), datetime(2026, 11, 26, 7, tzinfo=UTC)
    assert NORMAL.row({"at": later}) == '{"at": "TIME"}'
    assert NORMAL.row({"at": before}) == '{"at": "2026-11-26T07:00:00+00:00"}'
    text = "of 2026-11-26T09:00:01.5Z and 2026-11-26T09:59:00+02:00 in /var/1/store, 2026-99-99T00:00:00Z"
    expected = "of TIME and 2026-11-26T09:59:00+02:00 in VAR/store, 2026-99-99T00:00:00Z"
    assert NORMAL.row({"a": [text]}) == f'{{"a": ["{expected}"]}}'
    cause = "Failed to connect to 127.0.0.1:9 after {} ms: Could not connect to server"
    assert NORMAL.row({"a": cause.format(6)}) == NORMAL.row({"a": cause.format(1200)})
    assert NORMAL.row({"a": "1 ms"}) != NORMAL.row({"a": "2 ms"})


def test_numbers_of_stores_are_replaced_by_the_stores_and_other_numbers_are_not():
    assert NORMAL.row({"store_key": 7, "row": 7}) == '{"row": 7, "store_key": "1/0/2"}'
    assert NORMAL.row({"store_keys": [8, 7]}) == '{"store_keys": ["1/0/2", "1/0/3"]}'
    assert NORMAL.row({"price": Decimal("5.90"), "score": 0.5, "is": True, "no": None}) == (
        '{"is": true, "no": null, "price": "5.90", "score": 0.5}'
    )


def test_of_a_store_with_several_names_the_parts_of_taken_are_left_out():
    """They differ with what was loaded before a Stores file joined the names."""
    several = replace(NORMAL, several_names=frozenset({7}))
    row = {"store_key": 7, "loaded": 1, "stale": 2, "ended": 4, "taken": 3}
    assert several.file(row) == '{"store_key": "1/0/2", "taken": 3}'
    assert several.file(row | {"store_key": 8}) == NORMAL.row(row | {"store_key": 8})
    assert several.file({"store_key": None, "loaded": 0}) == NORMAL.row({"store_key": None, "loaded": 0})


def outcome(rows: dict[str, list[str]], ordered: dict[str, dict[str, list[str]]] | None = None) -> Outcome:
    return Outcome({name: Counter(found) for name, found in rows.items()}, ordered or {})


def test_equal_outcomes_have_no_differences():
    assert list(differences(outcome({"a": ["1", "2"]}), outcome({"a": ["2", "1"]}))) == []


def test_every_row_counts_how_often_it_is_there():
    found = list(differences(outcome({"a": ["1", "1", "2"], "b": []}), outcome({"a": ["1", "3"], "b": ["9"]})))
    assert found == [
        "a: 2 rows missing, 1 more",
        "  - 1",
        "  - 2",
        "  + 3",
        "b: 0 rows missing, 1 more",
        "  + 9",
    ]


def test_a_table_that_only_one_has_differs():
    assert list(differences(outcome({}), outcome({"a": ["1"]}))) == ["a: 0 rows missing, 1 more", "  + 1"]


def test_the_order_of_a_key_s_messages_counts_except_among_dead_letters():
    def of(*values: str) -> Outcome:
        topics = {name: {"store": list(values)} for name in (INGEST, DEADLETTER)}
        return outcome({name: list(values) for name in topics}, topics)

    assert list(differences(of("1", "2"), of("2", "1"))) == [
        f"{INGEST}: the messages of store come in another order"
    ]
    assert list(differences(of("1", "2"), of("2", "1"), keeps_order=False)) == []
    assert list(differences(of("1", "2"), of("1", "1"), keeps_order=False)) != []


def test_the_inputs_are_those_of_the_field_broken_ones_and_messages_that_are_none():
    found = files()
    assert sum("/broken/" in path for path in found) == 12
    assert sum("/bundled/" in path for path in found) > 20
    assert len(found) > 55
    assert all(path.count("/") == 2 for path in found)
    portal = Portal("p", sorted(found))
    assert len(records(portal)) == len(found) + 8
    assert records(portal) == records(portal)
