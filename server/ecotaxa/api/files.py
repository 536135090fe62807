"""A person's files, as EcoTaxa's API takes and lists them, and imports from them.

EcoTaxa unpacks a zip where it was handed in; here it stays whole, and a folder that holds one zip
and nothing else may be named for it: scripts name either.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -F file=@casts.zip http://127.0.0.1:8765/user_files/
    "/casts.zip"
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
        -d '{"source_path": "/casts.zip"}' http://127.0.0.1:8765/file_import/1
    {"job_id": 7, "errors": []}
"""

import secrets
from collections.abc import Sequence
from typing import Annotated

from fastapi import Form, Query, Request

from server.api.deps import ShoreDep, Viewer
from server.api.files import refusal, take_form
from server.db.ecotaxa import dates
from server.ecotaxa.api.answers import DirectoryEntryModel, DirectoryModel
from server.ecotaxa.api.routes import eco_router
from server.errors import ApiError, not_found
from server.shore import Shore
from server.store.user_files import Entry, FileNameError

router = eco_router("files")
FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "path": {"type": "string"},
                        "tag": {"type": "string"},
                        "file": {"type": "string", "format": "binary"},
                    },
                }
            }
        },
    }
}
PathField = Annotated[str, Form(max_length=2000)]


@router.get("/user_files/{sub_path:path}")
@router.get("/my_files/{sub_path:path}")
def list_user_files(shore: ShoreDep, user: Viewer, sub_path: str) -> DirectoryModel:
    """What stands in your folder, or in one inside it."""
    path = sub_path.strip("/")
    return _shown(sub_path, _listed(shore, user.id, path))


@router.post("/user_files/", openapi_extra=FORM)
async def post_my_file(shore: ShoreDep, user: Viewer, request: Request) -> str:
    """Hand a file in, as a form: `path` says where it goes; the answer names it."""
    name, _ = await take_form(request, shore.user_files, user.id, _target)
    return f"/{name}"


@router.post("/my_files/", openapi_extra=FORM)
async def post_user_file(shore: ShoreDep, user: Viewer, request: Request) -> str:
    """The older way: with a `tag` the file lies in the folder of that name, else in one of its
    own."""

    def target(fields: dict[str, str], name: str) -> str:
        folder = fields.get("tag") or f"upload_{secrets.token_hex(6)}"
        return f"{folder.strip('/')}/{_target(fields, name)}"

    name, _ = await take_form(request, shore.user_files, user.id, target)
    return f"/{name}"


def _target(fields: dict[str, str], name: str) -> str:
    """Where a file goes: its own name, or the client's path of it, which ends with the name.

    >>> _target({"path": "/cruise/a.zip"}, "a.zip"), _target({"path": "cruise"}, "a.zip")
    ('cruise/a.zip', 'cruise/a.zip')
    """
    last = name.replace("\\", "/").rpartition("/")[2]
    path = fields.get("path", "").strip("/")
    if not path:
        return last
    return path if path.rpartition("/")[2] == last else f"{path}/{last}"


@router.post("/user_files/rm/")
def remove_my_file(shore: ShoreDep, user: Viewer, source_path: PathField) -> int:
    """Delete a file, or a folder with all in it."""
    try:
        shore.user_files.remove(user.id, source_path.strip("/"))
    except FileNameError as error:
        raise refusal(error) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(f"file {source_path[:80]}") from error
    return 0


@router.post("/user_files/mv/")
def move_my_file(
    shore: ShoreDep, user: Viewer, source_path: PathField, dest_path: PathField
) -> str:
    """Give a file or folder another name; one that is there is not replaced."""
    source, target = source_path.strip("/"), dest_path.strip("/")
    try:
        shore.user_files.move(user.id, source, target)
    except FileNameError as error:
        raise refusal(error) from error
    except FileExistsError as error:
        raise ApiError(422, "name", f"{target[:80]}: there is something of this name.") from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(f"file {source[:80]}") from error
    return f"/{target}"


@router.post("/user_files/create/")
def create_my_file(shore: ShoreDep, user: Viewer, source_path: PathField) -> str:
    """A new folder."""
    try:
        shore.user_files.make_folder(user.id, source_path.strip("/"))
    except FileNameError as error:
        raise refusal(error) from error
    return f"/{source_path.strip('/')}"


@router.get("/common_files/")
def list_common_files(
    shore: ShoreDep, user: Viewer, path: Annotated[str, Query(max_length=2000)]
) -> DirectoryModel:
    """Files that everybody shares. This shore has none: each person's are their own."""
    if path.strip("/"):
        raise not_found(f"folder {path[:80]}")
    return DirectoryModel(path=path, entries=[])


def _listed(shore: Shore, user_id: int, path: str) -> list[Entry]:
    """Raises ApiError."""
    try:
        return shore.user_files.listing(user_id, path)
    except FileNameError as error:
        raise refusal(error) from error
    except (FileNotFoundError, NotADirectoryError) as error:
        raise not_found(f"folder {path[:80]}") from error


def _shown(path: str, entries: Sequence[Entry]) -> DirectoryModel:
    return DirectoryModel(
        path=path,
        entries=[
            DirectoryEntryModel(
                name=one.name,
                type="D" if one.is_folder else "F",
                size=one.size,
                mtime=(dates.moment(one.modified_ms) or "").replace("T", " "),
            )
            for one in entries
        ],
    )


def source_of(shore: Shore, user_id: int, source_path: str) -> str:
    """The person's file or folder that an import names, as `user_files` knows it: a folder that
    holds one zip and nothing else is that zip. Raises ApiError."""
    name = source_path.strip("/")
    try:
        path = shore.user_files.path(user_id, name) if name else None
    except FileNameError as error:
        raise refusal(error) from error
    if path is not None and path.is_file():
        return name
    entries = _listed(shore, user_id, name)
    if len(entries) == 1 and entries[0].name.endswith(".zip") and not entries[0].is_folder:
        return f"{name}/{entries[0].name}".strip("/")
    if not entries or not name:
        raise not_found(f"source_path {source_path[:80]}")
    return name
