"""A server out of reach, a folder that cannot be used, a port that cannot be had: one sentence, soon."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from gogobe.cli import main
from gogobe.commands.options import settings_with_stack
from gogobe.commands.reach import check_reachable, database_servers, other_servers
from gogobe.io.kafka.options import KafkaOptions, KafkaOptionsError
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
        ("load", "{feed}", "--in-place"),
        ("replay", "--chain", "shufersal"),
        ("trace", "PriceFull"),
        ("chains", "rename", "a", "b"),
        ("masters", "review"),
        ("masters", "export-catalogue", "items.csv"),
        ("run", "ingest", "--runner", "DirectRunner", "--bounded", "--expansion-service", "127.0.0.1:{port}"),
        ("run", "load", "--runner", "PrismRunner", "--bounded", "--expansion-service", "127.0.0.1:{port}"),
        ("run", "load", "--runner", "SparkRunner", "--expansion-service", "127.0.0.1:{port}"),
        ("run", "load", "--runner", "DirectRunner", "--bounded", "--input", "{feed}", "--stdout"),
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
    words = [word.format(feed=feed, port=port) for word in arguments]
    result = CliRunner().invoke(main, [*words, "--var", str(tmp_path)], env=environment)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert "cannot be reached at" in result.output
    assert "Traceback" not in result.output
    assert len(result.output.splitlines()) == 1


@pytest.mark.usefixtures("hurried")
def test_a_server_that_takes_connections_and_says_nothing_is_reported(port: int):
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = server.getsockname()[1]
        settings = Settings(kafka=f"127.0.0.1:{port},127.0.0.1:{there}", database=NOWHERE.format(port=there))
        with pytest.raises(click.ClickException) as raised:
            check_reachable(settings, ["kafka", "database"])
    message = raised.value.message
    assert f"Kafka cannot be reached at 127.0.0.1:{port},127.0.0.1:{there}: no answer within 3" in message
    assert re.search(
        rf"the database cannot be reached at postgresql://\S*127.0.0.1:{there}/x: no answer", message
    )


def test_a_database_that_answers_is_reached_also_if_it_refuses(dsn: str):
    check_reachable(Settings(database=dsn), ["database"])
    check_reachable(Settings(database=f"{dsn}_that_is_not_there"), ["database"])


@pytest.mark.usefixtures("hurried")
def test_other_servers_are_reached_by_a_connection(port: int):
    with socket.create_server(("127.0.0.1", 0)) as server:
        there = server.getsockname()[1]
        settings = Settings(expansion_service=f"127.0.0.1:{there}", store_endpoint=f"http://127.0.0.1:{there}")
        check_reachable(settings, ["store_endpoint", "kafka"])
        with pytest.raises(
            click.ClickException, match=r"the expansion service cannot be reached at .*: no answer"
        ):
            check_reachable(settings, ["expansion_service"])
    gone = Settings(expansion_service=f"127.0.0.1:{port}", store_endpoint=f"http://127.0.0.1:{port}/")
    with pytest.raises(click.ClickException) as raised:
        check_reachable(gone, ["expansion_service", "store_endpoint"])
    assert "the expansion service cannot be reached" in raised.value.message
    assert "the object store cannot be reached" in raised.value.message


def test_a_wrong_option_is_reported_as_such():
    options = KafkaOptions(ssl_ca_location="/there/is/none")
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        pytest.raises(KafkaOptionsError, match="there is no file /there/is/none"),
    ):
        check_reachable(
            Settings(kafka=f"127.0.0.1:{server.getsockname()[1]}", kafka_options=options), ["kafka"]
        )


def test_the_servers_of_an_address():
    assert other_servers("kafka", "a:1, b ,SSL://[::1]:3") == [("a", 1), ("b", 9092), ("::1", 3)]
    assert other_servers("store_endpoint", "https://s3.example") == [("s3.example", 443)]
    assert other_servers("store_endpoint", "http://s3.example:9000/x") == [("s3.example", 9000)]
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
