"""`seadrift satellite`: the address that a satellite gateway shall push to."""

import argparse

from server.commands.common import add_data, answer, doing, opened


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "satellite",
        help="the address for a satellite gateway",
        description="Show the path to give to a satellite gateway: who knows it may push.",
        epilog="example: seadrift satellite --data shore",
    )
    add_data(parser)
    parser.set_defaults(run=doing("satellite", run))


def run(args: argparse.Namespace) -> int:
    with opened(args) as shore:
        path = f"/v1/satellite/{shore.link_keys.gateway}"
    return answer(args, {"path": path}, path)
