"""`seadrift serve`: the shore, until SIGTERM or Ctrl-C.

The port is taken before anything is promised, so "in use" is one sentence and not a trace.

Example:
    $ seadrift serve --data shore --port 8765
"""

import argparse
import errno
import os
import socket
import sys
from pathlib import Path

from server.commands.stores import add_packs
from server.settings import Settings, SettingsError

USAGE, NOTHING = 2, 3
WORKERS_MAX = 64


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = subparsers.add_parser(
        "serve",
        help="run the shore",
        description="Run the shore until SIGTERM or Ctrl-C.",
        epilog="example: seadrift serve --data shore",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of everything it keeps")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (%(default)s)")
    parser.add_argument("--port", type=int, default=8765, help="port (%(default)s)")
    parser.add_argument("--tls-cert", type=Path, help="certificate chain, PEM")
    parser.add_argument("--tls-key", type=Path, help="private key, PEM")
    parser.add_argument(
        "--proxy",
        action="append",
        default=[],
        metavar="ADDRESS",
        help="a proxy before this shore, whose X-Forwarded-For and -Proto are believed; may be "
        "given again",
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=300.0,
        metavar="N",
        help="requests a second that one address may ask for long, of each process, 0: any "
        "(%(default)s)",
    )
    parser.add_argument("--database", help="SQLAlchemy URL (default: SQLite in the data folder)")
    add_packs(parser)
    parser.add_argument(
        "--workers", type=_count, default=1, metavar="N", help="processes that serve (%(default)s)"
    )
    parser.add_argument(
        "--no-jobs",
        action="store_true",
        help="leave imports, exports and the like to `seadrift work`",
    )
    parser.add_argument(
        "--satellite-gateway",
        default="",
        metavar="URL",
        help="where messages for satellite modems are posted; its login comes from the environment,"
        " SEADRIFT_GATEWAY_USER and SEADRIFT_GATEWAY_PASSWORD",
    )
    parser.add_argument(
        "--satellite-jwt-key",
        type=Path,
        metavar="PEM",
        help="the gateway's public key: its pushes must then be signed",
    )
    parser.set_defaults(run=run)


def _count(text: str) -> int:
    count = int(text) if text.isdigit() else 0
    if not 1 <= count <= WORKERS_MAX:
        raise argparse.ArgumentTypeError(f"expected 1 to {WORKERS_MAX}, got {text}")
    return count


def run(args: argparse.Namespace) -> int:
    os.umask(0o077)  # what it makes is its owner's alone
    settings = Settings(
        args.data,
        args.host,
        args.port,
        args.tls_cert,
        args.tls_key,
        args.database,
        proxies=tuple(args.proxy),
        requests_per_s=args.rate,
        packs_url=args.packs,
        packs_endpoint=args.packs_endpoint,
        packs_region=args.packs_region,
        satellite_gateway=args.satellite_gateway,
        satellite_jwt_key=args.satellite_jwt_key,
    )
    try:
        settings.check()
    except SettingsError as error:
        return _fail(str(error), USAGE)
    try:
        listening = _listen(settings)
    except OSError as error:
        return _fail(_why_not_listening(settings, error), NOTHING)
    return _serve(settings, listening, args.workers, jobs=not args.no_jobs)


def _serve(settings: Settings, listening: socket.socket, workers: int, *, jobs: bool) -> int:
    """Open the shore and serve it until a signal."""
    from server.auth.passwords import PasswordError  # these take seconds on a small machine:
    from server.commands import workers as serving  # refusals above need not wait for them
    from server.db.engine import DatabaseError
    from server.shore import Admin, open_shore

    try:
        shore = open_shore(settings, Admin.from_environment(os.environ))
    except (DatabaseError, PasswordError, OSError) as error:
        return _fail(str(error), NOTHING)
    _greet(settings, shore.first_password)
    if workers == 1:
        serving.serve_alone(shore, listening, jobs=jobs)
    else:
        shore.close()  # each process opens it again: connections are not shared
        serving.serve_together(settings, listening, workers, jobs=jobs)
    return 0


def _listen(settings: Settings) -> socket.socket:
    found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
    family, kind, protocol, _, address = found[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(128)
    except OSError:
        listening.close()
        raise
    return listening


def _why_not_listening(settings: Settings, error: OSError) -> str:
    where = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {settings.port} is in use on {settings.host}: "
            "stop what uses it, or choose another --port"
        )
    return f"cannot listen on {where}: {error.strerror or error}"


def _greet(settings: Settings, first_password: str | None) -> None:
    print(f"Seadrift shore at {settings.address}", flush=True)
    print(f"  data: {settings.data.resolve()}", flush=True)
    if first_password is not None:
        print("  first start: the administrator's password, shown this once:", flush=True)
        print(f"  {first_password}", flush=True)


def _fail(message: str, code: int) -> int:
    print(f"seadrift serve: {message}", file=sys.stderr)
    return code
