"""`seadrift broker`: the files with which a Mosquitto serves this shore.

Example:
    $ seadrift broker --data shore --host shore.example.org
"""

import argparse
from pathlib import Path

from server.clock import now_ms
from server.commands.common import add_data, answer, doing, opened
from server.mqtt.files import Plan, write


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "broker",
        help="write what a Mosquitto needs",
        description=(
            "Write the certificates, the revocation list, the access list and the configuration"
            " with which a Mosquitto serves this shore. Again is no harm: the broker's key stays."
        ),
        epilog="example: seadrift broker --data shore --host shore.example.org",
    )
    parser.add_argument(
        "--host",
        action="append",
        required=True,
        help="name or address by which devices reach the broker; may be given again",
    )
    parser.add_argument("--port", type=int, default=8883, help="port for devices (%(default)s)")
    parser.add_argument("--bind", default="", help="address for devices (default: all)")
    parser.add_argument(
        "--workers-port", type=int, default=8884, help="port for workers (%(default)s)"
    )
    parser.add_argument(
        "--workers-bind", default="127.0.0.1", help="address for workers (%(default)s)"
    )
    parser.add_argument("--out", type=Path, help="folder (default: broker in the data folder)")
    add_data(parser)
    parser.set_defaults(run=doing("broker", run))


def run(args: argparse.Namespace) -> int:
    plan = Plan(tuple(args.host), args.port, args.bind, args.workers_port, args.workers_bind)
    with opened(args) as shore:
        path = write(shore, plan, args.out or shore.settings.broker, now_ms())
    text = f"written: {path.parent}\nstart it: mosquitto -c {path}"
    return answer(args, {"configuration": str(path)}, text)
