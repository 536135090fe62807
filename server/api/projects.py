"""Projects: the list, one of them, its taxa with counts."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field
from sqlalchemy import Connection

from server.api.deps import Manager, ShoreDep, Viewer
from server.api.rights import need
from server.clock import now_ms
from server.db import counts, members, projects, taxa
from server.db.projects import ProjectInfo, TitleTakenError
from server.errors import ApiError, not_found

router = APIRouter(prefix="/api/projects", tags=["projects"])
WORDS = {"U": "unclassified", "P": "predicted", "D": "dubious", "V": "validated", "X": "discarded"}


class NewProject(BaseModel):
    title: str = Field(min_length=1, max_length=250, pattern=r"\S")


@router.get("")
def all_projects(shore: ShoreDep, user: Viewer) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        mine = members.projects_of(connection, user)
        found = projects.all_projects(connection)
        return [
            {**summary(connection, project), "right": mine[project.project_id]}
            for project in found
            if project.project_id in mine
        ]


@router.post("", status_code=201)
def create(shore: ShoreDep, user: Manager, body: NewProject) -> dict[str, Any]:
    try:
        with shore.database.write() as connection:
            project_id = projects.create(
                connection, title=body.title.strip(), user_id=user.id, now_ms=now_ms()
            )
            members.put(connection, project_id, user.id, "manage", now_ms())
            return summary(connection, existing(connection, project_id))
    except TitleTakenError as error:
        raise ApiError(409, "title", f"Not created: {error}.") from error


@router.get("/{project_id}")
def project(shore: ShoreDep, user: Viewer, project_id: int) -> dict[str, Any]:
    with shore.database.read() as connection:
        has = need(connection, user, project_id)
        return {
            **summary(connection, existing(connection, project_id)),
            "right": has,
            "samples": [
                {"sample_id": i, "name": name, "device": device}
                for i, name, device in projects.samples(connection, project_id)
            ],
            "releases": [
                {"release_id": release, "name": name}
                for release, name in projects.releases(connection, project_id)
            ],
        }


@router.get("/{project_id}/taxa")
def project_taxa(shore: ShoreDep, user: Viewer, project_id: int) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        need(connection, user, project_id)
        numbers = counts.by_taxon(connection, project_id)
        infos = taxa.by_id(connection, numbers)
    rows = [
        {
            "taxon_id": taxon_id,
            "name": infos[taxon_id].name if taxon_id else "no taxon",
            "display_name": infos[taxon_id].display_name if taxon_id else "no taxon",
            "path": infos[taxon_id].path if taxon_id else "",
            "total": sum(n.values()),
            **{word: n[status] for status, word in WORDS.items()},
        }
        for taxon_id, n in numbers.items()
    ]
    return sorted(rows, key=lambda row: (-row["total"], row["display_name"]))


def existing(connection: Connection, project_id: int) -> ProjectInfo:
    """The project. Raises 404."""
    found = projects.get(connection, project_id) if 0 < project_id < 2**62 else None
    if found is None:
        raise not_found(f"project {project_id}")
    return found


def summary(connection: Connection, project: ProjectInfo) -> dict[str, Any]:
    """A project with its counts by status, as lists and pages show it."""
    numbers = counts.by_status(connection, [project.project_id])[project.project_id]
    return {
        "project_id": project.project_id,
        "title": project.title,
        "created_ms": project.created_ms,
        "total": sum(numbers.values()),
        **{word: numbers[status] for status, word in WORDS.items()},
        "latest_object_ms": projects.latest_object_ms(connection, project.project_id),
        "devices": [
            {"device_id": device, "name": name}
            for device, name in projects.devices(connection, project.project_id)
        ],
    }
