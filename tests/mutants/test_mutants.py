"""The catalogue of mutants fits the code, and a mutant is killed by a test that fails, and by nothing else."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from mutants.mutant import CatalogueError, Mutant, load_mutants
from mutants.run import Copies, judge

PROJECT = Path(__file__).parents[2]
MUTANTS = load_mutants()


def names_in(file: Path) -> set[str]:
    return {one.name for one in ast.parse(file.read_text("utf-8")).body if isinstance(one, ast.FunctionDef)}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_an_entry_fits_the_code_and_its_tests_exist(mutant: Mutant):
    changed = mutant.applied((PROJECT / mutant.file).read_text("utf-8"))
    if mutant.file.endswith(".py"):
        compile(changed, mutant.file, "exec")
    assert mutant.tests
    for test in mutant.tests:
        file, _, name = test.partition("::")
        assert name.partition("[")[0] in names_in(PROJECT / file), test


@pytest.fixture
def copies(tmp_path: Path) -> Copies:
    """A project of one function and its test."""
    project = tmp_path / "project"
    for folder in ("gogobe", "tests", ".venv", "var"):
        (project / folder).mkdir(parents=True)
    (project / "pyproject.toml").write_text("")
    (project / "gogobe" / "__init__.py").write_text("def double(n: int) -> int:\n    return n * 2\n")
    test = "from gogobe import double\n\ndef test_double():\n    assert double(3) == 6\n"
    (project / "tests" / "test_double.py").write_text(test + "\ndef test_name():\n    assert double.__name__\n")
    return Copies(project, tmp_path / "copies", 1)


def mutant(old: str, new: str, *tests: str) -> Mutant:
    return Mutant("m", "p", "gogobe/__init__.py", old, new, [f"tests/test_double.py::{test}" for test in tests])


@pytest.mark.slow
def test_only_a_test_that_runs_and_fails_kills(copies: Copies):
    killed = judge(copies, mutant("n * 2", "n * 3", "test_double"))
    assert killed.line == "m: killed by tests/test_double.py::test_double"
    broken = judge(copies, mutant("def double", "raise OSError\ndef double", "test_double"))
    assert (broken.killed_by, "its tests could not be run" in broken.line) == (None, True)
    # The copy is as it was again, else this one would be killed by an error of the import.
    assert judge(copies, mutant("n * 2", "n * 3", "test_name")).line == "m: alive"


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [("n * 4", "n * 3", "has the text of `old` 0 times, not once"), ("n * 2", "n *", "invalid syntax")],
)
def test_an_entry_that_cannot_be_applied_kills_nothing(copies: Copies, old: str, new: str, problem: str):
    verdict = judge(copies, mutant(old, new, "test_double"))
    assert verdict.killed_by is None
    assert "cannot be applied" in verdict.line
    assert problem in verdict.line


def test_a_catalogue_that_cannot_be_read_is_named(tmp_path: Path):
    file = tmp_path / "catalogue.toml"
    file.write_text('[[mutant]]\nname = "x"\n')
    with pytest.raises(CatalogueError, match=r"catalogue\.toml: .*missing required field"):
        load_mutants(file)
