"""`seadrift revoke`: an instrument that is not wanted any more, stolen or lost.

Example:
    $ seadrift revoke --data shore d7b1c2
"""

import argparse

from server.clock import now_ms
from server.commands.common import CommandError, add_data, answer, doing, note, opened
from server.db import keys
from server.fleet.certificates import write_revoked


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "revoke",
        help="accept nothing more from an instrument",
        description="Accept nothing more from an instrument; what it sends is kept aside.",
        epilog="example: seadrift revoke --data shore d7b1c2",
    )
    parser.add_argument("device", help="device id, as `seadrift fleet` shows it")
    add_data(parser)
    parser.set_defaults(run=doing("revoke", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        with shore.database.write() as connection:
            if not keys.revoke(connection, args.device, now_ms()):
                raise CommandError(f"there is no device {args.device}")
            note(connection, "device.revoke", args.device)
        write_revoked(shore.database, shore.authority, shore.settings.broker, now_ms())
    return answer(args, {"device_id": args.device, "status": "revoked"}, f"revoked {args.device}")
