"""The examples in docstrings run and print what they say."""

from __future__ import annotations

import doctest
import importlib
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


def plain_modules() -> list[str]:
    """The modules with examples that need no names from a test."""
    files = [
        path.relative_to(ROOT) for path in sorted((ROOT / "gogobe").rglob("*.py")) if ">>>" in path.read_text()
    ]
    names = [".".join(path.with_suffix("").parts) for path in files]
    return [name for name in names if name not in {module.__name__ for module in (loader, reader, resolver)}]


@pytest.mark.parametrize("name", plain_modules())
def test_plain_functions(name: str):
    result = doctest.testmod(importlib.import_module(name), optionflags=doctest.NORMALIZE_WHITESPACE)
    assert result.attempted
    assert not result.failed


def test_feed_reader(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    run(reader, "FeedReader")


def test_loader(dsn: str):
    run(loader, "Loader", dsn=dsn, batches=file_batches([item("1", "5"), item("2", "6")], hour=1))


@pytest.mark.slow
def test_resolver(tmp_path: Path):
    small_snapshot(tmp_path / "snapshot", "v1")
    run(resolver, "Resolver", Decimal=Decimal, snapshot=open_snapshot(tmp_path / "snapshot"))
