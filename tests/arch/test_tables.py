"""Every table is known to the registry, so migrations and the grants check see it."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any

from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import SQLModel
from support.members import shapes
from support.source import members

from astero_shared.db.registry import TABLE_MODULES

_SHARED = "libs/shared"


def table_modules() -> set[str]:
    return {
        ".".join(PurePosixPath(source.path).relative_to(_SHARED).with_suffix("").parts)
        for source in members()
        if source.name == "tables" and source.path.startswith(f"{_SHARED}/")
    }


def tables() -> list[type[SQLModel]]:
    return [kind for kind in shapes() if issubclass(kind, SQLModel) and hasattr(kind, "__table__")]


def test_the_registry_imports_every_module_of_tables() -> None:
    assert {module.__name__ for module in TABLE_MODULES} == table_modules()


def test_tables_stand_in_modules_called_tables() -> None:
    assert tables()
    assert [kind.__qualname__ for kind in tables() if not kind.__module__.endswith(".tables")] == []


def plain_secrets(columns: Iterable[Any]) -> list[str]:
    """Columns named for a ciphertext or a hash that hold text: a secret in plain sight."""
    return [
        str(column)
        for column in columns
        if column.name.endswith(("ciphertext", "_sealed", "_encrypted", "token_hash"))
        and column.type.python_type is not bytes
    ]


def test_ciphertexts_are_bytes() -> None:
    columns = [column for kind in tables() for column in vars(kind)["__table__"].columns]
    assert any(column.name == "ciphertext" for column in columns)
    assert plain_secrets(columns) == []


def test_a_planted_column_is_caught() -> None:
    planted = [Column("ciphertext", Text), Column("token_hash", LargeBinary), Column("name", Text)]
    assert plain_secrets(planted) == ["ciphertext"]
