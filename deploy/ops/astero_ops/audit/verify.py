"""Reads the audit log chain by chain, whatever its size, and compares it with what was told of it."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import psycopg
from psycopg.rows import class_row

from astero_shared.audit.actions import AuditAction
from astero_shared.audit.canonical import StoredEntry
from astero_shared.audit.chains import PLATFORM
from astero_shared.audit.heads import Head
from astero_shared.audit.verification import Broken, verify, without_purged

_BATCH: Final = 2000


def count_entries(connection: psycopg.Connection[Any], chain: str | None) -> int:
    query = "SELECT count(*) FROM audit_entries WHERE %(chain)s::text IS NULL OR chain = %(chain)s"
    row = connection.execute(query, {"chain": chain}).fetchone()
    return 0 if row is None else row[0]


def find_broken(
    connection: psycopg.Connection[Any],
    *,
    chain: str | None,
    heads: Iterable[Head],
    advance: Callable[[], object],
) -> Iterator[Broken]:
    """All chains, or `chain`; `heads` are those kept outside. `advance` is called for each entry."""
    purged = connection.execute(
        "SELECT details ->> 'server', max(at) FROM audit_entries"
        " WHERE chain = %s AND action = %s AND details ? 'server' GROUP BY 1",
        [PLATFORM, AuditAction.GUILD_PURGED.value],
    ).fetchall()
    known = [*_own_heads(connection), *without_purged(heads, dict(purged))]
    wanted = [head for head in known if chain is None or head.chain == chain]
    yield from verify(_entries(connection, chain, advance), wanted)


def _own_heads(connection: psycopg.Connection[Any]) -> list[Head]:
    rows = connection.execute("SELECT chain, seq, hash, told_at FROM audit_heads")
    return [Head(chain, seq, bytes(digest), told_at) for chain, seq, digest, told_at in rows]


def _entries(
    connection: psycopg.Connection[Any], chain: str | None, advance: Callable[[], object]
) -> Iterator[StoredEntry]:
    with connection.cursor("audit_entries", row_factory=class_row(StoredEntry)) as cursor:
        cursor.itersize = _BATCH
        cursor.execute(
            "SELECT * FROM audit_entries WHERE %(chain)s::text IS NULL OR chain = %(chain)s"
            " ORDER BY chain, seq, id",
            {"chain": chain},
        )
        for entry in cursor:
            yield entry
            advance()
