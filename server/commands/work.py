"""`seadrift work`: runs the shore's jobs (imports, exports, predictions) until SIGTERM or Ctrl-C.

`seadrift serve` has a worker beside it; more of them, on this machine or on others that reach the
same database and folders, share the jobs.

Example:
    $ seadrift work --data shore
"""

import argparse
import os

from server.commands.common import DONE, add_data, doing, opened


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "work",
        help="run the shore's jobs",
        description="Run the shore's jobs (imports, exports, predictions) until SIGTERM or Ctrl-C. "
        "`seadrift serve` has one such worker already.",
        epilog="example: seadrift work --data shore",
    )
    parser.add_argument("--once", action="store_true", help="run what waits, then end")
    add_data(parser)
    parser.set_defaults(run=doing("work", run))


def run(args: argparse.Namespace) -> int:
    from server.commands.children import stopping
    from server.jobs.worker import run_waiting, work

    os.umask(0o077)
    with opened(args) as shore:
        if args.once:
            count = run_waiting(shore)
            print(f"{count} job{'' if count == 1 else 's'} done")
        else:
            work(shore, stopping())
    return DONE
