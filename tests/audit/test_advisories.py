"""`make audit` succeeds only if the service answered for every package; a program takes pip-audit's place."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit.advisories import LOCKS, main

ADVISORY = {
    "id": "PYSEC-2018-28",
    "fix_versions": ["2.20.0"],
    "aliases": ["CVE-2018-18074"],
    "description": "…",
}
KNOWN: list[dict[str, Any]] = [{"name": "requests", "version": "2.19.0", "vulns": [ADVISORY]}]
CLEAN: list[dict[str, Any]] = [{"name": name, "version": "1.0", "vulns": []} for name in ("click", "rich")]

PROGRAM = """#!{python}
import json, sys
from pathlib import Path
arguments = sys.argv[1:]
with Path({log!r}).open("a") as log:
    log.write(json.dumps(arguments) + "\\n")
answers = json.loads(Path({answers!r}).read_text())
locks = [Path(word).name for word in arguments if word.endswith(".lock")]
if len(locks) > 1:
    sys.exit("package click has duplicate requirements")
answer = answers[locks[0]] if "--require-hashes" in arguments else answers["known"]
if answer is None:
    sys.exit("Traceback (most recent call last):\\nConnectionError: no route to the service")
print(json.dumps(dict(dependencies=answer, fixes=[])))
"""


@pytest.fixture
def audit(tmp_path: Path) -> Callable[..., Result]:
    """Runs the command with a program that gives these answers."""

    def run(known: Any, locks: Any = None, *arguments: str) -> Result:
        program, answers, log = tmp_path / "pip-audit", tmp_path / "answers.json", tmp_path / "log"
        of_auditor = locks and locks[:1]
        answers.write_text(json.dumps({"known": known, LOCKS[0].name: locks, LOCKS[1].name: of_auditor}))
        program.write_text(PROGRAM.format(python=sys.executable, log=str(log), answers=str(answers)))
        program.chmod(0o755)
        return CliRunner().invoke(main, ["--auditor", str(program), *arguments])

    return run


def test_no_known_vulnerability_is_a_success(audit: Callable[..., Result], tmp_path: Path):
    done = audit(KNOWN, CLEAN, "--service", "osv")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout == (
        "2 packages of requirements.lock: none vulnerable\n"
        "1 packages of requirements-audit.lock: none vulnerable\n"
    )
    runs = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert [run[:2] for run in runs] == [["--vulnerability-service", "osv"]] * 3
    assert [word for run in runs for word in run if word.endswith(".lock")] == [str(lock) for lock in LOCKS]


def test_a_vulnerable_package_is_named_with_its_fix(audit: Callable[..., Result]):
    done = audit(KNOWN, [*CLEAN, *KNOWN])
    assert done.exit_code == 1
    assert done.stdout == (
        "requests 2.19.0: PYSEC-2018-28, CVE-2018-18074; fixed in 2.20.0\n"
        "3 packages of requirements.lock: 1 with known vulnerabilities\n"
        "1 packages of requirements-audit.lock: none vulnerable\n"
    )


@pytest.mark.parametrize(
    ("known", "locks", "message"),
    [
        (None, CLEAN, "nothing was checked: the service pypi gave no answer.*ConnectionError: no route"),
        (KNOWN, None, "nothing was checked: the service pypi gave no answer"),
        (KNOWN, [], "nothing was checked: pip-audit found no package in .*requirements.lock"),
        ([{"name": "requests", "skip_reason": "not found"}], CLEAN, "reports no advisory of requests==2.19.0"),
        ([{"name": "requests", "version": "2.19.0", "vulns": []}], CLEAN, "reports no advisory"),
        (
            KNOWN,
            [*CLEAN, {"name": "annoy", "skip_reason": "not found"}],
            r"no answer for 1 of 3 packages of requirements.lock \(annoy\): not found. Try .* SERVICE=osv",
        ),
    ],
    ids=[
        "no network",
        "network lost later",
        "empty lock",
        "mirror",
        "no advisories",
        "a package without an answer",
    ],
)
def test_a_missing_answer_is_one_sentence_and_no_success(
    audit: Callable[..., Result], known: Any, locks: Any, message: str
):
    done = audit(known, locks)
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(f"make audit: .*{message}.*\\n", done.stderr), done.stderr


def test_a_missing_program_is_one_sentence(tmp_path: Path):
    done = CliRunner().invoke(main, ["--auditor", str(tmp_path / "none")])
    assert done.exit_code == 2
    assert done.stderr.endswith("none cannot be run: No such file or directory. Run `make audit`.\n")
