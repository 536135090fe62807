"""Pictures without a table, with the same values for all: EcoTaxa's simple import.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
        -d '{"source_path": "/plankton", "values": {"latitude": "43.7", "longitude": "7.3"}}' \
        "http://127.0.0.1:8765/simple_import/1?dry_run=false"
    {"job_id": 8, "errors": []}
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import Connection

from server.api.deps import ShoreDep, Viewer
from server.api.rights import need
from server.db import taxa, users
from server.db.ecotaxa import dates
from server.ecotaxa.api.answers import SimpleImportRsp
from server.ecotaxa.api.asked import SimpleImportReq
from server.ecotaxa.api.exports import begin
from server.ecotaxa.api.files import source_of
from server.ecotaxa.api.routes import eco_router

router = eco_router("imports")
STATUSES = {"V": "validated", "D": "dubious", "P": "predicted"}


@router.post("/simple_import/{project_id:int}")
def simple_import(
    shore: ShoreDep, user: Viewer, project_id: int, dry_run: bool, body: SimpleImportReq
) -> SimpleImportRsp:
    """Import pictures; with `dry_run` the values are only looked at."""
    with shore.database.read() as connection:
        need(connection, user, project_id, "manage")
        found = read(connection, {k: str(v) for k, v in body.values.items() if v not in (None, "")})
    if found.errors or dry_run:
        return SimpleImportRsp(job_id=0, errors=found.errors)
    params = {
        "source": source_of(shore, user.id, body.source_path),
        "kind": "pictures",
        "folders": "nothing",
        "texts": found.texts,
        "numbers": found.numbers,
    }
    return SimpleImportRsp(job_id=begin(shore, user, "import", project_id, params, "manage"))


@dataclass
class Read:
    """Cells of EcoTaxa's columns that are the same for all pictures, and what was wrong."""

    texts: dict[str, str] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)


def read(connection: Connection, values: dict[str, str]) -> Read:
    """The values by EcoTaxa's names of them, all that is wrong told at once."""
    found = Read()
    for name, text in values.items():
        reader = _READERS.get(name)
        if reader is None:
            found.errors.append(f"'{name}' is no value; there are {', '.join(_READERS)}")
            continue
        try:
            reader(connection, text, found)
        except (ValueError, LookupError):
            found.errors.append(f"'{text[:80]}' is not a valid value for {name}")
    said = "object_annotation_status" in found.texts
    if said != ("object_annotation_category" in found.texts) and not found.errors:
        found.errors.append("status and taxolb belong together: give both or neither")
    return found


def _number(column: str, low: float, high: float) -> Callable[[Connection, str, Read], None]:
    def take(_connection: Connection, text: str, found: Read) -> None:
        value = float(text)
        if not low <= value <= high:
            raise ValueError(text)
        found.numbers[column] = value

    return take


def _date(_connection: Connection, text: str, found: Read) -> None:
    found.texts["object_date"] = date.fromisoformat(text.strip()).strftime("%Y%m%d")


def _time(_connection: Connection, text: str, found: Read) -> None:
    plain = text.strip().replace(":", "")
    if not (plain.isdecimal() and len(plain) in (4, 6)):
        raise ValueError(text)
    dates.read_time(":".join((plain[:2], plain[2:4], plain[4:] or "00")))
    found.texts["object_time"] = plain.ljust(6, "0")


def _taxon(connection: Connection, text: str, found: Read) -> None:
    """A number, as in EcoTaxa, or a name."""
    if text.isdecimal():
        found.texts["object_annotation_category"] = taxa.by_id(connection, [int(text[:9])])[
            int(text[:9])
        ].display_name
    else:
        known = taxa.known(connection, [text])[text]
        found.texts["object_annotation_category"] = taxa.by_id(connection, [known])[
            known
        ].display_name


def _person(connection: Connection, text: str, found: Read) -> None:
    """A number, as in EcoTaxa, or an address."""
    known = (
        users.get(connection, int(text[:9]))
        if text.isdecimal()
        else users.by_email(connection, text)
    )
    if known is None:
        raise LookupError(text)
    found.texts["object_annotation_person_name"] = known[0].name
    found.texts["object_annotation_person_email"] = known[0].email


def _status(_connection: Connection, text: str, found: Read) -> None:
    word = STATUSES.get(text.upper(), text.lower())
    if word not in STATUSES.values():
        raise ValueError(text)
    found.texts["object_annotation_status"] = word


_READERS: dict[str, Callable[[Connection, str, Read], None]] = {
    "imgdate": _date,
    "imgtime": _time,
    "latitude": _number("object_lat", -90, 90),
    "longitude": _number("object_lon", -180, 180),
    "depthmin": _number("object_depth_min", -20_000, 20_000),
    "depthmax": _number("object_depth_max", -20_000, 20_000),
    "taxolb": _taxon,
    "userlb": _person,
    "status": _status,
}
