"""`seadrift audit`: who did what on this shore, newest last.

Example:
    $ seadrift audit --data shore --action login --json
"""

import argparse
from datetime import UTC, datetime
from typing import Any

from server.commands.common import add_data, answer, doing, opened
from server.db import audit


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "audit",
        help="who did what",
        description="Who did what on this shore, when, and from where.",
        epilog="example: seadrift audit --data shore --action login --json",
    )
    parser.add_argument("--action", help="only these: login, user, device.claim, ...")
    parser.add_argument("--who", help="only what this person or device did")
    parser.add_argument("--limit", type=int, default=100, help="the latest so many (%(default)s)")
    add_data(parser)
    parser.set_defaults(run=doing("audit", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore, shore.database.read() as connection:
        rows = audit.page(connection, action=args.action, who=args.who, limit=args.limit)
    rows.reverse()
    return answer(args, rows, "\n".join(map(_line, rows)) or "nothing yet")


def _line(row: dict[str, Any]) -> str:
    when = datetime.fromtimestamp(row["at_ms"] / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    refused = "" if row["outcome"] == "done" else " refused"
    return (
        f"{when}  {row['who']} ({row['address']})  {row['action']}{refused} {row['subject']}"
        f"{'  ' if row['detail'] else ''}{row['detail']}"
    )
