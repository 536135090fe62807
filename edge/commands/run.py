"""`seadrift-edge run`: the agent. Ends after the frame that is under way on SIGTERM or Ctrl-C."""

import argparse
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

EPILOG = """example:
  seadrift-edge run --config instrument.toml
  seadrift-edge run --config instrument.toml --frames 10 --once

The first is an agent that captures, classifies and sends until it is told to stop. The second does
ten frames, sends all that waits, and ends.

exit codes: 0 ended as asked; 1 with --once, some frames were bad and set aside; 2 the configuration
is wrong; 3 it cannot work (another agent uses the data folder, no frames, no room).
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "run",
        help="be the instrument's agent",
        description="Capture, measure, classify, queue and send, until told to stop.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="TOML")
    parser.add_argument(
        "--frames", type=_count, metavar="N", help="do at most N frames in this run (0: only send)"
    )
    parser.add_argument(
        "--once", action="store_true", help="end when the frames are done and all is sent"
    )
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    import apsw

    from edge.agent.loop import Agent, CannotContinueError, Options
    from edge.agent.parts import assemble
    from edge.config import load
    from edge.identity import IdentityError
    from edge.outbox import OutboxError
    from edge.sources import SourceError
    from edge.tables import ConfigError

    logging.basicConfig(
        level=logging.INFO, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        with assemble(load(args.config), capture=args.frames != 0) as parts:
            agent = Agent(parts, Options(frames=args.frames, once=args.once))
            with _signals(agent.stop):
                return agent.run()
    except KeyboardInterrupt:
        return 0  # before the first frame
    except ConfigError as error:
        named = str(error).startswith(str(args.config))
        return _complain(error if named else ConfigError(f"{args.config}: {error}"), 2)
    except (OutboxError, SourceError, IdentityError, CannotContinueError, OSError) as error:
        return _complain(error, 3)
    except apsw.Error as error:  # damage met at work; the next start rebuilds what can be read
        return _complain(OutboxError(f"outbox: {error}; start again to rebuild it"), 3)


@contextlib.contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and Ctrl-C call `stop` meanwhile."""

    def handler(number: int, frame: FrameType | None) -> None:
        stop()

    before = {number: signal.signal(number, handler) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, old)


def _complain(error: Exception, code: int) -> int:
    print(f"seadrift-edge run: {error}", file=sys.stderr)
    return code


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {number}")
    return number
