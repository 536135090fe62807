"""`seadrift user add|list|change`: who may work on this shore.

Example:
    $ seadrift user add --data shore ann@sea.org --name "Ann" --role annotator
    $ seadrift user change --data shore ann@sea.org --disable
"""

import argparse
import os
import secrets

from server.auth.passwords import hash_password
from server.auth.people import Change, apply_change
from server.auth.roles import ROLES
from server.clock import now_ms
from server.commands.common import CommandError, add_data, answer, doing, note, opened
from server.db import users


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "user",
        help="add, list and change users",
        description="Who may work on this shore.",
        epilog='example: seadrift user add ann@sea.org --name "Ann" --role annotator',
    )
    words = parser.add_subparsers(dest="word", metavar="WORD", required=True)
    adding = words.add_parser("add", help="add a user")
    adding.add_argument("email")
    adding.add_argument("--name", default="", help="as others see it (the address)")
    adding.add_argument("--role", choices=ROLES, default="annotator", help="(%(default)s)")
    adding.set_defaults(run=doing("user add", add))
    listing = words.add_parser("list", help="list users")
    listing.set_defaults(run=doing("user list", show))
    changing = words.add_parser("change", help="another role, a new password, in or out")
    changing.add_argument("email")
    changing.add_argument("--role", choices=ROLES)
    changing.add_argument("--password", action="store_true", help="a new one; ends every login")
    door = changing.add_mutually_exclusive_group()
    door.add_argument("--disable", dest="active", action="store_false", default=None)
    door.add_argument("--enable", dest="active", action="store_true", default=None)
    changing.set_defaults(run=doing("user change", change))
    for one in (adding, listing, changing):
        add_data(one)


def add(args: argparse.Namespace) -> int:
    """The password comes from SEADRIFT_USER_PASSWORD, or is made up and shown once."""
    password, made_up = _password()
    with opened(args) as shore, shore.database.write() as connection:
        user_id = users.add(
            connection,
            email=args.email,
            name=args.name or args.email,
            role=args.role,
            password_hash=hash_password(password, args.email),
            now_ms=now_ms(),
        )
        note(connection, "user", users.folded(args.email), f"made, {args.role}")
    text = f"user {user_id}: {args.email}, {args.role}{_shown(made_up)}"
    return answer(args, {"id": user_id, "email": args.email, "role": args.role, **made_up}, text)


def change(args: argparse.Namespace) -> int:
    """A new password comes from SEADRIFT_USER_PASSWORD, or is made up and shown once."""
    password, made_up = _password() if args.password else (None, {})
    hashed = None if password is None else hash_password(password, args.email)
    with opened(args) as shore, shore.database.write() as connection:
        found = users.by_email(connection, args.email)
        if found is None:
            raise CommandError(f"there is no user {args.email}")
        wanted = Change(role=args.role, active=args.active, password_hash=hashed)
        said = apply_change(connection, found[0].id, wanted, now_ms())
        note(connection, "user", found[0].email, said)
    text = f"{found[0].email}: {said}{_shown(made_up)}"
    return answer(args, {"email": found[0].email, "changed": said, **made_up}, text)


def _password() -> tuple[str, dict[str, str]]:
    """The password, and what of it is to be shown."""
    given = os.environ.get("SEADRIFT_USER_PASSWORD")
    password = given or secrets.token_urlsafe(12)
    return password, {} if given else {"password": password}


def _shown(made_up: dict[str, str]) -> str:
    return f"\n  password, shown this once: {made_up['password']}" if made_up else ""


def show(args: argparse.Namespace) -> int:
    with opened(args) as shore, shore.database.read() as connection:
        found = users.all_users(connection)
    rows = [
        {"id": u.id, "email": u.email, "name": u.name, "role": u.role, "active": active}
        for u, active in found
    ]
    lines = [
        f"{r['id']:>4}  {r['role']:<14} {r['email']}  {r['name']}{'' if r['active'] else '  (out)'}"
        for r in rows
    ]
    return answer(args, rows, "\n".join(lines))
