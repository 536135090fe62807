"""The names of a release's taxa, by their place in its tree: what a summary counts by.

Example:
    >>> nodes(shore, "5f1c09aa")[0]
    'living'
"""

from functools import lru_cache
from pathlib import Path

from models.bundle import Bundle
from server.db import releases
from server.shore import Shore
from server.store import bundles


def nodes(shore: Shore, release: str) -> tuple[str, ...]:
    """The tree's names of the release whose id begins so; () when the shore does not hold it."""
    with shore.database.read() as connection:
        held = releases.held(connection)
    found = next((one for one in held if one.release_id.startswith(release)), None)
    if found is None or found.file is None:
        return ()
    return _read(shore.settings.releases, found.file)


@lru_cache(maxsize=16)
def _read(folder: Path, file: str) -> tuple[str, ...]:
    return tuple(Bundle.load(bundles.load(folder, file)).head.tree.nodes)
