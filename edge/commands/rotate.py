"""`seadrift-edge rotate`: a new private key, without a new enrolment."""

import argparse
import sys
from pathlib import Path
from typing import Any

EPILOG = """example:
  seadrift-edge rotate --config instrument.toml

The new key is made here and announced to the shore with the old one; the shore accepts both until
it sees the new one. A power cut at any point does no harm: run it again, or start the agent, which
finishes a change that was begun. A running agent does it at its next hello.

exit codes: 0 done, or left to the running agent; 2 the configuration is wrong; 3 not done yet.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "rotate",
        help="change the instrument's private key",
        description="Make a new private key and announce it to the shore.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--config", type=Path, required=True, metavar="FILE", help="TOML")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    from edge.config import load
    from edge.keys import IdentityError
    from edge.links import LinkError
    from edge.outbox import OutboxBusyError
    from edge.tables import ConfigError

    try:
        print(_rotate(load(args.config)))
    except ConfigError as error:
        return _complain(error, 2)
    except OutboxBusyError:
        print("a new key is made; the agent that runs uses it after its next hello")
    except (IdentityError, LinkError, OSError) as error:
        return _complain(error, 3)
    return 0


def _rotate(config: Any) -> str:
    """What was done. Raises OutboxBusyError when the running agent is to do the rest."""
    from edge.carriers.rotation import change_key
    from edge.identity import Identity, IdentityError
    from edge.keys import prepare_next
    from edge.links.https import HttpsLink
    from edge.outbox.lock import release_lock, take_lock

    identity = Identity.load_or_make(config.data / "identity")
    if identity.enrolment is None or not config.shore.url:
        raise IdentityError("this instrument is not enrolled: its key is still its own affair")
    prepare_next(identity.folder)
    lock = take_lock(config.data / "outbox")
    try:
        timeout_s = config.link.timeout_s
        link = HttpsLink(config.shore, identity, timeout_s=timeout_s, folder=config.folder)
        try:
            if not change_key(identity, link):
                raise IdentityError("the shore does not take a new key; the old one stays")
        finally:
            link.close()
    finally:
        release_lock(lock)
    return f"the key is now {identity.public.id}"


def _complain(error: Exception, code: int) -> int:
    print(f"seadrift-edge rotate: {error}", file=sys.stderr)
    return code
