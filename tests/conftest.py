"""Fixtures for every kind of test; what they do is told where they are written."""

from support.stack import (
    database,
    migrated_template,
    postgres,
    postgres_server,
    valkey,
    valkey_server,
)

__all__ = [
    "database",
    "migrated_template",
    "postgres",
    "postgres_server",
    "valkey",
    "valkey_server",
]
