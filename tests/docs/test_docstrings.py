"""The examples in docstrings run and print what they say."""

from __future__ import annotations

import doctest
from decimal import Decimal
from pathlib import Path
from types import ModuleType

import pytest

from gogobe.database.load import loader
from gogobe.feeds import reader
from gogobe.masters.matching import resolver
from gogobe.masters.snapshot.files import open_snapshot
from tests.database.samples import file_batches, item
from tests.docs.commands import ROOT
from tests.masters.samples import small_snapshot


def run(module: ModuleType, name: str, **names: object) -> None:
    """Runs the example of one class, with these names defined."""
    finder = doctest.DocTestFinder(recurse=False)
    (example,) = finder.find(getattr(module, name), name, module, extraglobs=names)
    assert example.examples, f"{name} has no example"
    runner = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE)
    output: list[str] = []
    result = runner.run(example, out=output.append)
    assert result.failed == 0, "".join(output)


def test_feed_reader(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    run(reader, "FeedReader")


def test_loader(dsn: str):
    run(loader, "Loader", dsn=dsn, batches=file_batches([item("1", "5"), item("2", "6")], hour=1))


@pytest.mark.slow
def test_resolver(tmp_path: Path):
    small_snapshot(tmp_path / "snapshot", "v1")
    run(resolver, "Resolver", Decimal=Decimal, snapshot=open_snapshot(tmp_path / "snapshot"))
