"""Tests of what touches the database run on both: `@pytest.mark.databases` says which those are.

A test's `database_kind` is "sqlite" unless it is marked. PostgreSQL is started once a session, when
the first test asks for it; where it is not installed these tests skip and say so.
"""

from collections.abc import Iterator

import pytest

from server.bench.postgres import Postgres, PostgresError, private_postgres

KINDS = ("sqlite", "postgresql")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames and metafunc.definition.get_closest_marker(
        "databases"
    ):
        metafunc.parametrize("database_kind", KINDS)


@pytest.fixture
def database_kind() -> str:
    """Which database the test's shore stands on."""
    return "sqlite"


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server of this session's own."""
    try:
        with private_postgres() as server:
            yield server
    except PostgresError as error:
        if "not installed" not in str(error):
            raise
        pytest.skip(str(error))
