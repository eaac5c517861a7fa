"""A server out of reach, a folder that cannot be used, a port that cannot be had: one sentence, soon."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from gogobe.cli import main
from gogobe.commands.options import settings_with_stack
from gogobe.commands.reach import check_reachable, database_servers, kafka_servers
from gogobe.local.processes import free_ports
from gogobe.settings import Settings

NOWHERE = "postgresql://x@127.0.0.1:{port}/x"


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.mark.parametrize(
    "arguments",
    [
        ("prices", "x"),
        ("history", "x"),
        ("files",),
        ("deadletters", "list"),
        ("views", "refresh"),
        ("announce", "https://example.com/PriceFull7290027600007-001-202608070600.gz", "--chain", "shufersal"),
        ("crawl", "--once"),
        ("retry", "--once"),
        ("load", "{feed}"),
        ("masters", "merge", "1", "2", "--reason", "one product", "--by", "me"),
    ],
)
def test_a_server_out_of_reach_is_reported_in_a_sentence(tmp_path: Path, port: int, arguments: tuple[str, ...]):
    feed = tmp_path / "PriceFull7290027600007-001-202608070600.xml"
    feed.write_text("<Root/>")
    environment = {
        "GOGOBE_DATABASE": NOWHERE.format(port=port),
        "GOGOBE_KAFKA": f"127.0.0.1:{port}",
        "GOGOBE_CONFIG": None,
    }
    words = [word.format(feed=feed) for word in arguments]
    result = CliRunner().invoke(main, [*words, "--var", str(tmp_path)], env=environment)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "cannot be reached at" in result.output
    assert "Traceback" not in result.output
    assert len(result.output.splitlines()) == 1


def test_a_server_that_takes_connections_is_reached(port: int):
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = server.getsockname()[1]
        settings = Settings(kafka=f"127.0.0.1:{port},127.0.0.1:{there}", database=NOWHERE.format(port=there))
        check_reachable(settings, ["kafka", "database"])


def test_the_servers_of_an_address():
    assert kafka_servers("a:1, b ,SSL://[::1]:3") == [("a", 1), ("b", 9092), ("::1", 3)]
    assert database_servers("postgresql://u@h1:1,h2:2/x") == [("h1", 1), ("h2", 2)]
    assert database_servers("postgresql://u@h1,h2/x") == [("h1", 5432), ("h2", 5432)]
    assert database_servers("postgresql:///x?host=/run/postgresql") == []
    assert database_servers("dbname=x") == []


@pytest.fixture
def unusable(tmp_path: Path) -> Iterator[dict[str, Path]]:
    """Folders that cannot be used."""
    file = tmp_path / "file"
    file.touch()
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    yield {"below a file": file / "var", "not writable": closed / "var", "of the kernel": Path("/proc/var")}
    closed.chmod(0o700)


@pytest.mark.parametrize("kind", ["below a file", "not writable", "of the kernel"])
@pytest.mark.parametrize("command", ["up", "down", "demo"])
def test_an_impossible_folder_is_reported_in_a_sentence(unusable: dict[str, Path], kind: str, command: str):
    if kind == "not writable" and os.geteuid() == 0:
        pytest.xfail("root may write everywhere")
    result = CliRunner().invoke(main, [command, "--var", str(unusable[kind])])
    assert result.exit_code == 1
    assert f"the folder {unusable[kind]} cannot be used" in result.output
    assert len([line for line in result.output.splitlines() if not line.startswith("Starting ")]) == 1


@pytest.mark.parametrize("kind", ["below a file", "of the kernel"])
def test_what_only_reads_finds_nothing_in_an_impossible_folder(unusable: dict[str, Path], kind: str):
    result = CliRunner().invoke(main, ["status", "--var", str(unusable[kind])], env={"GOGOBE_CONFIG": None})
    assert result.exit_code == 1
    assert "the stack is not running" in result.output


def test_a_port_that_cannot_be_had_is_reported_in_a_sentence(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for option, wrong, said in (
            ("--kafka-port", "70000", "a port is a number from 1 to 65535"),
            ("--postgres-port", str(port), "another program has this port"),
        ):
            result = CliRunner().invoke(main, ["up", "--var", str(tmp_path / "var"), option, wrong])
            assert result.exit_code == 1
            assert said in result.output
            assert len(result.output.splitlines()) == 1


def test_a_disk_without_space_is_reported_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gogobe.local.guards.MIN_FREE", 1 << 60)
    result = CliRunner().invoke(main, ["up", "--var", str(tmp_path / "var")])
    assert result.exit_code == 1
    assert "MB are free in" in result.output
    assert len(result.output.splitlines()) == 1


def test_raw_files_and_masters_are_below_var_unless_they_are_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("GOGOBE_STORE", raising=False)
    monkeypatch.chdir(tmp_path)
    settings = settings_with_stack({"masters": "s3://bucket/masters"}, Path("other"))
    assert settings.store == str(tmp_path / "other" / "store")
    assert settings.masters == "s3://bucket/masters"
    (tmp_path / "gogobe.toml").write_text('store = "var/store"\n')
    assert settings_with_stack({}, Path("other")).store == "var/store"
