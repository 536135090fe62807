"""Members of a project: who may look, annotate, manage.

Example:
    $ curl -X PUT -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
          -d '{"email": "ann@sea.org", "may": "annotate"}' "$SHORE/api/projects/3/members"
"""

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from server.api.deps import ShoreDep, Viewer, WitnessDep
from server.api.rights import need
from server.auth.rights import Right
from server.clock import now_ms
from server.db import members, users
from server.db.members import LastManagerError
from server.errors import ApiError, not_found

router = APIRouter(prefix="/api/projects/{project_id}/members", tags=["projects"])
Email = Annotated[str, Field(min_length=3, max_length=250)]


class Membership(BaseModel):
    email: Email
    may: Right


@router.get("")
def of_project(shore: ShoreDep, user: Viewer, project_id: int) -> list[dict[str, Any]]:
    """Those who manage first, then by name."""
    with shore.database.read() as connection:
        need(connection, user, project_id)
        return [vars(one) for one in members.of_project(connection, project_id)]


@router.put("")
def put(
    shore: ShoreDep, user: Viewer, witness: WitnessDep, project_id: int, body: Membership
) -> list[dict[str, Any]]:
    """Make a person of this shore a member, or give a member another right."""
    try:
        with shore.database.write() as connection:
            need(connection, user, project_id, "manage")
            found = users.by_email(connection, body.email)
            if found is None or not found[1]:
                said = (
                    "This shore has no active user of this address: an administrator adds people."
                )
                raise ApiError(404, "email", f"Not a member: {body.email:.250}. {said}")
            before = members.put(connection, project_id, found[0].id, body.may, now_ms())
            detail = f"{found[0].email}: {before or 'no member'} to {body.may}"
            witness.note(connection, "project.member", str(project_id), detail=detail)
            return [vars(one) for one in members.of_project(connection, project_id)]
    except LastManagerError as error:
        raise ApiError(409, "last_manager", f"Not changed: {error}.") from error


@router.delete("/{user_id}")
def remove(
    shore: ShoreDep, user: Viewer, witness: WitnessDep, project_id: int, user_id: int
) -> list[dict[str, Any]]:
    """End a membership. A member may end their own; for others it needs the right to manage."""
    try:
        with shore.database.write() as connection:
            need(connection, user, project_id, "view" if user_id == user.id else "manage")
            if not 0 < user_id < 2**62 or not members.remove(connection, project_id, user_id):
                raise not_found(f"member {user_id}")
            witness.note(connection, "project.member", str(project_id), detail=f"{user_id} left")
            return [vars(one) for one in members.of_project(connection, project_id)]
    except LastManagerError as error:
        raise ApiError(409, "last_manager", f"Not removed: {error}.") from error
