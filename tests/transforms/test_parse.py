"""Files whose reading or matching fails unexpectedly: what was read stays, and is not the whole."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from apache_beam.pvalue import TaggedOutput

from gogobe.database.connection import Connection
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.demo.published import FEEDS
from gogobe.feeds.problems import Problem
from gogobe.feeds.reader import FeedReader
from gogobe.io.objects import ObjectStore
from gogobe.masters.codes.gtin import computed_master_id
from gogobe.masters.matching.resolver import Resolver
from gogobe.masters.published.store import SnapshotStore
from gogobe.records.messages import DeadLetter, FileDownloaded, IngestBatch, decoder
from gogobe.transforms import parse
from gogobe.transforms.masters import MastersAddress
from gogobe.transforms.parse import ParseAndMatch, one_per_code, open_file
from tests.database.samples import at

NAME = "PriceFull7290058140886-003-202507131800.gz"
ROWS = 4041
NOW = datetime(2100, 1, 1, tzinfo=UTC)


def stored(folder: Path) -> FileDownloaded:
    """The file, in a store that is the folder."""
    path = ObjectStore(str(folder)).put("raw/rami_levy/ab/ab.gz", FEEDS / NAME)
    size = (FEEDS / NAME).stat().st_size
    return FileDownloaded("rami_levy", path, "ab", size, f"http://p/{NAME}", NAME, at(1), at(2))


def outputs_of(folder: Path, file: FileDownloaded | None = None) -> tuple[list[IngestBatch], list[DeadLetter]]:
    """Batches and dead letters of a file, by the step itself."""
    file = file or stored(folder)
    snapshots = SnapshotStore(str(folder / "masters"))
    step = ParseAndMatch(ObjectStore(str(folder)), snapshots, 1000)._dofn
    step.setup()
    step.start_bundle()
    outputs = list(step.process(file, MastersAddress(snapshots, None)))
    letters = [one.value for one in outputs if isinstance(one, TaggedOutput)]
    return [one for one in outputs if isinstance(one, IngestBatch)], letters


def break_after(monkeypatch: pytest.MonkeyPatch, blocks: int, error: Exception) -> None:
    """Makes the reader raise once it has given so many blocks."""

    class Reader(FeedReader):
        def __iter__(self) -> Iterator[Any]:
            for number, block in enumerate(super().__iter__()):
                if number == blocks:
                    raise error
                yield block

    monkeypatch.setattr(parse, "FeedReader", Reader)


def test_a_file_that_breaks_off_ends_incomplete_and_is_whole_when_it_is_read_again(
    tmp_path: Path, dsn: str, db: Connection, monkeypatch: pytest.MonkeyPatch
):
    def ledger() -> Any:
        return db.execute("SELECT state, read, batches_failed FROM files").fetchone()

    def prices() -> Any:
        return db.execute("SELECT count(*) FROM prices WHERE ended_at IS NULL").fetchone()

    with monkeypatch.context() as patch:
        break_after(patch, 3, LookupError("no code foresaw this"))
        batches, (letter,) = outputs_of(tmp_path)
    # One block is held back, so the two before it have left.
    assert [(len(one.items), one.last) for one in batches] == [(500, False), (500, False), (0, True)]
    assert (letter.stage, letter.reason, letter.file) == ("parse", "internal_error", NAME)
    assert decoder(FileDownloaded).decode(letter.original) == stored(tmp_path)
    with Loader(dsn) as loader:
        for _ in range(2):
            loader.load(batches)
            assert ledger() == ("incomplete", batches[2].totals and batches[2].totals.read, 1)
            assert prices() == (1000,)
        batches, letters = outputs_of(tmp_path)
        assert letters == []
        loader.load(batches)
        assert ledger() == ("loaded", ROWS, 0)
        assert prices() == (len({one.item_code for batch in batches for one in batch.items}),)
        loader.load(outputs_of(tmp_path)[0])
        assert ledger() == ("loaded", ROWS, 0)


def test_a_file_that_breaks_off_before_its_first_batch_is_only_a_dead_letter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    break_after(monkeypatch, 0, RecursionError())
    batches, (letter,) = outputs_of(tmp_path)
    assert (batches, letter.reason) == ([], "internal_error")


def test_an_outage_is_raised_and_ends_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    break_after(monkeypatch, 3, ConnectionResetError("the object store"))
    with pytest.raises(ConnectionResetError):
        outputs_of(tmp_path)


@pytest.mark.parametrize(
    "fault", [ValueError("a digit that float() does not know"), None], ids=["error", "nan"]
)
def test_an_item_that_cannot_be_matched_costs_the_others_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception | None
):
    expected, _ = outputs_of(tmp_path)
    bad = expected[1].items[7]
    resolve = Resolver.resolve

    def fail(resolver: Resolver, chain_id: str, items: Any) -> Any:
        counts = resolve(resolver, chain_id, items)
        for item in items:
            if item.item_code == bad.item_code:
                if fault is not None:
                    raise fault
                item.score = float("nan")
        return counts

    monkeypatch.setattr(Resolver, "resolve", fail)
    batches, (letter,) = outputs_of(tmp_path)
    bad.gtin, bad.match, bad.score = None, "new", 0.0
    bad.master_id = computed_master_id(expected[1].chain_id, bad.item_code)
    assert msgspec.to_builtins(batches) == msgspec.to_builtins(expected), "all rows, and the others as ever"
    assert (letter.stage, letter.reason, letter.place) == ("match", "internal_error", f"row {bad.row}")
    assert "1 of the file's items" in letter.detail


def test_a_path_that_is_no_file_is_the_end_of_its_message_only(tmp_path: Path):
    good = stored(tmp_path)
    for path, reason in (
        (str(Path(good.s3_path).parent), "missing_object"),
        (f"{good.s3_path}/below", "missing_object"),
        (str(tmp_path), "outside_store"),
        ("a\0b", "outside_store"),
        (str(tmp_path / ("x" * 300)), "outside_store"),
        (str(tmp_path / ("ש" * 200)), "outside_store"),
    ):
        batches, (letter,) = outputs_of(tmp_path, msgspec.structs.replace(good, s3_path=path))
        assert (batches, letter.reason) == ([], reason), path


def test_a_bad_file_announced_three_times_is_one_letter_with_three_attempts(
    tmp_path: Path, dsn: str, db: Connection
):
    good = stored(tmp_path)
    cut = tmp_path / NAME
    cut.write_bytes((FEEDS / NAME).read_bytes()[:20_000])
    for hour in range(3):
        file = msgspec.structs.replace(
            good, s3_path=str(cut), size=20_000, discovered_at=at(hour), downloaded_at=at(hour + 0.5)
        )
        batches, letters = outputs_of(tmp_path, file)
        for _ in range(2):  # a bundle that comes again
            record_dead_letters(dsn, letters)
        with Loader(dsn) as loader:
            loader.load(batches)
    query = "SELECT reason, attempts, resolved_at IS NULL FROM dead_letters"
    assert db.execute(query).fetchall() == [("truncated", 3, True)]
    with Loader(dsn) as loader:
        loader.load(
            outputs_of(tmp_path, msgspec.structs.replace(good, content_sha256="cd", downloaded_at=NOW))[0]
        )
    assert db.execute(query).fetchall() == [("truncated", 3, False)]


def test_a_copy_of_this_machine_is_read_only_where_it_has_the_size(tmp_path: Path):
    """`local_path` is a hint of another worker: another file, or half of one, may be there by now."""
    store = ObjectStore(str(tmp_path))
    good = stored(tmp_path)
    for number, content in enumerate((b"", b"half of a file", b"as long as it should be ")):
        (tmp_path / "source").write_bytes(content)
        hint = store.put(f"raw/other/{number}", tmp_path / "source")
        with open_file(msgspec.structs.replace(good, local_path=hint), store) as file:
            assert file.read() == (FEEDS / NAME).read_bytes()
    same = msgspec.structs.replace(good, local_path=good.s3_path, s3_path="elsewhere")
    with open_file(same, store) as file:
        assert file.read() == (FEEDS / NAME).read_bytes(), "one that has the size spares the way to the store"


def test_a_file_has_one_letter_for_each_reason():
    problems = [
        Problem("a", "first", line=1),
        Problem("b", "other"),
        Problem("a", "second", line=2),
        Problem("a", "first"),
    ]
    assert one_per_code(problems) == [Problem("a", "first; second", line=1), Problem("b", "other")]
