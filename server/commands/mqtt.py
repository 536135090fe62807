"""`seadrift mqtt`: a worker that answers what devices ask through a broker, until SIGTERM.

Several may run beside each other and beside `seadrift serve`; they take turns.

Example:
    $ seadrift mqtt --data shore --broker mqtts://127.0.0.1:8884
"""

import argparse
import logging
import signal
import threading

from server.commands.common import DONE, CommandError, add_data, doing, opened
from server.mqtt.worker import Worker
from wire.mqtt import AddressError, read_address


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "mqtt",
        help="answer devices behind a broker",
        description="Answer what devices ask through an MQTT broker, until SIGTERM or Ctrl-C.",
        epilog="example: seadrift mqtt --data shore --broker mqtts://127.0.0.1:8884",
    )
    parser.add_argument(
        "--broker",
        default="mqtts://127.0.0.1:8884",
        help="its listener for workers, see `seadrift broker` (%(default)s)",
    )
    parser.add_argument(
        "--threads", type=int, default=4, help="requests worked on at a time (%(default)s)"
    )
    add_data(parser)
    parser.set_defaults(run=doing("mqtt", run))


def run(args: argparse.Namespace) -> int:
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    stopped = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda _signal, _frame: stopped.set())
    try:
        address = read_address(args.broker)
    except AddressError as error:
        raise CommandError(f"--broker: {error}") from error
    if not 1 <= args.threads <= 64:
        raise CommandError(f"--threads: expected 1 to 64, got {args.threads}")
    with opened(args) as shore:
        print(f"worker of {args.data} at {address.url}", flush=True)
        Worker(shore, address, threads=args.threads).run(stopped)
    return DONE
