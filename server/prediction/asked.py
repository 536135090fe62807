"""What a prediction is asked to do, read from a job's parameters.

Example:
    >>> asked = read(7, {"features": ["area", "mean"], "learning_limit": 500})
    >>> asked.sources, asked.statuses
    ((7,), 'UP')
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from server.db.predictions import PREDICTABLE


class AskedError(ValueError):
    """Parameters that cannot be used; the message names the one, its value, what was expected."""


@dataclass(frozen=True)
class Asked:
    """`features` empty: all free columns of numbers that these projects share. `taxa` None: all
    that are validated. `mapping` is taxon -> the one to learn it as. `limit` None: no other than
    LEARN_MOST. `filters` are EcoTaxa's."""

    project_id: int
    sources: tuple[int, ...]
    features: tuple[str, ...] = ()
    embedding: bool = False
    taxa: tuple[int, ...] | None = None
    mapping: Mapping[int, int] = field(default_factory=dict)
    limit: int | None = None
    filters: Mapping[str, Any] = field(default_factory=dict)
    statuses: str = PREDICTABLE

    def params(self) -> dict[str, Any]:
        """As `read` takes them."""
        asked = asdict(self)
        asked["source_projects"] = asked.pop("sources")
        asked["categories"] = asked.pop("taxa")
        asked["learning_limit"] = asked.pop("limit")
        asked["statuses"] = list(self.statuses)
        del asked["project_id"]
        return asked


def read(project_id: int, params: Mapping[str, Any]) -> Asked:
    """Raises AskedError."""
    categories = params.get("categories")
    limit = params.get("learning_limit")
    if limit is not None and (not _is_whole(limit) or limit < 1):
        raise AskedError(f"learning_limit: expected 1 or more objects of each taxon, not {limit!r}")
    return Asked(
        project_id,
        sources=_numbers(params, "source_projects") or (project_id,),
        features=_texts(params, "features"),
        embedding=bool(params.get("embedding") or params.get("use_scn")),
        taxa=_numbers(params, "categories") if categories else None,
        mapping=_mapping(params.get("mapping") or {}),
        limit=limit,
        filters=dict(params.get("filters") or {}),
        statuses=_statuses(params.get("statuses") or list(PREDICTABLE)),
    )


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _numbers(params: Mapping[str, Any], name: str) -> tuple[int, ...]:
    given = params.get(name) or []
    for value in given:
        if not _is_whole(value):
            raise AskedError(f"{name}: expected numbers, found {value!r}")
    return tuple(dict.fromkeys(given))


def _texts(params: Mapping[str, Any], name: str) -> tuple[str, ...]:
    given = params.get(name) or []
    for value in given:
        if not isinstance(value, str):
            raise AskedError(f"{name}: expected names of free columns, found {value!r}")
    return tuple(dict.fromkeys(value.removeprefix("fre.") for value in given))


def _mapping(given: Mapping[Any, Any]) -> dict[int, int]:
    """JSON's keys are texts."""
    try:
        return {int(taxon): int(to) for taxon, to in given.items()}
    except (TypeError, ValueError) as error:
        raise AskedError(f"mapping: expected taxon numbers, {error}") from error


def _statuses(given: list[str]) -> str:
    for status in given:
        if not isinstance(status, str) or len(status) != 1 or status not in PREDICTABLE:
            raise AskedError(
                f"statuses: {status!r} is not predicted; expected U (unclassified), P (predicted) "
                "or both: what a person said is never changed"
            )
    return "".join(dict.fromkeys(given))
