"""What the commands say to wrong input, and that they end without a traceback."""

from collections.abc import Sequence
from pathlib import Path
from unittest.mock import Mock

import click.testing
import pytest

import gogobe.pipelines.dataflow
import gogobe.pipelines.submission
from gogobe.cli import main
from gogobe.commands.run import JOBS
from gogobe.pipelines import catalogue
from gogobe.pipelines.job import JobKind

NOWHERE = "postgresql://gogobe@127.0.0.1:1/gogobe"
ADDRESSES = ("--kafka=127.0.0.1:1", f"--database={NOWHERE}", "--expansion_service=127.0.0.1:1")


def run(tmp_path: Path, *arguments: str) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, [*arguments, "--var", str(tmp_path)])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["prices", "חלב"], "no database address: start a local stack with `gogobe up`"),
        (["prices", "חלב", "--database", NOWHERE], "the database cannot be reached"),
        (["prices", "חלב", "--database", "notadsn"], "database: not an address"),
        (["announce", "http://a/b.gz", "--chain", "shufersal"], "no kafka address"),
        (["announce", "http://a/b.gz", "--chain", "", "--kafka", "127.0.0.1:1"], "give --chain"),
        (
            ["announce", "https://user:S3cr3t@a/b.gz", "--chain", "c", "--kafka", "127.0.0.1:1"],
            "https://a/b.gz: give the address without user and password",
        ),
        (["run", "ingest", "--kafka", "127.0.0.1:1"], "no database address"),
        (["run", "parse", "--instance", "3/2"], "'3/2' is no instance: K/N"),
        (["run", "parse", "--instance", "1/2", "--instances", "2"], "give either"),
        (["run", "load", "--bounded", *ADDRESSES], "--bounded is for --runner DirectRunner"),
        (
            ["run", "load", "--bounded", "--runner", "FlinkRunner", *ADDRESSES],
            "--bounded is for --runner DirectRunner",
        ),
        (["run", "load", "--runner", "direct.DirectRunner", *ADDRESSES], "give --bounded"),
        (["run", "load", "--runner", "FlinkRunner", *ADDRESSES], "needs --flink-master HOST:PORT"),
        (["run", "load", "--runner", "DataflowRunner", "--replace", *ADDRESSES], "--replace is for Flink"),
        (["run", "load", "--runner=DataflowRunner", "--parallelism=2"], "--max_num_workers bounds"),
        (["run", "load", "--runner=DataflowRunner"], "sdk_container_image is not set"),
        (
            ["run", "load", "--flink-master", "127.0.0.1:1", *ADDRESSES],
            "--flink-master is for --runner FlinkRunner",
        ),
        (
            ["run", "load", "--runner=FlinkRunner", "--flink_master=127.0.0.1:1", *ADDRESSES],
            "no Flink cluster with a TaskManager answers at 127.0.0.1:1",
        ),
        (["run", "load", "--keep-state", *ADDRESSES], "--keep-state needs --replace"),
        (
            ["run", "load", "--bounded", "--runner=DirectRunner", "--instances=2", *ADDRESSES],
            "reads all partitions",
        ),
        (["masters", "build", "\udcff.csv"], "'\\udcff.csv'"),
        (["status"], "the stack is not running"),
    ],
)
def test_what_is_wrong_is_said_with_the_remedy(tmp_path: Path, arguments: list[str], said: str):
    result = run(tmp_path, *arguments)
    assert result.exit_code != 0
    assert isinstance(result.exception, SystemExit)
    assert said in result.output


def test_every_job_is_a_command():
    assert set(JOBS) == set(catalogue.JOBS)


def test_a_job_on_flink_needs_a_stack(tmp_path: Path):
    result = run(tmp_path, "run", "ingest", *ADDRESSES)
    assert result.exit_code == 2
    assert "no local stack runs: `gogobe up` first, or name a --runner" in result.output


def test_a_flag_that_is_unknown_is_refused_before_anything_is_done(tmp_path: Path):
    result = run(tmp_path, "run", "ingest", "--replace", "--max_bundle_sizes=3")
    assert result.exit_code == 2
    assert "--max_bundle_sizes: no option" in result.output
    assert "did you mean --max_bundle_size?" in result.output


def test_settings_are_taken_in_either_spelling_and_beams_own_flags_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    submitted: list[tuple[str, Sequence[str]]] = []

    def submit(kind: JobKind, flags: Sequence[str]) -> Mock:
        submitted.append((kind.name, flags))
        return Mock(state="RUNNING")

    monkeypatch.setattr(gogobe.pipelines.submission, "submit", submit)
    monkeypatch.setattr("gogobe.commands.run.check_servers", lambda _: None)
    given = [*ADDRESSES, "--views_every=77", "--fetch-threads", "3", "--job_name", "x"]
    result = run(tmp_path, "run", "parse", *given, "--runner=PortableRunner", "--instances", "2")
    assert (result.exit_code, result.output) == (0, "submitted: running\n" * 2)
    for number, (name, flags) in enumerate(submitted, 1):
        assert name == "parse"
        assert flags[:4] == ["--runner=PortableRunner", "--job_name", "x", f"--instance={number}/2"]
        assert {"--views_every=77.0", "--fetch_threads=3", "--expansion_service=127.0.0.1:1"} <= set(flags)


def test_a_job_on_dataflow_is_launched_with_a_name_for_each_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    launched: list[tuple[Sequence[str], Path]] = []

    def launch(flags: Sequence[str], java: Path) -> Mock:
        launched.append((flags, java))
        return Mock(has_job=True, job_id=lambda: f"2026-{len(launched)}")

    monkeypatch.setattr(gogobe.pipelines.dataflow, "launch", launch)
    given = ["--kafka=k:1", f"--database={NOWHERE}", "--store=gs://b/store", "--project=p", "--update"]
    result = run(tmp_path, "run", "parse", *given, "--runner=DataflowRunner", "--instances", "2")
    assert result.output == "submitted as job 2026-1\nsubmitted as job 2026-2\n"
    for number, (flags, java) in enumerate(launched, 1):
        name = f"--job_name=gogobe-parse-{number}of2"
        assert flags[:3] == ["--job_kind=parse", name, f"--instance={number}/2"]
        assert {"--kafka=k:1", "--store=gs://b/store"} <= set(flags)
        assert flags[-2:] == ["--project=p", "--update"]
        assert java == tmp_path / "java"


def test_down_with_nothing_to_stop(tmp_path: Path):
    result = run(tmp_path, "down")
    assert (result.exit_code, result.output) == (0, "nothing was running\n")


def test_prices_are_compared(dsn: str, tmp_path: Path):
    result = run(tmp_path, "prices", "7290000042435", "--database", dsn)
    assert result.exit_code == 1
    assert result.output == "no product matches '7290000042435'\n"
