"""Each command works with the role that it needs, and uses no other address."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gogobe.cli import main
from gogobe.database.connection import connect
from gogobe.database.dead_letters import record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.database.views import refresh_views
from gogobe.local.postgres import PostgresServer
from gogobe.records.messages import DeadLetter
from tests.database.places import PASSWORD, Place, new_place
from tests.database.samples import at, file_batches, item

NOWHERE = "postgresql://owner@127.0.0.1:1/none"
MILK, BREAD = "7290000042435", "7290000307299"
LETTER = DeadLetter("parse", "truncated", "cut short", '{"chain":"x"}', at(1), chain="x", file="a.gz")


Run = Callable[..., Result]


@pytest.fixture(scope="module")
def place(postgres: PostgresServer) -> Iterator[Place]:
    for place in new_place(postgres):
        place.migrate()
        with Loader(place.loader) as loader:
            loader.load(file_batches([item(MILK, "5"), item(BREAD, "6")], hour=0))
            loader.load(file_batches([item(MILK, "6"), item(BREAD, "6")], hour=1, chain="shufresal"))
        record_dead_letters(place.loader, [LETTER])
        refresh_views(place.loader)
        yield place


@pytest.fixture
def run(place: Place, tmp_path: Path) -> Run:
    """Runs a command whose `database` is out of reach, so that only an address of a role can work."""

    def run(*arguments: str, **environment: str) -> Result:
        variables: dict[str, str | None] = {
            "GOGOBE_CONFIG": None,
            "GOGOBE_DATABASE": NOWHERE,
            "GOGOBE_DATABASE_LOADER": place.loader,
            "GOGOBE_DATABASE_READER": place.reader,
            **environment,
        }
        return CliRunner().invoke(main, [*arguments, "--var", str(tmp_path)], env=variables)

    return run


@pytest.mark.parametrize(
    "arguments",
    [
        ("prices", MILK),
        ("prices", "item"),
        ("history", MILK),
        ("files",),
        ("deadletters", "list"),
        ("deadletters", "show", "{letter}"),
        ("trace", "{sha}"),
        ("chains",),
        ("masters", "review", "--list"),
        ("masters", "unmerge"),
        ("masters", "export-catalogue", "{folder}/catalogue.csv"),
        ("masters", "build"),
    ],
)
def test_what_only_reads_works_as_the_reader(
    run: Run, place: Place, tmp_path: Path, arguments: tuple[str, ...]
):
    with connect(place.reader) as connection:
        ((letter, sha),) = connection.execute(
            "SELECT letter_key, files.content_sha256 FROM dead_letters, files LIMIT 1"
        ).fetchall()
    words = [word.format(letter=letter, sha=sha, folder=tmp_path) for word in arguments]
    result = run(*words, GOGOBE_DATABASE_LOADER=NOWHERE)
    assert result.exit_code == 0, result.output


def test_status_asks_as_the_reader(run: Run):
    result = run("status", "--json", GOGOBE_DATABASE_LOADER=NOWHERE)
    found = json.loads(result.output)["found"]
    assert (found["unanswered"], found["activity"]["letters"][0]["reason"]) == ({}, "truncated")


@pytest.mark.parametrize(
    "arguments",
    [
        ("masters", "merge", BREAD, MILK, "--reason", "one product", "--by", "me"),
        ("masters", "unmerge", "1", "--by", "me"),
        ("masters", "review", "--import", "{answers}", "--by", "me"),
        ("chains", "rename", "shufresal", "shufersal"),
        ("deadletters", "drop", "--all", "--why", "a test"),
        ("replay", "--chain", "shufersal"),
    ],
)
def test_what_writes_works_as_the_loader(run: Run, tmp_path: Path, arguments: tuple[str, ...]):
    answers = tmp_path / "answers.csv"
    answers.write_text("chain_id,item_code,candidate_id,same\n")
    store = {"GOGOBE_STORE": str(tmp_path / "store")}
    (tmp_path / "store").mkdir()
    result = run(*(word.format(answers=answers) for word in arguments), GOGOBE_DATABASE_READER=NOWHERE, **store)
    assert "denied" not in result.output
    assert result.exit_code == (1 if arguments[0] == "replay" else 0), result.output  # no file is in the store


def test_a_reader_who_is_given_for_a_loader_is_refused_in_a_sentence(run: Run, place: Place):
    result = run(
        "masters", "merge", BREAD, MILK, "--reason", "r", "--by", "me", GOGOBE_DATABASE_LOADER=place.reader
    )
    assert result.exit_code == 1
    assert "permission denied for table" in result.output
    assert "`gogobe migrate`" in result.output
    assert "Traceback" not in result.output


def test_one_address_is_used_for_all(run: Run, place: Place):
    """An address of higher precedence replaces those of the roles too."""
    assert run("prices", MILK, "--database", place.superuser, GOGOBE_DATABASE_READER=NOWHERE).exit_code == 0


def test_load_prepares_as_the_owner_and_loads_as_the_loader(run: Run, place: Place, tmp_path: Path):
    feed = tmp_path / "PriceFull7290058140886-001-202608070600.xml"
    feed.write_text(
        "<root><ChainId>7290058140886</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId><Items Count='1'><Item>"
        f"<ItemCode>{MILK}</ItemCode><ItemName>milk</ItemName><ItemPrice>7.10</ItemPrice></Item></Items></root>"
    )
    places = {"GOGOBE_STORE": str(tmp_path / "store"), "GOGOBE_MASTERS": str(tmp_path / "masters")}
    result = run("load", str(feed), GOGOBE_DATABASE=place.owner, GOGOBE_DATABASE_READER=NOWHERE, **places)
    assert result.exit_code == 0, result.output
    with connect(place.reader) as connection:
        found = connection.execute(
            "SELECT price FROM current_prices WHERE chain_id = '7290058140886'"
        ).fetchall()
    assert [str(price) for (price,) in found] == ["7.10"]


def test_migrate_makes_the_roles_and_says_what_each_does(postgres: PostgresServer, tmp_path: Path):
    for place in new_place(postgres):
        environment = {
            "GOGOBE_CONFIG": None,
            "GOGOBE_DATABASE": place.owner,
            "GOGOBE_DATABASE_LOADER": place.loader,
            "GOGOBE_DATABASE_READER": place.reader,
        }
        for applied in (True, False):
            result = CliRunner().invoke(main, ["migrate", "--var", str(tmp_path)], env=environment)
            assert result.exit_code == 0, result.output
            *steps, schema, loads, reads = result.output.splitlines()
            assert bool(steps) == applied
            assert schema.startswith("the schema has all ")
            assert [line.split()[1] for line in (loads, reads)] == ["loads", "reads"]
            assert PASSWORD not in result.output
        with connect(place.loader) as connection:
            assert connection.execute("SELECT count(*) FROM files").fetchone() == (0,)
