"""`seadrift-edge`: the program on the instrument. Each module of `edge.commands` is a subcommand.

Exit codes of every command: 0 done; 1 done, but some inputs were bad and set aside; 2 the command
line or the configuration is wrong; 3 nothing could be done.

Example:
    $ seadrift-edge run --config instrument.toml
"""

import argparse
import importlib
import pkgutil
import sys
from collections.abc import Sequence

from edge import commands
from edge.agent.version import software_version

EPILOG = """examples:
  seadrift-edge process frames/ --out out
  seadrift-edge run --config instrument.toml
  seadrift-edge status --config instrument.toml
"""


def build_parser(names: Sequence[str] | None = None) -> argparse.ArgumentParser:
    """The command line with these subcommands, or with every one."""
    top = argparse.ArgumentParser(
        prog="seadrift-edge",
        description="Recognition inside an underwater camera: frames in, records to shore.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=software_version())
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in command_names() if names is None else names:
        importlib.import_module(f"edge.commands.{name}").add_parser(subparsers)
    return top


def command_names() -> list[str]:
    """The subcommands, by the modules that are there."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    # Only the command that is called is loaded: the others would cost a second on a small board.
    called = [word for word in words[:1] if word in command_names()]
    args = build_parser(called or None).parse_args(words)
    code: int = args.run(args)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
