"""The roles of a database: an owner, a loader that writes rows, a reader.

The owner (the setting `database`) defines the schema. The loader (`database_loader`) has the rights that jobs
and commands need on each table, and the reader (`database_reader`) SELECT. Neither can define, alter or drop
anything. Rights are compared with the table below and corrected whenever the owner migrates.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from psycopg import errors, sql

from gogobe.database.connection import Connection, dialect_of
from gogobe.secrets import Secret

logger = logging.getLogger(__name__)

# PostgreSQL has the right to refresh a view, apart from owning it, since this version.
# https://www.postgresql.org/docs/17/ddl-priv.html
MAINTAIN_SINCE: Final = 170_000

LOADER_WRITES: Final[Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        table: frozenset(privileges.split())
        for privileges, tables in {
            "INSERT UPDATE DELETE": """
                stores store_descriptions masters prices price_changes promotions listed_codes dead_letters
                announcements announcement_batches crawl_agents portals portal_errors waiting_files
                master_search search_words search_vocabulary
            """,
            "INSERT UPDATE": """
                chains store_identities master_aliases files file_addresses batches view_refreshes
                review_pairs master_merges
            """,
            "INSERT DELETE": "refused_rows",
            "INSERT": "promotion_groups promotion_items",
        }.items()
        for table in tables.split()
    }
)
"""What the loader may write, by table. It may read all tables and views, as the reader."""

MONTHS: Final = "add_price_change_months(timestamptz[])"
"""Creates monthly partitions with the owner's rights."""

_RELATIONS: Final = """
    SELECT c.relname, c.relkind::text FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm')
      AND NOT coalesce(c.relispartition, false) AND pg_has_role(c.relowner, 'USAGE')
      AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.deptype = 'e')
    ORDER BY c.relname
"""
_HELD: Final = """
    SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) AS a, pg_roles r
    WHERE c.relnamespace = current_schema()::regnamespace AND r.rolname = %s AND a.grantee = r.oid
"""


class RoleError(RuntimeError):
    """A role that cannot be made, or that cannot do its work on this server; the message has the remedy."""


@dataclass(frozen=True)
class Role:
    """A role by its name, and the password it gets if it has to be made; None: no password."""

    name: str
    password: Secret | None = None


@dataclass(frozen=True)
class DatabaseRoles:
    """The roles beside the owner; None: the owner does this work itself."""

    loader: Role | None = None
    reader: Role | None = None

    def __iter__(self) -> Iterator[Role]:
        return (role for role in (self.loader, self.reader) if role is not None)


def ensure_roles(connection: Connection, roles: DatabaseRoles) -> None:
    """Makes the roles that do not exist. Roles are the server's: a role that exists stays as it is.

    Raises RoleError, SecretError for the password of a role that is to be made, psycopg.Error.
    """
    if roles.loader is not None and not has_maintain(connection):
        raise RoleError(
            f"database_loader: {roles.loader.name} could not refresh the views, because this server has no "
            "right for that (PostgreSQL has MAINTAIN since version 17): leave it out, then the owner loads"
        )
    for role in roles:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role.name,)).fetchone() is None:
            _make_role(connection, role)


def has_maintain(connection: Connection) -> bool:
    """Whether the server has the right MAINTAIN."""
    return dialect_of(connection).partitions and connection.info.server_version >= MAINTAIN_SINCE


def _make_role(connection: Connection, role: Role) -> None:
    statement = sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role.name))
    if role.password is not None:
        # The server's log may show statements, so the password is hashed here.
        verifier = connection.pgconn.encrypt_password(
            role.password.value().encode(), role.name.encode(), b"scram-sha-256"
        )
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(verifier.decode()))
    try:
        with connection.transaction():
            connection.execute(statement)
    except errors.InsufficientPrivilege as error:
        raise RoleError(
            f"the role {role.name} does not exist, and {connection.info.user} may not make it: let an "
            f"administrator run CREATE ROLE {role.name} LOGIN PASSWORD '…', then run `gogobe migrate`"
        ) from error
    except (errors.DuplicateObject, errors.UniqueViolation):
        logger.info("the role %s was made at the same time, for another database", role.name)


def give_rights(connection: Connection, roles: DatabaseRoles) -> None:
    """Gives the roles, which exist, their rights on what the schema has now; revokes others on its tables and
    views. Raises psycopg.Error."""
    if not any(roles):
        return
    relations: dict[str, str] = dict(connection.execute(_RELATIONS).fetchall())
    for role in roles:
        loads = role is roles.loader
        _correct(connection, role, {name: _wanted(name, kind, loads=loads) for name, kind in relations.items()})
        _give_access(connection, role, loads=loads)


def _wanted(name: str, kind: str, *, loads: bool) -> frozenset[str]:
    """The rights on a relation. Kinds are those of `pg_class`: r, p tables; m, v views."""
    rights = frozenset({"SELECT"})
    if loads and kind != "v":
        rights |= LOADER_WRITES.get(name, frozenset()) | {"MAINTAIN"}
    return rights


def _correct(connection: Connection, role: Role, wanted: Mapping[str, frozenset[str]]) -> None:
    held: dict[str, set[str]] = {}
    for name, privilege in connection.execute(_HELD, (role.name,)).fetchall():
        held.setdefault(name, set()).add(privilege)
    for name, rights in wanted.items():
        for verb, way, difference in (
            ("GRANT", "TO", rights - held.get(name, set())),
            ("REVOKE", "FROM", held.get(name, set()) - rights),
        ):
            if difference:
                listed = sql.SQL(", ").join(sql.SQL(one) for one in sorted(difference))
                connection.execute(
                    sql.SQL(verb + " {} ON {} " + way + " {}").format(
                        listed, sql.Identifier(name), sql.Identifier(role.name)
                    )
                )


def _give_access(connection: Connection, role: Role, *, loads: bool) -> None:
    """Gives the rights to connect and to use the schema, for a loader also temporary tables and the function
    that makes partitions, where the role does not have them as everybody."""
    row = connection.execute("SELECT current_database(), current_schema()").fetchone()
    assert row is not None
    database, schema = map(sql.Identifier, row)
    grantee = sql.Identifier(role.name)
    wanted: list[tuple[str, sql.Composable]] = [
        (
            "has_database_privilege(%s, current_database(), 'CONNECT')",
            sql.SQL("CONNECT ON DATABASE {}").format(database),
        ),
        ("has_schema_privilege(%s, current_schema(), 'USAGE')", sql.SQL("USAGE ON SCHEMA {}").format(schema)),
    ]
    if loads:
        wanted += [
            (
                "has_database_privilege(%s, current_database(), 'TEMPORARY')",
                sql.SQL("TEMPORARY ON DATABASE {}").format(database),
            ),
            (
                f"coalesce(has_function_privilege(%s, to_regprocedure('{MONTHS}')::oid, 'EXECUTE'), true)",
                sql.SQL("EXECUTE ON FUNCTION " + MONTHS),
            ),
        ]
    for question, right in wanted:
        if connection.execute(f"SELECT {question}".encode(), (role.name,)).fetchone() == (False,):
            connection.execute(sql.SQL("GRANT {} TO {}").format(right, grantee))
