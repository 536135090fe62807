"""An export as its code is given it: whose project, what was asked, where the file goes.

Example:
    >>> export = Export(database, packs, 1, {"kind": "general"}, "Ana", 2, Path("."))
    >>> export.path("general", ".zip")
    PosixPath('export_general_1_20260921_1413.zip')
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from server.clock import now_ms
from server.db import exporting
from server.db.ecotaxa.given import FilterError
from server.db.engine import Database
from server.db.exporting import ProjectRow
from server.db.exporting_objects import Selection, select_objects
from server.exports.asked import Asked, AskedError
from server.exports.columns import Known
from server.exports.mends import Mends
from server.store.packs import Packs

Progress = Callable[[float, str], None]


def _silent(_percent: float, _message: str) -> None:
    """Nobody is told how far it is."""


@dataclass(frozen=True)
class Export:
    """`who` asks; `folder` takes the file, `out` is its name when somebody chose one; in `releases`
    lie the bundles that predicted."""

    database: Database
    packs: Packs
    project_id: int
    params: Mapping[str, Any]
    who: str
    user_id: int
    folder: Path
    releases: Path | None = None
    out: str = ""
    made_ms: int = field(default_factory=now_ms)
    progress: Progress = _silent
    mends: Mends = field(default_factory=Mends)

    def path(self, kind: str, suffix: str) -> Path:
        """Where the file goes."""
        made = datetime.fromtimestamp(self.made_ms / 1000, UTC)
        name = self.out or f"export_{kind}_{self.project_id}_{made:%Y%m%d_%H%M}{suffix}"
        return self.folder / name

    def asked(self) -> Asked:
        """The parameters, of which those that every export has are read."""
        asked = Asked(self.params)
        asked.text("kind")
        asked.map("filters")
        return asked

    @property
    def filters(self) -> dict[str, Any]:
        """EcoTaxa's, of which empty ones are none."""
        given = self.params.get("filters") or {}
        return {name: value for name, value in given.items() if value not in (None, "")}

    def project(self, connection: Connection) -> ProjectRow:
        """Raises AskedError."""
        found = exporting.read_project(connection, self.project_id)
        if found is None:
            raise AskedError([f"there is no project {self.project_id}"])
        return found

    def selection(self, connection: Connection, *, any_taxon: bool = False) -> Selection:
        """The objects that were asked for, of any taxon if so wanted. Raises AskedError."""
        taxa = ("taxo", "taxochild") if any_taxon else ()
        filters = {name: value for name, value in self.filters.items() if name not in taxa}
        try:
            return select_objects(connection, self.project_id, self.user_id, filters)
        except FilterError as error:
            raise AskedError([f"filters: {error}"]) from error

    def known(self, connection: Connection) -> Known:
        """What rows name by number."""
        return Known(
            exporting.read_levels(connection, self.project_id),
            exporting.read_taxa(connection),
            exporting.read_people(connection),
            exporting.read_releases(connection),
            exporting.free_columns(connection, self.project_id),
        )
