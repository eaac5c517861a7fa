"""Runs tests on copies of the code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from mutants.mutant import CatalogueError, Mutant

# What no test of a mutant reads.
NOT_COPIED: Final = frozenset({"var", "build", "dist", "java", "docs"})
TEST_SECONDS: Final = 120
RUN_SECONDS: Final = 900
TESTS_FAILED: Final = 1
_FAILED: Final = re.compile(r"^FAILED (\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """The outcome of some tests. `failed`: the first test that failed; None where all passed, or where they
    could not be run: then `exit_code` is not 0."""

    exit_code: int
    failed: str | None
    output: str

    @property
    def passed(self) -> bool:
        """Whether all tests ran and passed."""
        return self.exit_code == 0


@dataclass(frozen=True)
class Verdict:
    """What became of a mutant: `killed_by` a test, or `problem`: why that is not known; neither: it is
    alive."""

    mutant: Mutant
    killed_by: str | None = None
    problem: str | None = None

    @property
    def line(self) -> str:
        """For people."""
        what = f"killed by {self.killed_by}" if self.killed_by else self.problem or "alive"
        return f"{self.mutant.name}: {what}"


class Copies:
    """Copies of the project, each used by one run of tests at a time."""

    def __init__(self, project: Path, folder: Path, count: int) -> None:
        self._free: SimpleQueue[Path] = SimpleQueue()
        for number in range(count):
            self._free.put(_copied(project, folder / str(number)))

    def run(self, tests: Sequence[str], mutant: Mutant | None = None) -> Outcome:
        """Runs tests on the code as it is, or with a mechanism taken out. Raises CatalogueError."""
        copy = self._free.get()
        try:
            if mutant is None:
                return run_tests(copy, tests)
            file = copy / mutant.file
            if not file.is_file():
                raise CatalogueError(f"{mutant.name}: there is no file {mutant.file}")
            before = file.read_bytes()
            changed = mutant.applied(before.decode())
            if file.suffix == ".py":
                compile(changed, mutant.file, "exec")
            file.write_text(changed, "utf-8")
            try:
                return run_tests(copy, tests)
            finally:
                file.write_bytes(before)
        except SyntaxError as error:
            raise CatalogueError(f"{mutant and mutant.name}: {error}") from error
        finally:
            self._free.put(copy)


def _copied(project: Path, copy: Path) -> Path:
    copy.mkdir(parents=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for source in project.iterdir():
        if source.name.startswith(".") or source.name in NOT_COPIED:
            continue
        if source.is_dir():
            shutil.copytree(source, copy / source.name, ignore=ignored)
        else:
            shutil.copyfile(source, copy / source.name)
    return copy


def run_tests(copy: Path, tests: Sequence[str]) -> Outcome:
    """Runs tests in a copy of the project, up to the first that fails. A test that hangs fails."""
    command = [
        sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line",
        "--show-capture=no", "--durations=0", f"--timeout={TEST_SECONDS}", *tests,
    ]  # fmt: skip
    environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Outcome(-1, None, f"no end within {RUN_SECONDS} seconds")
    failed = _FAILED.search(done.stdout) if done.returncode == TESTS_FAILED else None
    return Outcome(done.returncode, failed[1] if failed else None, done.stdout[-2000:] + done.stderr[-1000:])


def judge(copies: Copies, mutant: Mutant) -> Verdict:
    """Takes a mechanism out and runs its tests. Only a test that ran and failed kills it: an error of a fixture
    or an import says nothing about the mechanism."""
    try:
        run = copies.run(mutant.tests, mutant)
    except CatalogueError as error:
        return Verdict(mutant, problem=f"cannot be applied: {error}")
    if run.failed is not None:
        return Verdict(mutant, killed_by=run.failed)
    if not run.passed:
        return Verdict(mutant, problem=f"its tests could not be run: {run.output.strip()[-600:]}")
    return Verdict(mutant)


def judge_all(copies: Copies, mutants: Sequence[Mutant], at_once: int) -> Iterator[Verdict]:
    """The verdicts in the order of the list."""
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda one: judge(copies, one), mutants)
