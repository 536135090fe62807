"""Tests of one `xdist_group` run in one process, one after the other, as `--dist loadgroup` says.

pytest-xdist 3.8 names the group behind a test's id in a way that pytest 9.2 no longer looks at, and
spreads the group over all processes; this says it where it is looked at. Another pytest is left
alone.
"""

import pytest


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not getattr(config.option, "loadgroup", False):
        return
    for item in items:
        named = getattr(item, "_nodeid", item.nodeid)
        if named != item.nodeid and hasattr(item, "_id"):
            item._id = type(item._id).parse(named)
