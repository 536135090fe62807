"""`seadrift revoke`: an instrument that is not wanted any more, stolen or lost.

Example:
    $ seadrift revoke --data shore d7b1c2
"""

import argparse

from server.clock import now_ms
from server.commands.common import (
    CommandError,
    add_data,
    answer,
    doing,
    note,
    opened,
    operator_id,
)
from server.fleet import farewell
from server.fleet.certificates import write_revoked


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "revoke",
        help="accept nothing more from an instrument",
        description="Accept nothing more from an instrument; what it sends is kept aside.",
        epilog="example: seadrift revoke --data shore d7b1c2",
    )
    parser.add_argument("device", help="device id, as `seadrift fleet` shows it")
    parser.add_argument(
        "--wipe", action="store_true", help="have its keys destroyed, whenever it says hello"
    )
    add_data(parser)
    parser.set_defaults(run=doing("revoke", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        operator = operator_id(shore)
        with shore.database.write() as connection:
            found = farewell.revoke(
                connection,
                shore.release_key,
                args.device,
                wipe=args.wipe,
                user_id=operator,
                now_ms=now_ms(),
            )
            if not found:
                raise CommandError(f"there is no device {args.device}")
            note(connection, "device.revoke", args.device, "wipe" if args.wipe else "")
        write_revoked(shore.database, shore.authority, shore.settings.broker, now_ms())
    return answer(args, {"device_id": args.device, "status": "revoked"}, f"revoked {args.device}")
