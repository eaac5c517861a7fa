"""A database with an owner, a loader and a reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from gogobe.database.migrations import Step, migrate
from gogobe.database.roles import DatabaseRoles, Role
from gogobe.local.postgres import PostgresServer
from gogobe.secrets import Secret

NUMBERS = count(1)
PASSWORD = "of-a-role"


@dataclass(frozen=True)
class Place:
    """A database of an owner who is no superuser, with the addresses of all three, and of the superuser."""

    owner: str
    loader: str
    reader: str
    superuser: str
    roles: DatabaseRoles

    def migrate(self, steps: list[Step] | None = None) -> list[str]:
        return migrate(self.owner, steps, self.roles)


def new_place(server: PostgresServer, may: str = "CREATEROLE") -> Iterator[Place]:
    """A database without a schema, and an owner with a right of the server; dropped in the end."""
    number = next(NUMBERS)
    database, owner, *others = (f"{name}_of_roles_{number}" for name in ("data", "owner", "loader", "reader"))
    with psycopg.connect(server.dsn_of("postgres"), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} " + may).format(
                sql.Identifier(owner), sql.Literal(PASSWORD)
            )
        )
        connection.execute(
            sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(database), sql.Identifier(owner))
        )
        dsn = server.dsn_of(database)
        loader, reader = (Role(name, Secret.of_value(PASSWORD)) for name in others)
        of_owner, of_loader, of_reader = (
            make_conninfo(dsn, user=name, password=PASSWORD) for name in (owner, *others)
        )
        yield Place(of_owner, of_loader, of_reader, dsn, DatabaseRoles(loader, reader))
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))
        for name in (*others, owner):
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(name)))
