"""Fixtures for every kind of test, told where they are written, and the order of the tests."""

import pytest
from support.stack import (
    database,
    databases,
    migrated_template,
    postgres,
    postgres_server,
    valkey,
    valkey_server,
)

__all__ = [
    "database",
    "databases",
    "migrated_template",
    "postgres",
    "postgres_server",
    "valkey",
    "valkey_server",
]

_LONGEST_FIRST = ("tests/integration/stack/", "tests/e2e/", "tests/security/", "tests/integration/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole programs first and small things last: no worker ends with minutes of work that nobody can share.

    Within these groups the order stays as it was shuffled.
    """

    def group(item: pytest.Item) -> int:
        matching = (at for at, folder in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(folder))
        return next(matching, len(_LONGEST_FIRST))

    items.sort(key=group)
