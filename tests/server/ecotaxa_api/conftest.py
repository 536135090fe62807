"""A shore with a filled project, and a client that holds its answers against the description."""

from collections.abc import Iterator

import httpx
import pytest

from server.shore import Shore
from tests.server.ecotaxa_api.described import Described
from tests.server.ecotaxa_api.material import Cast, fill


@pytest.fixture
def cast(shore: Shore, project: int) -> Cast:
    return fill(shore, project, user_id=1, objects=60)


@pytest.fixture
def eco(client: httpx.Client) -> Iterator[Described]:
    """The administrator; every answer is looked at."""
    with Described(base_url=client.base_url, headers=client.headers, timeout=60) as described:
        yield described
