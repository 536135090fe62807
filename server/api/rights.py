"""The door of every route about a project: whoever may not see it hears that there is none.

404 when the project, the object or the device is none or is not to be known of, 403 when it is seen
but the right is not enough.

Example:
    >>> need(connection, user, project_id, "annotate")
    'manage'
"""

from sqlalchemy import Connection

from server.auth.rights import Right, suffices
from server.db import fleet, jobs, members, releases
from server.db.fleet import DeviceInfo
from server.db.jobs import JobInfo
from server.db.users import UserInfo
from server.errors import ApiError, not_found

_ID_MAX = 2**62


def need(connection: Connection, user: UserInfo, project_id: int, needed: Right = "view") -> Right:
    """The person's right in the project, if it is at least `needed`. Raises ApiError."""
    known = 0 < project_id < _ID_MAX
    found = members.right_in(connection, user, project_id) if known else None
    return _enough(found, needed, f"project {project_id}", project_id)


def need_object(connection: Connection, user: UserInfo, objid: int, needed: Right = "view") -> int:
    """The project of the object, if the person's right there is at least `needed`. Raises
    ApiError."""
    known = 0 < objid < _ID_MAX
    project, found = members.right_to_object(connection, user, objid) if known else (0, None)
    _enough(found, needed, f"object {objid}", project)
    return project


def need_device(
    connection: Connection, user: UserInfo, device_id: str, needed: Right = "view"
) -> DeviceInfo:
    """The device, if the person's right in its project is at least `needed`. Raises ApiError."""
    project, right = members.right_to_device(connection, user, device_id[:250])
    _enough(right, needed, f"device {device_id[:40]}", project)
    found = fleet.device(connection, device_id)
    assert found is not None
    return found


def need_release(connection: Connection, user: UserInfo, release_id: str) -> None:
    """That the release, if there is one, was not learnt from a project that is hidden from the
    person. Raises ApiError."""
    found = releases.get(connection, release_id)
    if found is None or found.project_id is None:
        return
    if members.right_in(connection, user, found.project_id) is None:
        raise not_found(f"release {release_id[:64]}")


def need_job(connection: Connection, user: UserInfo, job_id: int) -> JobInfo:
    """The job, if it is the person's or of a project that they manage, and not of one that is
    hidden from them. Raises ApiError."""
    job = jobs.get(connection, job_id) if 0 < job_id < _ID_MAX else None
    if job is None or not _sees(connection, user, job):
        raise not_found(f"job {job_id}")
    return job


def _sees(connection: Connection, user: UserInfo, job: JobInfo) -> bool:
    if user.role == "administrator":
        return True
    if job.project_id is None:
        return job.user_id == user.id
    has = members.right_in(connection, user, job.project_id)
    return has is not None and (job.user_id == user.id or suffices(has, "manage"))


def _enough(found: Right | None, needed: Right, what: str, project_id: int) -> Right:
    if found is None:
        raise not_found(what)
    if not suffices(found, needed):
        message = f"This needs the right {needed} in project {project_id}; yours is {found}."
        raise ApiError(403, "right", message)
    return found
