"""A store that speaks S3 for the session: Swift from Debian, started when the first test asks for
it; where it is not installed these tests skip and say so."""

from collections.abc import Iterator

import pytest

from server.bench.swift import Swift, SwiftError, private_swift


@pytest.fixture(scope="session")
def swift() -> Iterator[Swift]:
    try:
        with private_swift() as server:
            server.make_bucket("packs")
            yield server
    except SwiftError as error:
        if "not installed" not in str(error):
            raise
        pytest.skip(str(error))
