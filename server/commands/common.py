"""What the commands share: opening the shore's data beside a running server, and answering.

Example:
    >>> with opened(args) as shore: ...
"""

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from models.bundle import BundleError
from server.auth.passwords import PasswordError
from server.backup.folder import BackupError
from server.clock import now_ms
from server.commands.stores import add_packs
from server.db import audit, members, projects, users
from server.db.engine import DatabaseError
from server.db.snapshot import SnapshotError
from server.db.taxa import TaxonRefusedError
from server.db.users import EmailTakenError, LastAdministratorError
from server.fleet.registry import ReleaseRefusedError
from server.learning.material import NotEnoughError
from server.settings import Settings, SettingsError
from server.shore import Admin, Shore, open_shore

DONE, USAGE, NOTHING = 0, 2, 3


class CommandError(Exception):
    """The command cannot be done as asked; the message says why."""


_EXPECTED = (
    BackupError,
    BundleError,
    CommandError,
    DatabaseError,
    EmailTakenError,
    LastAdministratorError,
    NotEnoughError,
    OSError,
    PasswordError,
    ReleaseRefusedError,
    TaxonRefusedError,
    SettingsError,
    SnapshotError,
)


def add_data(parser: argparse.ArgumentParser) -> None:
    """The options that say whose data it is."""
    parser.add_argument(
        "--data", type=Path, default=Path("shore"), help="data folder (%(default)s)"
    )
    parser.add_argument("--database", help="SQLAlchemy URL (default: SQLite in the data folder)")
    add_packs(parser)
    parser.add_argument("--json", action="store_true", help="answer as JSON, for scripts")


def settings_of(args: argparse.Namespace) -> Settings:
    """What the options of `add_data` say. Raises SettingsError."""
    settings = Settings(
        args.data,
        database=args.database,
        packs_url=args.packs,
        packs_endpoint=args.packs_endpoint,
        packs_region=args.packs_region,
    )
    settings.check_packs()
    return settings


@contextmanager
def opened(args: argparse.Namespace) -> Iterator[Shore]:
    """The shore of a data folder that `seadrift serve` has made. Raises CommandError."""
    settings = settings_of(args)
    if not settings.release_key.is_file():
        raise CommandError(f"{args.data}: no shore's data here; `seadrift serve` makes it")
    shore = open_shore(settings, Admin.from_environment(os.environ))
    try:
        yield shore
    finally:
        shore.close()


def doing(
    name: str, work: Callable[[argparse.Namespace], int]
) -> Callable[[argparse.Namespace], int]:
    """The command's function with expected errors as one sentence and exit code 3."""

    def run(args: argparse.Namespace) -> int:
        try:
            return work(args)
        except _EXPECTED as error:
            print(f"seadrift {name}: {error}", file=sys.stderr)
            return NOTHING

    return run


def answer(args: argparse.Namespace, data: Any, text: str) -> int:
    """Print JSON or text."""
    print(json.dumps(data) if args.json else text)
    return DONE


def project_id(shore: Shore, title: str, made_by: int | None = None) -> int:
    """The project of this title or number; where there is none, one that the user `made_by` makes.
    Raises CommandError."""
    with shore.database.read() as connection:
        found = projects.by_title(connection, title)
        if found is None and title.isdigit() and projects.get(connection, int(title)) is not None:
            found = int(title)
        known = [project.title for project in projects.all_projects(connection)]
    if found is None and made_by is not None:
        return _new_project(shore, title, made_by)
    if found is None:
        there = ", ".join(f"'{name}'" for name in known) or "none yet"
        raise CommandError(f"there is no project '{title}'; projects: {there}")
    return found


def _new_project(shore: Shore, title: str, user_id: int) -> int:
    """A project that its maker manages."""
    now = now_ms()
    with shore.database.write() as connection:
        made = projects.create(connection, title=title, user_id=user_id, now_ms=now)
        members.put(connection, made, user_id, "manage", now)
        note(connection, "project", title, f"project {made}")
    return made


def person_here() -> str:
    """Who is logged in here, for the audit log."""
    try:
        person = getpass.getuser()
    except (KeyError, OSError):  # a process whose user has no name
        person = str(os.getuid())
    return f"command line, {person}"


def note(connection: Connection, action: str, subject: str, detail: str = "") -> None:
    """Enter what a command did into the audit log."""
    audit.note(connection, person_here(), action, subject, detail, now_ms(), address="local")


def operator_id(shore: Shore) -> int:
    """The user in whose name the command line acts: the first administrator."""
    with shore.database.read() as connection:
        for user, active in users.all_users(connection):
            if active and user.role == "administrator":
                return user.id
    raise CommandError("there is no active administrator")
