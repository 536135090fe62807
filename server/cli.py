"""`seadrift`: the shore's command line. One module of `server.commands` for each word.

Exit codes: 0 done; 2 wrong usage or settings; 3 nothing could be done.

Example:
    $ seadrift serve --data shore
"""

import argparse
import gc
import importlib
import sys
from collections.abc import Sequence

from server import VERSION

COMMANDS = (
    "serve",
    "work",
    "user",
    "claim",
    "revoke",
    "audit",
    "train",
    "predict",
    "evaluate",
    "release",
    "fleet",
    "quarantine",
    "check",
    "import",
    "export",
    "backup",
    "bench",
    "restore",
    "taxa",
    "broker",
    "satellite",
    "mqtt",
    "demo",
)
MODULES = {"import": "import_"}
"""Where a word is not a name that Python takes."""

gc.set_threshold(50_000, 10, 10)  # a start makes 300,000 things that all stay


def build_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The parser with every command, or with one alone: the others need not be imported then."""
    parser = argparse.ArgumentParser(
        prog="seadrift",
        description="The shore of Seadrift: takes in what instruments send and teaches them.",
        epilog="example: seadrift serve --data shore",
    )
    parser.add_argument("--version", action="version", version=f"seadrift {VERSION}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name in COMMANDS if only is None else (only,):
        importlib.import_module(f"server.commands.{MODULES.get(name, name)}").add_parser(subparsers)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; its exit code."""
    given = list(sys.argv[1:] if argv is None else argv)
    only = given[0] if given and given[0] in COMMANDS else None
    args = build_parser(only).parse_args(given)
    return int(args.run(args))


if __name__ == "__main__":
    sys.exit(main())
