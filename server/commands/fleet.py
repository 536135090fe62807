"""`seadrift fleet`: every instrument, what it sent, what it runs, what it needs; worst first.

Example:
    $ seadrift fleet --data shore
"""

import argparse
from typing import Any

from server.clock import now_ms
from server.commands.common import add_data, answer, doing, opened
from server.fleet.states import states


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "fleet",
        help="the state of each instrument",
        description="Each instrument: what it sent, what is on its way, what it runs.",
        epilog="example: seadrift fleet --json",
    )
    add_data(parser)
    parser.set_defaults(run=doing("fleet", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore, shore.database.read() as connection:
        rows = states(connection, now_ms())
    return answer(args, rows, "\n".join(map(_line, rows)) or "no device is enrolled yet")


def _line(row: dict[str, Any]) -> str:
    deployment = row["deployment"]
    step = f"{deployment['release'][:12]} {deployment['state']}" if deployment else "factory"
    needs = "".join(f"\n    {need['words']}" for need in row["needs"])
    return (
        f"{row['device_id']}  {row['status']:<8} {row['name']:<16} held {row['held']}, "
        f"on its way {row['lag']}, given up {row['gaps']}; release {step}{needs}"
    )
