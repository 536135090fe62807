"""Who belongs to a project, and what anybody may in it.

Invariant: whoever asks for rights asks here, so that the pages, this shore's API and EcoTaxa's see
the same projects; a project always has somebody who manages it.

Example:
    >>> right_in(connection, user, project_id=3)
    'annotate'
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from server.auth.rights import Right, right, suffices
from server.db.hot import Hot
from server.db.tables import Device, Member, Object, Project, User
from server.db.users import UserInfo


@dataclass(frozen=True)
class MemberInfo:
    user_id: int
    email: str
    name: str
    may: str
    active: bool


class LastManagerError(ValueError):
    """Nobody of the project could manage it afterwards."""


_OF_PROJECT = Member.project_id == Project.id
_MINE = _OF_PROJECT & (Member.user_id == bindparam("user_id"))
_RIGHT = select(Project.id, Project.access, Member.may).select_from(Project)
_RIGHT = _RIGHT.outerjoin(Member, _MINE)
_ALL = Hot(_RIGHT)
_ONE = Hot(_RIGHT.where(Project.id == bindparam("project_id")))
_OBJECT = Hot(
    _RIGHT.join(Object, Object.project_id == Project.id).where(Object.objid == bindparam("objid"))
)
_DEVICE = Hot(
    _RIGHT.join(Device, Device.project_id == Project.id).where(
        Device.device_id == bindparam("device_id")
    )
)


def right_in(connection: Connection, user: UserInfo, project_id: int) -> Right | None:
    """The person's right in a project; None when there is none of this number for them."""
    return _found(_ONE, connection, user, project_id=project_id)[1]


def right_to_object(connection: Connection, user: UserInfo, objid: int) -> tuple[int, Right | None]:
    """The object's project and the person's right in it; (0, None) when there is no such object."""
    return _found(_OBJECT, connection, user, objid=objid)


def right_to_device(
    connection: Connection, user: UserInfo, device_id: str
) -> tuple[int, Right | None]:
    """The device's project and the person's right in it; (0, None) when there is no such device."""
    return _found(_DEVICE, connection, user, device_id=device_id)


def _found(
    query: Hot, connection: Connection, user: UserInfo, **values: int | str
) -> tuple[int, Right | None]:
    row = query.run(connection, user_id=user.id, **values).first()
    if row is None:
        return 0, None
    return int(row[0]), right(user.role, row[1], row[2], user.most)


def projects_of(connection: Connection, user: UserInfo, needed: Right = "view") -> dict[int, Right]:
    """The projects in which a person has at least the right `needed`, and their right in each:
    what lists and searches are bounded by."""
    rows = _ALL.run(connection, user_id=user.id)
    found = {int(i): right(user.role, access, may, user.most) for i, access, may in rows}
    return {
        project: has for project, has in found.items() if has is not None and suffices(has, needed)
    }


def rights_to_objects(
    connection: Connection, user: UserInfo, objids: Collection[int]
) -> dict[int, Right | None]:
    """The person's right in each project that one of these objects is in."""
    mine, found = projects_of(connection, user), set[int]()
    wanted = sorted(set(objids))
    for start in range(0, len(wanted), 5000):
        some = wanted[start : start + 5000]
        query = select(Object.project_id).where(Object.objid.in_(some)).distinct()
        found.update(connection.execute(query).scalars())
    return {project: mine.get(project) for project in sorted(found)}


def of_project(connection: Connection, project_id: int) -> list[MemberInfo]:
    """Those who manage first, then by name."""
    query = (
        select(User.id, User.email, User.name, Member.may, User.active)
        .join(Member, Member.user_id == User.id)
        .where(Member.project_id == project_id)
    )
    order = ("manage", "annotate", "view")
    found = [MemberInfo(*row) for row in connection.execute(query)]
    return sorted(found, key=lambda one: (order.index(one.may), one.name.lower(), one.user_id))


def put(
    connection: Connection, project_id: int, user_id: int, may: Right, now_ms: int
) -> str | None:
    """Make a person a member with this right; what they had before. Raises LastManagerError."""
    _hold(connection, project_id)
    mine = (Member.project_id == project_id) & (Member.user_id == user_id)
    before: str | None = connection.execute(select(Member.may).where(mine)).scalar()
    if before is None:
        row = {"project_id": project_id, "user_id": user_id, "may": may, "added_ms": now_ms}
        connection.execute(insert(Member).values(row))
        return None
    connection.execute(update(Member).where(mine).values(may=may))
    if before == "manage":
        _still_managed(connection, project_id)
    return before


def remove(connection: Connection, project_id: int, user_id: int) -> bool:
    """End a membership; False when there was none. Raises LastManagerError."""
    _hold(connection, project_id)
    mine = (Member.project_id == project_id) & (Member.user_id == user_id)
    before = connection.execute(select(Member.may).where(mine)).scalar()
    connection.execute(delete(Member).where(mine))
    if before == "manage":
        _still_managed(connection, project_id)
    return before is not None


def _hold(connection: Connection, project_id: int) -> None:
    """Let nobody else change the members meanwhile: two managers could leave at once."""
    row = select(Project.id).where(Project.id == project_id)
    connection.execute(row.with_for_update(key_share=True))


def _still_managed(connection: Connection, project_id: int) -> None:
    """Raises LastManagerError, which undoes the transaction, when no active manager is left."""
    managing = (Member.project_id == project_id) & (Member.may == "manage") & User.active
    query = select(func.count()).select_from(Member).join(User, User.id == Member.user_id)
    if not connection.execute(query.where(managing)).scalar_one():
        raise LastManagerError("this is the project's last manager: make another first")
