"""`seadrift user add|list`: who may work on this shore.

Example:
    $ seadrift user add --data shore ann@sea.org --name "Ann" --role annotator
"""

import argparse
import os
import secrets

from server.auth.passwords import hash_password
from server.auth.roles import ROLES
from server.clock import now_ms
from server.commands.common import add_data, answer, doing, opened
from server.db import users


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "user",
        help="add and list users",
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
    for one in (adding, listing):
        add_data(one)


def add(args: argparse.Namespace) -> int:
    """The password comes from SEADRIFT_USER_PASSWORD, or is made up and shown once."""
    given = os.environ.get("SEADRIFT_USER_PASSWORD")
    password = given or secrets.token_urlsafe(12)
    with opened(args) as shore, shore.database.write() as connection:
        user_id = users.add(
            connection,
            email=args.email,
            name=args.name or args.email,
            role=args.role,
            password_hash=hash_password(password),
            now_ms=now_ms(),
        )
    shown = {} if given else {"password": password}
    text = f"user {user_id}: {args.email}, {args.role}"
    text += "" if given else f"\n  password, shown this once: {password}"
    return answer(args, {"id": user_id, "email": args.email, "role": args.role, **shown}, text)


def show(args: argparse.Namespace) -> int:
    with opened(args) as shore, shore.database.read() as connection:
        found = users.all_users(connection)
    rows = [
        {"id": u.id, "email": u.email, "name": u.name, "role": u.role, "active": active}
        for u, active in found
    ]
    lines = [f"{r['id']:>4}  {r['role']:<14} {r['email']}  {r['name']}" for r in rows]
    return answer(args, rows, "\n".join(lines))
