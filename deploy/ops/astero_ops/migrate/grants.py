"""The grants file and the live catalog, read into the same shape, compared, and made equal.

A right is (role, verb, object): the object is `table`, `table.column`, `sequence` or `function(args)`.
Whoever holds a right is looked at, PUBLIC included; the owner's own rights come with owning.
"""

import tomllib
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, Literal, LiteralString, cast

from psycopg import Connection, sql

from astero_ops.migrate.places import GRANTS_FILE

_VERBS = {"select": "SELECT", "insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}

# relkind: r table, p partitioned table, v view, m materialised view, S sequence
_LIVE_RELATIONS: LiteralString = """
SELECT coalesce(r.rolname, 'PUBLIC'), acl.privilege_type, c.relname, c.relkind::text
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public',
LATERAL aclexplode(c.relacl) acl
LEFT JOIN pg_roles r ON r.oid = acl.grantee
WHERE acl.grantee <> c.relowner
"""
_LIVE_COLUMNS: LiteralString = """
SELECT coalesce(r.rolname, 'PUBLIC'), acl.privilege_type, c.relname || '.' || a.attname, 'column'
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid
JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = 'public',
LATERAL aclexplode(a.attacl) acl
LEFT JOIN pg_roles r ON r.oid = acl.grantee
WHERE acl.grantee <> c.relowner
"""
_LIVE_FUNCTIONS: LiteralString = """
SELECT coalesce(r.rolname, 'PUBLIC'), acl.privilege_type, p.oid::regprocedure::text, 'function'
FROM pg_proc p
JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public',
LATERAL aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) acl
LEFT JOIN pg_roles r ON r.oid = acl.grantee
WHERE acl.grantee <> p.proowner
"""


@dataclass(frozen=True, order=True, slots=True)
class Right:
    role: str
    verb: str
    target: str
    kind: str

    def __str__(self) -> str:
        return f"{self.role}: {self.verb} on {self.kind} {self.target}"


def wanted_rights(connection: Connection[Any], file: Path = GRANTS_FILE) -> set[Right]:
    """Raises ValueError when the file names a table that does not exist, or leaves one out."""
    document = tomllib.loads(file.read_text())
    tables: dict[str, dict[str, dict[str, Any]]] = document["tables"]
    live = {
        row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    }
    if live != set(tables):
        raise ValueError(f"{file.name} and the database differ in tables: {sorted(live ^ set(tables))}")
    rights = {
        Right(role, _VERBS[verb], target, kind)
        for table, roles in tables.items()
        for role, verbs in roles.items()
        for verb, scope in verbs.items()
        for target, kind in _targets(table, scope)
    }
    for sequence, roles in document["sequences"].items():
        rights |= {Right(role, "USAGE", sequence, "sequence") for role in roles}
    sequences = connection.execute("SELECT sequencename FROM pg_sequences WHERE schemaname = 'public'")
    readable = [(table, "table") for table in tables] + [(row[0], "sequence") for row in sequences]
    rights |= {
        Right(role, "SELECT", target, kind) for role in document["readers"] for target, kind in readable
    }
    functions = connection.execute(
        "SELECT p.proname, p.oid::regprocedure::text FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace AND n.nspname = 'public'"
    ).fetchall()
    for pattern, roles in document["functions"].items():
        rights |= {
            Right(role, "EXECUTE", signature, "function")
            for name, signature in functions
            if fnmatch(name, pattern)
            for role in roles
        }
    return rights


def _targets(table: str, scope: Literal[True] | list[str]) -> list[tuple[str, str]]:
    if isinstance(scope, list):
        return [(f"{table}.{column}", "column") for column in scope]
    return [(table, "table")]


def live_rights(connection: Connection[Any]) -> set[Right]:
    rights: set[Right] = set()
    for query in (_LIVE_RELATIONS, _LIVE_COLUMNS, _LIVE_FUNCTIONS):
        for role, verb, target, kind in connection.execute(query):
            name = {"S": "sequence", "column": "column", "function": "function"}.get(kind, "table")
            rights.add(Right(role, verb, target, name))
    return rights


def make_equal(connection: Connection[Any], file: Path = GRANTS_FILE) -> tuple[set[Right], set[Right]]:
    """Grant what the file asks for and revoke the rest; answers (granted, revoked)."""
    wanted, live = wanted_rights(connection, file), live_rights(connection)
    for right in sorted(live - wanted):
        connection.execute(_statement("REVOKE", right, "FROM"))
    for right in sorted(wanted - live):
        connection.execute(_statement("GRANT", right, "TO"))
    return wanted - live, live - wanted


def _statement(what: LiteralString, right: Right, preposition: LiteralString) -> sql.Composed:
    # Role, verb and signature come from the catalog or from our own file, and are quoted all the same.
    role = sql.SQL("PUBLIC") if right.role == "PUBLIC" else sql.Identifier(right.role)
    verb = sql.SQL(cast("LiteralString", right.verb))
    if right.kind == "column":
        table, column = right.target.split(".")
        return sql.SQL("{} {} ({}) ON TABLE {} {} {}").format(
            sql.SQL(what), verb, sql.Identifier(column), sql.Identifier(table), sql.SQL(preposition), role
        )
    if right.kind == "function":
        target: sql.Composable = sql.SQL(cast("LiteralString", right.target))
    else:
        target = sql.Identifier(right.target)
    kind = sql.SQL(cast("LiteralString", right.kind.upper()))
    return sql.SQL("{} {} ON {} {} {} {}").format(
        sql.SQL(what), verb, kind, target, sql.SQL(preposition), role
    )
