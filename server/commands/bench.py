"""`seadrift bench`: what the shore does in a second, on this machine.

Example:
    $ seadrift bench shore --objects 1000000
"""

import argparse
from pathlib import Path


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "bench",
        help="measure the shore at size",
        description="Fill databases with made-up objects and measure what people do with them. "
        "PostgreSQL is started in a folder of its own. Ten million objects need 20 GB of disk and "
        "up to half an hour.",
        epilog="example: seadrift bench shore --objects 1000000 --out shore.json",
    )
    parser.add_argument("what", choices=("shore",), help="what is measured")
    parser.add_argument("--objects", type=int, default=10_000_000, help="(%(default)s)")
    parser.add_argument("--out", type=Path, help="also write the rows as JSON")
    parser.add_argument("--plans", type=Path, help="folder for the plans of the page queries")
    parser.add_argument("--page", type=Path, help="also write them as a page, in Markdown")
    parser.add_argument("--folder", type=Path, help="where to work (a new temporary folder)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from server.bench.shore import run as measure  # brings what a server need not have

    return measure(args)
