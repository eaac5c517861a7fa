"""Schema migrations as numbered steps, and the monthly partitions of the price history.

The steps are the files `gogobe/database/schema/NNNN_name.sql`. Applied steps are in `schema_steps` with a
hash of their text. An applied step never changes; a change is a new step.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from importlib.abc import Traversable
from typing import Final

from psycopg import errors

from gogobe.database.address import Dsn, maintenance_of
from gogobe.database.connection import Connection, Dialect, connect, dialect_of, with_retries
from gogobe.database.roles import MONTHS, DatabaseRoles, RoleError, ensure_roles, give_rights

logger = logging.getLogger(__name__)

_LOCK: Final = 0x676F676F6265  # "gogobe" in hexadecimal: the advisory locks are counted from here
_MAY_ADD_MONTHS: Final = f"SELECT has_function_privilege(to_regprocedure('{MONTHS}')::oid, 'EXECUTE')"
_STEP_NAME: Final = re.compile(r"(\d{4})_\w+\.sql")
_PARTITIONED: Final = re.compile(r"^--partitioned$.*?^--end$", re.MULTILINE | re.DOTALL)


class MigrationError(RuntimeError):
    """The database's schema does not match the steps of this version; the message has the remedy."""


@dataclass(frozen=True)
class Step:
    """One numbered step of the schema."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def schema_steps(folder: Traversable | None = None) -> list[Step]:
    """The steps in `folder` (the package's own by default), in order. Raises MigrationError on a gap."""
    folder = folder or resources.files("gogobe.database.schema")
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    steps = []
    for number, file in enumerate(sorted(files, key=lambda file: file.name), start=1):
        name = _STEP_NAME.fullmatch(file.name)
        if name is None or int(name[1]) != number:
            raise MigrationError(f"schema step {file.name}: expected {number:04d}_….sql, steps count from 0001")
        steps.append(Step(number, file.name, file.read_text("utf-8")))
    return steps


def migrate(dsn: Dsn, steps: list[Step] | None = None, roles: DatabaseRoles | None = None) -> list[str]:
    """Migrates the database to this version's schema; returns the names of the steps that were applied. Makes
    missing `roles`, and gives them their rights.

    Needs the owner's role, unless the schema has all steps and there are no `roles`. Several workers may call
    it at once: one applies, the others wait. Each step is one transaction. Raises MigrationError if an applied
    step differs from the one here or is unknown here, or if a right is missing.
    """
    wanted = schema_steps() if steps is None else steps
    try:
        return with_retries(lambda: _migrate(dsn, wanted, roles or DatabaseRoles()))
    except RoleError as error:
        raise MigrationError(str(error)) from error


def _migrate(dsn: Dsn, steps: list[Step], roles: DatabaseRoles) -> list[str]:
    with connect(dsn, timeouts=maintenance_of(dsn)) as connection:
        dialect = dialect_of(connection)
        connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
        applied = _applied(connection, steps)
        try:
            ensure_roles(connection, roles)
            _apply_all(connection, steps[applied:], dialect, roles)
            with connection.transaction():
                give_rights(connection, roles)
        except errors.InsufficientPrivilege as error:
            raise MigrationError(
                f"{connection.info.user} may not change the schema, which has {applied} of {len(steps)} steps, "
                "or give rights: run `gogobe migrate` with the owner's address as `database` "
                f"({error.diag.message_primary})"
            ) from error
        prepare_months(connection, dialect)
        connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))
    return [step.name for step in steps[applied:]]


def _apply_all(connection: Connection, steps: list[Step], dialect: Dialect, roles: DatabaseRoles) -> None:
    if not steps:
        return
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_steps (number integer PRIMARY KEY, name text NOT NULL, "
        "digest text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    for step in steps:
        _apply(connection, step, dialect, roles)


def _applied(connection: Connection, steps: list[Step]) -> int:
    if connection.execute("SELECT to_regclass('schema_steps')").fetchone() == (None,):
        return 0
    rows = connection.execute("SELECT number, name, digest FROM schema_steps ORDER BY number").fetchall()
    for number, name, digest in rows:
        if number > len(steps):
            raise MigrationError(
                f"the database has schema step {name}, which this version does not know: use a newer gogobe"
            )
        if steps[number - 1].digest != digest:
            raise MigrationError(
                f"schema step {steps[number - 1].name} was changed after it had been applied to this database: "
                "restore its text, and put the change into a further step"
            )
    return len(rows)


def step_text(step: Step, dialect: Dialect) -> str:
    """A step's SQL for a dialect."""
    return step.text if dialect.partitions else _PARTITIONED.sub("", step.text)


def _apply(connection: Connection, step: Step, dialect: Dialect, roles: DatabaseRoles) -> None:
    with connection.transaction():
        connection.execute(step_text(step, dialect).encode())
        connection.execute(
            "INSERT INTO schema_steps (number, name, digest) VALUES (%s, %s, %s)",
            (step.number, step.name, step.digest),
        )
        give_rights(connection, roles)  # jobs that run lose none when a step makes a view anew
    logger.info("schema step %s applied", step.name)


def month_of(moment: datetime) -> datetime:
    """The first instant of the moment's month, in UTC."""
    return moment.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)


def month_after(moment: datetime) -> datetime:
    """The first instant of the month after the moment's, in UTC."""
    first = month_of(moment)
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)


def ensure_months(connection: Connection, dialect: Dialect, moments: Iterable[datetime]) -> None:
    """Creates the partitions of `price_changes` for the given times (aware) and for rows in the default
    partition, which are moved to them. Does nothing without partitions.

    Needs the owner's role, or EXECUTE on `add_price_change_months`. Raises psycopg.Error.
    """
    if dialect.partitions:
        connection.execute("SELECT add_price_change_months(%s)", (list(moments),))


def prepare_months(connection: Connection, dialect: Dialect) -> None:
    """Creates the partitions of this month and the next if the role may; otherwise rows stay in the default
    partition until a role with the right calls it. Raises psycopg.Error."""
    if dialect.partitions and connection.execute(_MAY_ADD_MONTHS).fetchone() == (True,):
        now = datetime.now(UTC)
        ensure_months(connection, dialect, [now, month_after(now)])
