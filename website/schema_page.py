"""The schema reference, from a database that has the schema."""

from __future__ import annotations

from typing import Any, Final

from gogobe.database.connection import Connection
from gogobe.database.migrations import schema_steps
from website.tables import code, codes, table

# Partitions are tables of their own, which belong to their parent.
_RELATIONS: Final = """
    SELECT c.oid::int8, c.relname, c.relkind::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
    ORDER BY c.relname
"""
_COLUMNS: Final = """
    SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           coalesce(pg_get_expr(d.adbin, d.adrelid), '')
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = %s::int8::oid AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attnum
"""
_CONSTRAINTS: Final = """
    SELECT pg_get_constraintdef(oid) FROM pg_constraint
    WHERE conrelid = %s::int8::oid AND contype IN ('p', 'u', 'f', 'c') ORDER BY contype, conname
"""
_INDEXES: Final = """
    SELECT pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE i.indrelid = %s::int8::oid AND NOT i.indisprimary ORDER BY c.relname
"""
KINDS: Final = {"r": "Tables", "p": "Tables", "v": "Views", "m": "Materialized views"}


def schema_page(connection: Connection) -> str:
    """Tables, views and materialized views with their columns, constraints and indexes."""
    relations = connection.execute(_RELATIONS).fetchall()
    parts = [
        "# Schema\n\nWhat the schema's steps make in PostgreSQL; [The database](../database.md) explains it. "
        "This page is generated from a database to which the steps were applied.\n",
        "Steps: " + codes(step.name for step in schema_steps()) + ".\n",
    ]
    for title in dict.fromkeys(KINDS.values()):
        parts.append(f"## {title}\n")
        parts += [_relation(connection, *one) for one in relations if KINDS[one[2]] == title]
    return "\n".join(parts)


def _relation(connection: Connection, oid: int, name: str, kind: str) -> str:
    columns = connection.execute(_COLUMNS, (oid,)).fetchall()
    rows = (
        (code(column), kind, "yes" if must else "", code(default)) for column, kind, must, default in columns
    )
    text = f"### `{name}`\n\n"
    if kind == "p":
        text += "Partitioned by month.\n\n"
    text += table(("Column", "Type", "Not null", "Default"), rows)
    return (
        text + _list("Constraints", connection, _CONSTRAINTS, oid) + _list("Indexes", connection, _INDEXES, oid)
    )


def _list(title: str, connection: Connection, query: Any, oid: int) -> str:
    found = [row[0] for row in connection.execute(query, (oid,)).fetchall()]
    return f"\n{title}:\n\n" + "".join(f"- {code(one)}\n" for one in found) if found else ""
