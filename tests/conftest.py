"""Fixtures for every kind of test, told where they are written, and who runs the tests in which order."""

from typing import Any

import httpx
import hypothesis
import pytest
from support.stack import (
    database,
    databases,
    migrated_template,
    postgres,
    postgres_server,
    valkey,
    valkey_operator,
    valkey_server,
)
from xdist.scheduler import LoadScopeScheduling

__all__ = [
    "database",
    "databases",
    "migrated_template",
    "postgres",
    "postgres_server",
    "valkey",
    "valkey_operator",
    "valkey_server",
]

# A run draws the same examples as the run before, so that a change fails for what it changed. Who wants new
# ones: just test --hypothesis-profile=explore tests/unit. How long one takes says how busy the machine is.
_UNHURRIED: Any = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("same", derandomize=True, **_UNHURRIED)
hypothesis.settings.register_profile("explore", max_examples=3000, **_UNHURRIED)
hypothesis.settings.load_profile("same")

# What a test asks by itself is answered when a busy machine gets round to it; httpx would give up after 5 s.
_unhurried = httpx._config.DEFAULT_TIMEOUT_CONFIG
_unhurried.connect = _unhurried.read = _unhurried.write = _unhurried.pool = 60.0

_HOUSE = "tests/e2e/"
_LONGEST_FIRST = (_HOUSE, "tests/integration/stack/", "tests/security/", "tests/integration/")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole programs first and small things last: no worker ends with minutes of work that nobody can share.

    Within these groups the order stays as it was shuffled.
    """

    def group(item: pytest.Item) -> int:
        matching = (at for at, folder in enumerate(_LONGEST_FIRST) if item.nodeid.startswith(folder))
        return next(matching, len(_LONGEST_FIRST))

    items.sort(key=group)


class _OneHouse(LoadScopeScheduling):
    """A file stays with one worker, and so do all files that share the one running Astero: that one waits for
    bots most of the time, which leaves the processors to the others.
    """

    def _split_scope(self, nodeid: str) -> str:
        file, _, _ = nodeid.partition("::")
        return _HOUSE if file.startswith(_HOUSE) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _OneHouse(config, log)
