"""What `eml.xml` says of a dataset, from what people said of the projects and from the data.

Example:
    >>> dataset_of(export, [gathered], licence, [provenance], "", "").title
    'Baltic 2026'
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from server.exports.dwca.eml import Coverage, Dataset, Licence, Person
from server.exports.dwca.gathering import Gathered
from server.exports.export import Export
from server.exports.provenance import as_iso


def dataset_of(
    export: Export,
    found: Sequence[Gathered],
    licence: Licence,
    provenance: Sequence[Mapping[str, Any]],
    title: str,
    abstract: str,
) -> Dataset:
    projects = [part.project for part in found]
    title = title or "; ".join(project.title for project in projects)
    people = list(
        dict.fromkeys(Person(*manager) for project in projects for manager in project.managers)
    )
    said = "\n".join(project.description for project in projects if project.description.strip())
    names = [person.name for person in people]
    year = datetime.fromtimestamp(export.made_ms / 1000, UTC).year
    return Dataset(
        title,
        abstract or said or _abstract(found),
        people,
        licence,
        coverage_of(found),
        f"seadrift/{'-'.join(str(p.project_id) for p in projects)}/{export.made_ms}",
        export.made_ms,
        f"{', '.join(names)} ({year}): {title}. Sampling event dataset.",
        {**provenance[0], "projects": list(provenance)} if len(provenance) > 1 else provenance[0],
    )


def coverage_of(found: Sequence[Gathered]) -> Coverage:
    """Of all events."""
    places = [place for part in found for place in part.places]
    taxa = sorted({(name.rank, name.name) for part in found for name in part.used})
    spans = [(place.west_deg, place.east_deg) for place in places]
    west, east = longitudes([(w, e) for w, e in spans if w is not None and e is not None])
    return Coverage(
        west,
        east,
        _limits(places, "south_deg", min),
        _limits(places, "north_deg", max),
        as_iso(int(_limits(places, "first_ms", min))),
        as_iso(int(_limits(places, "last_ms", max))),
        taxa,
    )


def longitudes(spans: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """(west, east) that hold all spans, which may reach up to 360; one over the date line begins
    east of where it ends. Of the two ways round the narrower is taken.

    >>> longitudes([(170.0, 179.0), (-178.0, -170.0)])
    (170.0, -170.0)
    """
    found = [
        (min(west for west, _ in held), max(east for _, east in held))
        for held in ([_from_date_line(*span) for span in spans], [_from_zero(*s) for s in spans])
    ]
    west, east = min(found, key=lambda span: span[1] - span[0])
    if east - west >= 360:
        return -180.0, 180.0
    return west - 360 if west > 180 else west, east - 360 if east > 180 else east


def _from_date_line(west: float, east: float) -> tuple[float, float]:
    """The span within -180 and 180."""
    if west > 180:
        return west - 360, east - 360
    return (-180.0, 180.0) if east > 180 else (west, east)


def _from_zero(west: float, east: float) -> tuple[float, float]:
    """The span within 0 and 360."""
    if east < 0:
        return west + 360, east + 360
    return (0.0, 360.0) if west < 0 else (west, east)


def _limits(places: Sequence[Any], name: str, of: Any) -> float:
    return float(of(value for place in places if (value := getattr(place, name)) is not None))


def _abstract(found: Sequence[Gathered]) -> str:
    """Said from the data, when nobody said anything."""
    samples = sum(len(part.places) for part in found)
    objects = sum(part.objects for part in found)
    names = len({name for part in found for name in part.used})
    instruments = sorted({part.project.instrument for part in found if part.project.instrument})
    seen = f" with {', '.join(instruments)}" if instruments else ""
    return (
        f"{objects} objects of {names} taxa in {samples} samples, imaged{seen} and named by "
        "machine; identificationVerificationStatus says which of them a person validated."
    )
