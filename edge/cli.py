"""`seadrift-edge`: the program on the instrument. Each module of `edge.commands` is a subcommand.

Exit codes of every command: 0 done; 1 done, but some inputs were bad and set aside; 2 the command
line or the configuration is wrong; 3 nothing could be done.

Example:
    $ seadrift-edge run --config instrument.toml
"""

import argparse
import importlib
import pkgutil
from collections.abc import Sequence

from edge import commands
from edge.agent.version import software_version

EPILOG = """examples:
  seadrift-edge process frames/ --out out
  seadrift-edge run --config instrument.toml
  seadrift-edge status --config instrument.toml
"""


def parser() -> argparse.ArgumentParser:
    """The command line with every subcommand."""
    top = argparse.ArgumentParser(
        prog="seadrift-edge",
        description="Recognition inside an underwater camera: frames in, records to shore.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=software_version())
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in command_names():
        importlib.import_module(f"edge.commands.{name}").add_parser(subparsers)
    return top


def command_names() -> list[str]:
    """The subcommands, by the modules that are there."""
    return sorted(module.name for module in pkgutil.iter_modules(commands.__path__))


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns the exit code."""
    args = parser().parse_args(argv)
    code: int = args.run(args)
    return code


if __name__ == "__main__":
    raise SystemExit(main())
