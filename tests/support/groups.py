"""Tests marked `xdist_group` run one after the other in one process: they share what is costly to start.

pytest-xdist 3.8 writes the group into an attribute that pytest 9.2 no longer reads, and then spreads them.
"""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        grouped = vars(item).get("_nodeid")
        if isinstance(grouped, str) and item.nodeid != grouped:
            item._id = type(item._id).parse(grouped)
