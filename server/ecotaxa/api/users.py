"""People, as EcoTaxa's API shows them.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8765/api/users/me
"""

from typing import Annotated

from fastapi import Query
from sqlalchemy import Connection

from server.api.deps import OptionalLogin, ShoreDep, Viewer
from server.db import members, users
from server.db.ecotaxa import dates, projects
from server.db.users import UserInfo
from server.ecotaxa.api.answers import MinUserModel, ProjectSummaryModel, UserModelWithRights
from server.ecotaxa.api.routes import eco_router
from server.errors import not_found
from server.shore import Shore

router = eco_router("users")
CAN_DO = {"manager": [1, 4], "administrator": [1, 2, 3, 4]}
"""By role, in EcoTaxa's numbers: create projects, administer, administer users, create taxa."""


@router.get("/users/me")
def show_current_user(shore: ShoreDep, user: Viewer) -> UserModelWithRights:
    with shore.database.read() as connection:
        mine = members.projects_of(connection, user)
        used = projects.last_used(connection, user.id, mine)
        organisation, created_ms = projects.person(connection, user.id)
    return UserModelWithRights(
        id=user.id,
        email=user.email,
        name=user.name,
        organisation=organisation,
        usercreationdate=dates.moment(created_ms),
        can_do=CAN_DO.get(user.role, []),
        last_used_projects=[ProjectSummaryModel(projid=i, title=title) for i, title in used],
    )


@router.get("/users/search")
def search_user(
    shore: ShoreDep, user: Viewer, by_name: Annotated[str, Query(max_length=250)] = ""
) -> list[MinUserModel]:
    """By name, in any case; % stands for any letters."""
    with shore.database.read() as connection:
        found = projects.search_people(connection, by_name)
    return [MinUserModel(id=i, email=email, name=name) for i, email, name in found]


@router.get("/users/user_admins")
def administrators(shore: ShoreDep, user: Viewer) -> list[MinUserModel]:
    return _administrators(shore)


@router.get("/users/admins")
def user_administrators(shore: ShoreDep, login: OptionalLogin) -> list[MinUserModel]:
    """EcoTaxa's clients ask without a token; strangers are named nobody."""
    return [] if login is None else _administrators(shore)


def _administrators(shore: Shore) -> list[MinUserModel]:
    with shore.database.read() as connection:
        found = users.all_users(connection)
    return [shown(one) for one, active in found if active and one.role == "administrator"]


@router.get("/users/{user_id:int}")
def get_user(shore: ShoreDep, user: Viewer, user_id: int) -> MinUserModel:
    with shore.database.read() as connection:
        found = existing(connection, user_id)
    return shown(found)


def existing(connection: Connection, user_id: int) -> UserInfo:
    """Raises 404."""
    found = users.get(connection, user_id) if 0 < user_id < 2**31 else None
    if found is None:
        raise not_found(f"user {user_id}")
    return found[0]


def shown(user: UserInfo) -> MinUserModel:
    return MinUserModel(id=user.id, email=user.email, name=user.name)
