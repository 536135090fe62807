"""The pages: each renders a shell with the logged-in person; its module fetches the rest as JSON.

Invariant: no page holds inline script or style, so the content policy allows none; a stranger is
sent to the door and, once in, back to where they wanted to go, never to another site.

Example:
    >>> app.include_router(router)  # GET /, /login, /projects/3/review, /objects/7, /devices ...
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from fastapi.templating import Jinja2Templates
from sqlalchemy import Connection

from server.api.deps import OptionalLogin, get_shore
from server.api.projects import existing
from server.api.rights import need, need_device, need_object
from server.auth.roles import allows
from server.db.users import UserInfo
from server.errors import ApiError
from server.exports.kinds import KINDS
from server.web.assets import Assets

HERE = Path(__file__).parent
ASSETS = Assets.load(HERE / "static")
TEMPLATES = Jinja2Templates(directory=HERE / "templates")
ROOMS = (
    ("projects", "/", "Projects", "viewer"),
    ("taxa", "/taxa", "Taxa", "viewer"),
    ("jobs", "/jobs", "Jobs", "viewer"),
    ("devices", "/devices", "Devices", "viewer"),
    ("releases", "/releases", "Releases", "viewer"),
    ("quarantine", "/quarantine", "Quarantine", "manager"),
    ("audit", "/audit", "Audit", "administrator"),
)
"""Name, address and label of each room, and the role that it is shown to."""
TABS = (
    ("review", "Review"),
    ("statistics", "Statistics"),
    ("import", "Import"),
    ("export", "Export"),
    ("settings", "Settings"),
)
"""Address and label of each page about a project."""
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_FOREVER = "public, max-age=31536000, immutable"
_OBJID_MAX = 2**63 - 1

router = APIRouter(include_in_schema=False)


@router.get("/static/{version}/{name:path}")
def static(version: str, name: str) -> Response:
    asset = ASSETS.find(name)
    if asset is None:
        return Response("There is no such file.\n", status_code=404, media_type="text/plain")
    cache = _FOREVER if version == ASSETS.version else "no-cache"
    headers = {"Cache-Control": cache, "X-Content-Type-Options": "nosniff"}
    return Response(asset.content, media_type=asset.media_type, headers=headers)


@router.get("/favicon.ico")
def favicon() -> Response:
    return RedirectResponse(f"{ASSETS.prefix}/logo.svg", status_code=308)


@router.get("/login")
def login_page(request: Request, login: OptionalLogin, next: str = "/") -> Response:
    target = local_path(next)
    if login is not None:
        return RedirectResponse(target, status_code=303)
    return _render(request, "login.html", {"next": target, "user": None})


@router.get("/")
def projects_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "projects.html", here="projects")


@router.get("/projects")
def all_projects() -> Response:
    """What somebody types who has seen the addresses of a project's pages."""
    return RedirectResponse("/", status_code=303)


@router.get("/projects/{project_id}/review")
def review_page(request: Request, login: OptionalLogin, project_id: int) -> Response:
    allowed = _project(request, login, project_id)
    about = {"project_id": project_id, "tabs": TABS}
    return _page(request, login, "review.html", allowed, here="projects", **about)


@router.get("/projects/{project_id}/statistics")
def statistics_page(request: Request, login: OptionalLogin, project_id: int) -> Response:
    return _project_page(request, login, project_id, "statistics")


@router.get("/projects/{project_id}/import")
def import_page(request: Request, login: OptionalLogin, project_id: int) -> Response:
    return _project_page(request, login, project_id, "import")


@router.get("/projects/{project_id}/export")
def export_page(request: Request, login: OptionalLogin, project_id: int) -> Response:
    return _project_page(request, login, project_id, "export")


@router.get("/projects/{project_id}/settings")
def settings_page(request: Request, login: OptionalLogin, project_id: int) -> Response:
    return _project_page(request, login, project_id, "settings")


@router.get("/jobs")
def jobs_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "jobs.html", here="jobs")


@router.get("/objects/{objid}")
def object_page(request: Request, login: OptionalLogin, objid: int) -> Response:
    allowed = _allows(request, login, lambda c, user: need_object(c, user, objid))
    return _page(request, login, "object.html", allowed, here="projects", objid=objid)


@router.get("/devices")
def devices_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "devices.html", here="devices")


@router.get("/devices/{device_id}")
def device_page(request: Request, login: OptionalLogin, device_id: str) -> Response:
    allowed = _allows(request, login, lambda c, user: need_device(c, user, device_id))
    return _page(request, login, "device.html", allowed, here="devices", device_id=device_id)


@router.get("/taxa")
def taxa_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "taxa.html", here="taxa")


@router.get("/quarantine")
def quarantine_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "quarantine.html", here="quarantine")


@router.get("/quarantine/{entry_id}")
def entry_page(request: Request, login: OptionalLogin, entry_id: int) -> Response:
    return _page(request, login, "entry.html", here="quarantine", entry_id=entry_id)


@router.get("/audit")
def audit_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "audit.html", here="audit")


@router.get("/account")
def account_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "account.html", here="account")


@router.get("/releases")
def releases_page(request: Request, login: OptionalLogin) -> Response:
    return _page(request, login, "releases.html", here="releases")


def local_path(text: str) -> str:
    """`text` when it is a path of this site, else "/": browsers take "//x" and "/\\x" for another.

    >>> local_path("/devices"), local_path("//evil.example"), local_path("https://evil.example")
    ('/devices', '/', '/')
    """
    plain = text.isprintable() and "\\" not in text
    return text if plain and text.startswith("/") and not text.startswith("//") else "/"


def _project_page(request: Request, login: OptionalLogin, project_id: int, tab: str) -> Response:
    """A page about a project, with its title and what the person may there."""
    if not _project(request, login, project_id) or login is None:
        return _page(request, login, f"{tab}.html", allowed=False)
    with get_shore(request).database.read() as connection:
        right = need(connection, login.user, project_id)
        project = existing(connection, project_id)
    return _page(
        request,
        login,
        f"{tab}.html",
        here="projects",
        project=project,
        right=right,
        tabs=TABS,
        at=tab,
        label=dict(TABS)[tab],
        export_kinds=list(KINDS),
    )


def _project(request: Request, login: OptionalLogin, project_id: int) -> bool:
    return _allows(request, login, lambda c, user: need(c, user, project_id))


def _allows(
    request: Request, login: OptionalLogin, door: Callable[[Connection, UserInfo], object]
) -> bool:
    """Whether who asks may know of what the page is about."""
    if login is None:
        return False
    try:
        with get_shore(request).database.read() as connection:
            door(connection, login.user)
    except ApiError:
        return False
    return True


def _page(
    request: Request, login: OptionalLogin, template: str, allowed: bool = True, **context: Any
) -> Response:
    """A page for who is logged in; without `allowed` the one that says that there is none."""
    if login is None:
        query = request.scope["query_string"].decode("latin-1")
        wanted = request.scope["path"] + (f"?{query}" if query else "")
        return RedirectResponse(f"/login?next={quote(wanted)}", status_code=303)
    if not allowed:
        return _render(request, "missing.html", {"user": login.user}, status=404)
    return _render(request, template, {"user": login.user, **context})


def _render(
    request: Request, template: str, context: dict[str, Any], status: int = 200
) -> Response:
    user = context["user"]
    rooms = [room for room in ROOMS if user is not None and allows(user.role, room[3])]
    shown = {"static": ASSETS.prefix, "rooms": rooms, "here": "", **context}
    return TEMPLATES.TemplateResponse(request, template, shown, status, headers=HEADERS)
