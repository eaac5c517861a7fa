"""Every step of the ingest job, given an element that makes it fail unexpectedly: the element ends as a dead
letter, and the next one goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import msgspec
import pytest
from apache_beam.pipeline import AppliedPTransform, PipelineVisitor
from apache_beam.pvalue import TaggedOutput

from gogobe.masters.codes.decisions import Decision
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DeadLetter, FileDiscovered, WaitingFile, decoder, encode
from gogobe.transforms.masters import MastersAddress
from gogobe.transforms.steps import FAILURES
from tests.database.samples import at, file_batches, item
from tests.masters.samples import vegetable_file
from tests.pipelines.graphs import SETTINGS, graph_of


class Unforeseen:
    """An element with which everything fails."""

    def __getattr__(self, name: str) -> Any:
        raise LookupError(name)

    def __iter__(self) -> Iterator[Any]:
        raise LookupError("iter")

    def __getitem__(self, key: object) -> Any:
        raise LookupError("getitem")

    def __repr__(self) -> str:
        raise LookupError("repr")


DISCOVERED = FileDiscovered("shufersal", "http://127.0.0.1:1/Price7290027600007-001-202508070300.gz", at(1))
(BATCH,) = file_batches([item("1", "5")])
WAITING = WaitingFile(
    "shufersal", DISCOVERED.url, "Price.gz", at(1), "127.0.0.1:1", "unreachable", "detail",
    is_signed=False, attempts=1, waiting_since=at(1), failed_at=at(2), due_at=at(3),
)  # fmt: skip
DECISION = Decision("review", "9", "501", "עגבניה", 10**14 + 5, 7, "עגבניות", 0.6)
LETTER = DeadLetter("parse", "truncated", "detail", "original", at(1))


def file_of(folder: Path) -> Any:
    return msgspec.structs.replace(
        vegetable_file(folder / "store", chain_id="7290027600007"), chain="shufersal"
    )


# A good element for each step that is a DoFn of ours, and the number of its main outputs.
GOOD: dict[str, tuple[Callable[[Path], Any], int]] = {
    "Decode/Validate/ParDo": (lambda _: (b"k", encode(DISCOVERED)), 1),
    "Decode overflow/Validate/ParDo": (lambda _: (b"k", encode(DISCOVERED)), 1),
    "Share/Divide/ParDo": (lambda _: DISCOVERED, 1),
    "Spread downloads/Key/ParDo": (lambda _: DISCOVERED, 1),
    "Spread downloads/Ungroup/ParDo": (lambda _: ("store", [encode(DISCOVERED)]), 1),
    "Download/Fetch/ParDo": (lambda _: DISCOVERED, 0),
    "Record waiting/Record/ParDo": (lambda _: WAITING, 1),
    "Skip loaded/Look up/ParDo": (file_of, 1),
    "Spread files/Key/ParDo": (file_of, 1),
    "Spread files/Ungroup/ParDo": (lambda folder: ("store", [encode(file_of(folder))]), 1),
    "Parse and match/Cut into batches/ParDo": (file_of, 1),
    "Record decisions/Record/ParDo": (lambda _: [DECISION], 1),
    "Load/Commit/ParDo": (lambda _: BATCH, 1),
    "Key downloaded/Encode/ParDo": (file_of, 1),
    "Key batches/Encode/ParDo": (lambda _: BATCH, 1),
    "Record dead letters/Record": (lambda _: LETTER, 1),
    "Encode dead letters/Encode": (lambda _: LETTER, 1),
}
# Terminal for dead letters: the letter of a letter goes into the topic in its place, or into the log.
ENDS = ("Record dead letters/Record", "Encode dead letters/Encode")
# They read a struct of our own (`LoadResult`), or have no elements.
EXEMPT = ("Parse and match/Masters/Locate", "Views/Changed", "Views/One key", "Views/Refresh, debounced")


class Finder(PipelineVisitor):
    """Collects the DoFns of a graph whose code is Gogobe's, by the names of their steps."""

    def __init__(self) -> None:
        self.found: dict[str, beam.DoFn] = {}

    def visit_transform(self, node: AppliedPTransform) -> None:
        dofn = getattr(node.transform, "dofn", None)
        code = getattr(dofn, "_fn", dofn)  # of a Map, its function
        if getattr(code, "__module__", type(code).__module__).startswith("gogobe."):
            self.found[node.full_label] = dofn


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, dsn: str) -> dict[str, Any]:
    settings = msgspec.structs.replace(
        SETTINGS,
        database=dsn,
        store=str(tmp_path / "store"),
        masters=str(tmp_path / "masters"),
        fetch_attempts=1,
        fetch_wait=120.0,
    )
    (tmp_path / "store").mkdir()
    finder = Finder()
    graph_of(monkeypatch, "ingest", settings).visit(finder)
    return finder.found


def test_every_step_is_tried(steps: dict[str, Any]):
    assert {name for name in steps if name not in EXEMPT} == set(GOOD)


@pytest.mark.parametrize("name", GOOD)
def test_the_element_ends_and_the_next_goes_on(steps: dict[str, Any], tmp_path: Path, name: str):
    dofn = steps[name]
    good, expected = GOOD[name]
    masters = MastersAddress(SnapshotStore(str(tmp_path / "masters")), None)
    sides = [masters] if name.startswith("Parse") else []
    outputs: list[Any] = []
    dofn.setup()
    dofn.start_bundle()
    for element in (Unforeseen(), good(tmp_path)):
        outputs += dofn.process(element, *sides) or ()
    outputs += dofn.finish_bundle() or ()
    dofn.teardown()
    letters = [getattr(one.value, "value", one.value) for one in outputs if isinstance(one, TaggedOutput)]
    main = [one for one in outputs if not isinstance(one, TaggedOutput)]
    if name in ENDS:
        assert letters == []
        assert main
        return
    assert {one.tag for one in outputs if isinstance(one, TaggedOutput)} <= {FAILURES, "decisions"}
    (internal,) = [one for one in letters if one.reason == "internal_error"]
    assert "LookupError" in internal.detail
    assert "Traceback" in internal.cause
    assert "Unforeseen" in internal.original
    assert decoder(DeadLetter).decode(encode(internal)) == internal
    assert len(main) == expected
    if not expected:  # the portal of the announcement may not be asked
        assert len(letters) == 2
