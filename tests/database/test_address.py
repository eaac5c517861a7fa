"""The database's address: passwords are separated from it, invalid addresses refused without being quoted."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from gogobe.database.address import AddressError, DatabaseAddress, conninfo_of
from gogobe.database.connection import connect
from gogobe.secrets import Secret, SecretError

PLANTED = "planted7f3a"


@pytest.mark.parametrize(
    ("text", "url", "password"),
    [
        ("postgresql://u:planted7f3a@h:5/db", "postgresql://u@h:5/db", PLANTED),
        ("postgres://u:planted7f3a@h/db?sslmode=require", "postgres://u@h/db?sslmode=require", PLANTED),
        ("postgresql://u:p%40%2F%3A%23@h1:1,h2:2/db", "postgresql://u@h1:1,h2:2/db", "p@/:#"),
        ("postgresql://u:p:q@[::1]:5/db", "postgresql://u@[::1]:5/db", "p:q"),
        ("postgresql://u%40a@h/db?password=planted7f3a", "postgresql://u%40a@h/db", PLANTED),
        (
            "postgresql://h/d%20b?user=u&password=a%20b&passfile=/a@b/c&options=-c+x",
            "postgresql://h/d%20b?user=u&passfile=/a@b/c&options=-c+x",
            "a b",
        ),
        ("postgresql:///db?password=planted7f3a", "postgresql:///db", PLANTED),
        ("host=h user=u password='a b'", "user=u host=h", "a b"),
    ],
)
def test_a_password_is_taken_out_of_an_address(text: str, url: str, password: str):
    address = DatabaseAddress.parse(text)
    assert (address.url, address.password) == (url, Secret.of_value(password))
    assert password not in repr(address)
    assert conninfo_to_dict(address.conninfo()) == conninfo_to_dict(text)


@pytest.mark.parametrize("text", ["postgresql://u@h:5/db?passfile=/p", "postgresql:///db", "host=h dbname=d"])
def test_an_address_without_a_password_stays_as_it_is(text: str):
    assert DatabaseAddress.parse(text) == DatabaseAddress(text)
    assert conninfo_of(DatabaseAddress(text)) == conninfo_of(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:planted7f3a/more@h/db",
        "postgresql://u:planted7f3a@more@h/db",
        "postgresql://u:planted7f3a?more@h/db",
        "postgresql://u:planted7f3a#more@h/db",
        "postgresql://u:planted7f3a%zz@h/db",
        "mysql://u:planted7f3a@h/db",
        "u:planted7f3a@h/db",
        "postgresql://u@h/db?sslpassword=planted7f3a",
        "host=h oauth_client_secret=planted7f3a",
    ],
)
def test_an_address_that_is_none_is_refused_and_not_quoted(text: str):
    with pytest.raises(AddressError, match=r"postgresql://USER@HOST|holds \w+, for which") as refused:
        DatabaseAddress.parse(text)
    assert PLANTED not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_an_address_is_never_made_with_a_password_in_it():
    with pytest.raises(AddressError, match=r"DatabaseAddress\.parse"):
        DatabaseAddress("postgresql://u:planted7f3a@h/db")


def test_a_connection_resolves_the_password_when_it_is_made(dsn: str, tmp_path: Path):
    with connect(dsn) as connection:
        connection.execute("CREATE ROLE by_secret LOGIN PASSWORD 'p w''\\\"/@'")
        host, port, name = connection.info.host, connection.info.port, connection.info.dbname
    file = tmp_path / "password"
    url = f"postgresql://by_secret@{host}:{port}/{name}"
    address = pickle.loads(pickle.dumps(DatabaseAddress(url, Secret(f"secret://file{file}"))))
    try:
        with pytest.raises(SecretError, match=str(file)):
            connect(address)
        file.write_text("p w'\\\"/@\n")
        with connect(address) as connection:
            assert connection.execute("SELECT current_user").fetchone() == ("by_secret",)
    finally:
        with connect(dsn) as connection:
            connection.execute("DROP ROLE by_secret")
