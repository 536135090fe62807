"""`seadrift claim`: an invitation for one instrument, shown once.

Example:
    $ seadrift claim --data shore --project "Baltic 2026" --create --name north
"""

import argparse

from server.auth.tokens import new_token, token_hash
from server.clock import now_ms
from server.commands.common import (
    CommandError,
    add_data,
    answer,
    doing,
    note,
    opened,
    operator_id,
    project_id,
)
from server.db import fleet

HOUR_MS = 3_600_000


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "claim",
        help="invite an instrument",
        description="Make an invitation for one instrument; it is shown once.",
        epilog='example: seadrift claim --project "Baltic 2026" --create --name north',
    )
    parser.add_argument("--project", required=True, help="title or number")
    parser.add_argument("--create", action="store_true", help="make the project if there is none")
    parser.add_argument("--name", required=True, help="name of the instrument")
    parser.add_argument("--valid-h", type=float, default=168.0, help="hours (%(default)s)")
    parser.add_argument(
        "--successor-of", metavar="DEVICE", help="what this instrument was before it was revoked"
    )
    add_data(parser)
    parser.set_defaults(run=doing("claim", run))


def run(args: argparse.Namespace) -> int:
    token, now = new_token(), now_ms()
    expires_ms = now + int(args.valid_h * HOUR_MS)
    with opened(args) as shore:
        user = operator_id(shore)
        project = project_id(shore, args.project, made_by=user if args.create else None)
        with shore.database.write() as connection:
            before = None
            if args.successor_of is not None:
                before = fleet.device(connection, args.successor_of)
                if before is None:
                    raise CommandError(f"there is no device {args.successor_of}")
            fleet.add_claim(
                connection,
                token_hash=token_hash(token),
                project_id=project,
                name=args.name,
                user_id=user,
                now_ms=now,
                expires_ms=expires_ms,
                successor_of=None if before is None else before.pk,
            )
            note(connection, "device.claim", args.name, f"project {project}, {args.valid_h:g} h")
    return answer(args, {"claim": token, "expires_ms": expires_ms}, token)
