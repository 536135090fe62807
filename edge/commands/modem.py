"""`seadrift-edge modem`: look at a satellite modem, or be one for a rehearsal."""

import argparse
import signal
import sys
import threading
from pathlib import Path
from typing import Any

EPILOG = """examples:
  seadrift-edge modem --config instrument.toml
  seadrift-edge modem --simulate --gateway http://127.0.0.1:8765/v1/satellite/SECRET --faults 0.2

The first asks the modem of [satellite] whether it answers and how good its signal is; that costs no
credit. Stop the agent before: it holds the port. The second is a modem and its gateway without a
satellite, until Ctrl-C: it prints the port for [satellite] port and the address for the shore's
--satellite-gateway.

exit codes: 0; 2 the command line or the configuration is wrong; 3 no modem answers.
"""


def add_parser(subparsers: Any) -> None:
    """Add the subcommand to the command line's parser."""
    parser = subparsers.add_parser(
        "modem",
        help="look at a satellite modem, or simulate one",
        description="Ask a satellite modem how it is, or simulate a modem and its gateway.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--config", type=Path, metavar="FILE", help="TOML with [satellite] port")
    what.add_argument("--simulate", action="store_true", help="be a modem and its gateway")
    parser.add_argument("--gateway", default="", metavar="URL", help="where the gateway pushes to")
    parser.add_argument(
        "--listen", type=int, default=8780, metavar="PORT", help="for messages down (%(default)s)"
    )
    parser.add_argument("--link", type=Path, metavar="PATH", help="a fixed name for the port")
    parser.add_argument(
        "--faults", type=float, default=0.0, metavar="SHARE", help="how much goes wrong, 0 to 1"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the faults (%(default)s)")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Returns the exit code."""
    if not 0 <= args.faults <= 1:
        return _complain(f"--faults {args.faults}: expected 0 to 1", 2)
    if args.simulate:
        return _simulate(args)
    return _look(args.config)


def _look(path: Path) -> int:
    from edge.config import load
    from edge.links.modem import Modem, ModemError
    from edge.tables import ConfigError

    try:
        config = load(path)
    except ConfigError as error:
        return _complain(str(error), 2)
    settings = config.satellite
    if not settings.port:
        return _complain(f"{path}: [satellite] port: missing", 2)
    modem = Modem(settings.port, settings.baud)
    try:
        modem.wake()
        print(f"{settings.port}: the modem answers")
        sending, received = modem.holds()
        print(f"buffers: to send {'full' if sending else 'empty'},", end=" ")
        print(f"received {'full' if received else 'empty'}")
        print(f"signal: {modem.signal()} of 5 bars")
    except ModemError as error:
        return _complain(str(error), 3)
    finally:
        modem.close()
    return 0


def _simulate(args: argparse.Namespace) -> int:
    from edge.links.simulated_gateway import PushFaults, SimulatedGateway
    from edge.links.simulated_modem import Faults, SimulatedModem

    share = args.faults
    faults = Faults(
        lost=share / 4,
        half=share / 8,
        corrupt=share / 8,
        twice=share / 8,
        ring=share / 4,
        stuck=share / 20,
        fail=share,
        unheard=share / 4,
    )
    pushes = PushFaults(twice=share / 2, later=share / 2, lost=share / 2)
    try:
        gateway = SimulatedGateway(args.gateway, ("127.0.0.1", args.listen), pushes, args.seed)
    except OSError as error:
        return _complain(f"--listen {args.listen}: {error.strerror}", 3)
    with gateway, SimulatedModem(gateway, "300234010753370", faults, args.seed) as modem:
        gateway.on_down = lambda imei: modem.ring()
        port = _named(modem.port, args.link)
        print(f"modem at {port}, IMEI {modem.imei}", flush=True)
        print(f"gateway takes messages down at {gateway.url}", flush=True)
        _until_a_signal()
        tally = modem.tally
        print(
            f"\n{tally.sessions} sessions, {tally.delivered} messages up, {tally.fetched} down,"
            f" {tally.credits} credits, {tally.faults} faults"
        )
    return 0


def _until_a_signal() -> None:
    """Wait for Ctrl-C, or for whoever started this to end it."""
    ended = threading.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        signal.signal(one, lambda _signal, _frame: ended.set())
    ended.wait()


def _named(port: str, link: Path | None) -> str:
    """The port, under a name that stays the same from run to run if one was given."""
    if link is None:
        return port
    link.unlink(missing_ok=True)
    link.symlink_to(port)
    return str(link)


def _complain(message: str, code: int) -> int:
    print(f"seadrift-edge modem: {message}", file=sys.stderr)
    return code
