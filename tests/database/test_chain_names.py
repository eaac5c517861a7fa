"""Renaming a chain changes every row with its name, in one transaction, or none."""

from __future__ import annotations

import msgspec
import pytest

from gogobe.chains.load import load_chains
from gogobe.database.announcements import FileToClaim, claim
from gogobe.database.chain_names import RenameError, rename_chain
from gogobe.database.connection import Connection
from gogobe.database.dead_letters import letter_key, record_dead_letters
from gogobe.database.load.loader import Loader
from gogobe.records.addresses import identity_of
from gogobe.records.messages import DeadLetter
from tests.database.samples import at, file_batches, item

CHAINS = load_chains()
URL = "https://p.example/a.gz"
LETTER = DeadLetter("download", "not_found", "404", "{}", at(1), chain="shufresal", source_url=URL)


@pytest.fixture
def misspelt(dsn: str, db: Connection) -> None:
    with Loader(dsn) as loader:
        loader.load(file_batches([item("1", "5")], chain="shufresal"))
    right = msgspec.structs.replace(LETTER, chain="shufersal", failed_at=at(2), attempts=2)
    record_dead_letters(dsn, [LETTER, right, msgspec.structs.replace(LETTER, reason="forbidden")])
    names = [("shufresal", "b.gz"), ("shufresal", "c.gz"), ("shufersal", "c.gz")]
    claim(
        db,
        "agent",
        {},
        [FileToClaim(identity_of(c, URL, f), c, URL, f, 1, None, None, False) for c, f in names],
    )


def names(db: Connection) -> dict[str, set[str]]:
    """The chains' names in every table that has any."""
    tables = db.execute(
        "SELECT c.table_name FROM information_schema.columns c JOIN information_schema.tables t USING (table_name)"
        " WHERE c.column_name = 'chain' AND t.table_type = 'BASE TABLE' AND c.table_schema = 'public'"
    ).fetchall()
    return {table: {row[0] for row in db.execute(f"SELECT chain FROM {table}".encode())} for (table,) in tables}


@pytest.mark.usefixtures("misspelt")
def test_no_table_keeps_the_old_name(db: Connection):
    renamed = rename_chain(db, CHAINS, "shufresal", "shufersal")
    assert (renamed.files, renamed.dead_letters, renamed.announcements) == (1, 2, 2)
    assert all("shufresal" not in found for found in names(db).values())
    assert db.execute("SELECT name FROM chains").fetchall() == [("shufersal",)]
    letters = db.execute("SELECT letter_key, reason, attempts FROM dead_letters ORDER BY reason").fetchall()
    right = msgspec.structs.replace(LETTER, chain="shufersal")
    assert letters == [
        (letter_key(msgspec.structs.replace(right, reason="forbidden")), "forbidden", 1),
        (letter_key(right), "not_found", 3),
    ]
    rows = db.execute("SELECT identity, file_name FROM announcements ORDER BY file_name").fetchall()
    assert rows == [(identity_of("shufersal", URL, name), name) for name in ("b.gz", "c.gz")]


@pytest.mark.usefixtures("misspelt")
@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("shufresal", "rami_levy", "which rami_levy does not list"),
        ("shufresal", "corner_shop", "is shufersal's: rename shufresal to that"),
        ("no_chain", "shufersal", "no row has the chain no_chain"),
        ("shufersal", "shufersal", "has this name already"),
    ],
)
def test_what_would_mix_chains_is_refused_and_changes_nothing(db: Connection, old: str, new: str, said: str):
    before = names(db)
    with pytest.raises(RenameError, match=said):
        rename_chain(db, CHAINS, old, new)
    assert names(db) == before
