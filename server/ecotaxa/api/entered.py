"""EcoTaxa's routes, entered into the application.

They come before our own, whose `/api/projects/{project_id}` would else take `/api/projects/search`
for a project; theirs take numbers alone. Logging in is our own route below `/api`, which tells
EcoTaxa's clients by their words.

Example:
    >>> enter(app)
"""

from fastapi import APIRouter, FastAPI

from server.ecotaxa.api import (
    automatic,
    classify,
    exports,
    files,
    imports,
    jobs,
    login,
    misc,
    objects,
    parents,
    projects,
    simple,
    stats,
    taxa,
    users,
)

NOUNS: tuple[APIRouter, ...] = tuple(
    noun.router
    for noun in (
        users,
        projects,
        stats,
        parents,
        classify,
        automatic,
        exports,
        objects,
        taxa,
        jobs,
        files,
        imports,
        simple,
        misc,
    )
)


def enter(app: FastAPI) -> None:
    """Each route at `/` and at `/api`; in the description once, as EcoTaxa's is."""
    app.include_router(login.router)
    for router in NOUNS:
        app.include_router(router)
        app.include_router(router, prefix="/api", include_in_schema=False)
