"""Jobs over files and standard output, without Kafka and without Java."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import gogobe.demo
from gogobe.cli import main
from gogobe.database.connection import Connection, connect
from gogobe.local.postgres import PostgresServer
from gogobe.records.messages import DeadLetter, FileDiscovered, FileDownloaded, IngestBatch, decoder, encode
from tests.database.places import PASSWORD, new_place

FEED = Path(gogobe.demo.__file__).parent / "feeds" / "PriceFull7290058108879-339-202508071024.gz"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers have a minute to answer, on however slow a machine."""
    monkeypatch.setattr("gogobe.commands.reach.SECONDS", 60.0)


@pytest.fixture
def announced(tmp_path: Path) -> FileDiscovered:
    """A feed that the object store already has."""
    stored = tmp_path / "store" / FEED.name
    stored.parent.mkdir()
    shutil.copyfile(FEED, stored)
    return FileDiscovered(
        "king_store",
        f"https://portal.example/{FEED.name}",
        datetime(2025, 8, 8, tzinfo=UTC),
        s3_path=str(stored),
    )


def run(tmp_path: Path, dsn: str, job: str, *lines: bytes, **roles: str) -> Result:
    """`gogobe run JOB` over a file with these lines."""
    (tmp_path / "input.jsonl").write_bytes(b"\n".join(lines))
    environment = {
        "GOGOBE_DATABASE": dsn,
        "GOGOBE_STORE": str(tmp_path / "store"),
        "GOGOBE_MASTERS": str(tmp_path / "masters"),
        "GOGOBE_CONFIG": None,
        **roles,
    }
    flags = ["--runner", "DirectRunner", "--bounded", "--input", str(tmp_path / "input.jsonl"), "--stdout"]
    return CliRunner().invoke(main, ["run", job, *flags, "--var", str(tmp_path / "var")], env=environment)


@pytest.mark.slow
def test_ingest_loads_announcements_of_a_file_and_prints_its_messages(
    tmp_path: Path, dsn: str, db: Connection, announced: FileDiscovered
):
    result = run(tmp_path, dsn, "ingest", encode(announced), b'{"chain": "king_store"}')
    assert result.exit_code == 0, result.output
    lines = result.stdout_bytes.splitlines()
    (downloaded,) = [line for line in lines if b"batch_id" not in line]
    assert decoder(FileDownloaded).decode(downloaded).file_name == FEED.name
    batches = [decoder(IngestBatch).decode(line) for line in lines if b"batch_id" in line]
    assert [batch.sequence for batch in batches] == list(range(len(batches)))
    assert batches[-1].last
    letters = [line for line in result.stderr_bytes.splitlines() if line.startswith(b"{")]
    assert [decoder(DeadLetter).decode(line).reason for line in letters] == ["invalid_message"]
    assert "ingest: 2 messages done" in result.stderr
    rows = sum(len(batch.items) for batch in batches)
    assert db.execute("SELECT loaded FROM files").fetchall() == [(rows,)]
    assert db.execute("SELECT reason FROM dead_letters").fetchall() == [("invalid_message",)]


@pytest.mark.slow
def test_the_output_of_a_stage_is_the_input_of_the_next(
    tmp_path: Path, dsn: str, db: Connection, announced: FileDiscovered
):
    lines = [encode(announced)]
    for job in ("download", "parse", "load"):
        result = run(tmp_path, dsn, job, *lines)
        assert result.exit_code == 0, result.output
        lines = result.stdout_bytes.splitlines()
    assert lines == []
    ((rows,),) = db.execute("SELECT loaded FROM files").fetchall()
    assert db.execute("SELECT count(*) FROM prices").fetchone() == (rows,)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--input", "x.jsonl"], "--input and --stdout are for a run that ends: give --bounded"),
        (["--stdout"], "--input and --stdout are for a run that ends: give --bounded"),
        (["--bounded", "--input", "x.jsonl"], "no kafka address"),
        (["--bounded", "--input", "x.jsonl", "--stdout"], "no database address"),
    ],
)
def test_flags_that_contradict_each_other_are_refused(tmp_path: Path, flags: list[str], message: str):
    environment = dict.fromkeys(("GOGOBE_DATABASE", "GOGOBE_KAFKA", "GOGOBE_CONFIG"))
    if "--stdout" not in flags:
        environment["GOGOBE_DATABASE"] = "postgresql://127.0.0.1:1/none"
    arguments = ["run", "parse", "--runner", "DirectRunner", *flags, "--var", str(tmp_path)]
    result = CliRunner().invoke(main, arguments, env=environment)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_input_that_does_not_exist_is_reported(tmp_path: Path, dsn: str):
    environment = {"GOGOBE_DATABASE": dsn, "GOGOBE_CONFIG": None}
    flags = ["--runner", "DirectRunner", "--bounded", "--input", str(tmp_path / "none.jsonl"), "--stdout"]
    result = CliRunner().invoke(main, ["run", "parse", *flags, "--var", str(tmp_path)], env=environment)
    assert result.exit_code == 1
    assert "none.jsonl" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_a_job_works_as_the_loader_and_its_owner_prepares(
    tmp_path: Path, postgres: PostgresServer, announced: FileDiscovered
):
    for place in new_place(postgres):
        loader = f"{place.loader} application_name=of_the_loader"
        result = run(tmp_path, place.owner, "ingest", encode(announced), GOGOBE_DATABASE_LOADER=loader)
        assert result.exit_code == 1, "a password in an address of keywords is a value, which no job takes"
        file = tmp_path / "password"
        file.write_text(PASSWORD)
        server = place.owner.replace(f"password={PASSWORD}", "")
        loader = place.loader.replace(f"password={PASSWORD}", "")
        secret = f"secret://file{file}"
        roles = {f"GOGOBE_DATABASE{role}_PASSWORD": secret for role in ("", "_LOADER")}
        result = run(tmp_path, server, "ingest", encode(announced), GOGOBE_DATABASE_LOADER=loader, **roles)
        assert result.exit_code == 0, result.output
        with connect(place.superuser) as connection:
            states = connection.execute("SELECT state, count(*) FROM files GROUP BY state").fetchall()
            views = connection.execute("SELECT count(*) > 0 FROM master_chain_prices").fetchone()
        assert states == [("loaded", 1)]
        assert views == (True,)
