"""A PostgreSQL server of one's own: started in a folder, durable as shipped, gone afterwards.

Tests and benchmarks run against the database that an institute runs, not against an imitation. The
server listens on a socket in its own folder alone and asks for a password; it commits as a default
installation does (fsync, synchronous_commit), so that rates measured with it are real ones.

Example:
    >>> with private_postgres() as server:
    ...     url = server.create("shore")  # postgresql+psycopg://...
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

USER = "seadrift"
_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0777",  # who lacks the password gets no further
    "fsync": "on",
    "synchronous_commit": "on",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "max_connections": "120",
}
_START_S = 60


class PostgresError(RuntimeError):
    """PostgreSQL is not installed or did not start; the message says which and what it printed."""


@dataclass(frozen=True, repr=False)
class Postgres:
    """A running server; `folder` holds its socket. Its repr is without the password."""

    folder: Path
    password: str
    process: "subprocess.Popen[bytes]"

    def __repr__(self) -> str:
        return f"Postgres({self.folder})"

    def url(self, name: str) -> str:
        """SQLAlchemy's address of a database."""
        return f"postgresql+psycopg://{USER}:{self.password}@/{name}?host={self.folder}"

    def create(self, name: str, template: str = "template0") -> str:
        """Make a database, empty or as a copy that nobody is connected to; its address."""
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        return self.url(name)

    def drop(self, name: str) -> None:
        """Remove a database, whoever is still connected."""
        self._run("DROP DATABASE {} WITH (FORCE)", name)

    def _run(self, statement: str, *names: str) -> None:
        with self.connect("postgres") as connection:
            connection.autocommit = True
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def connect(self, name: str) -> "psycopg.Connection":
        """A connection of the driver's own."""
        return psycopg.connect(
            host=str(self.folder), user=USER, password=self.password, dbname=name
        )

    def kill(self) -> None:
        """As a crash would: no shutdown, no flush. The folder stays."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)


def programs() -> Path | None:
    """The folder of initdb and postgres, the newest if there are several; None: not installed."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3])
    )
    return debian[-1].parent if debian else None


@contextmanager
def private_postgres(folder: Path | None = None) -> Iterator[Postgres]:
    """Start a server in `folder`, or in a new one under the temporary folder; stop and remove it.

    PostgreSQL refuses to run as root: then it runs as the user postgres, who must be able to reach
    the folder. Raises PostgresError."""
    bin_folder = programs()
    if bin_folder is None:
        raise PostgresError("PostgreSQL is not installed (apt install postgresql)")
    home = Path(tempfile.mkdtemp(prefix="seadrift-pg-", dir=folder))
    try:
        server = start(bin_folder, home)
        try:
            yield server
        finally:
            server.process.send_signal(signal.SIGINT)  # ends sessions, flushes, exits
            server.process.wait(60)
    finally:
        shutil.rmtree(home)


def start(bin_folder: Path, home: Path) -> Postgres:
    """A server whose files lie in `home`: made there if there are none, otherwise recovered."""
    secret = home / "password"
    if not secret.exists():
        secret.write_text(secrets.token_hex(16))
        _run_as_user(
            [str(bin_folder / "initdb"), "-D", str(home / "data"), "-U", USER, "-A",
             "scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "--locale=C", "--no-sync"],
            home,
        )  # fmt: skip
    arguments = [str(bin_folder / "postgres"), "-D", str(home / "data"), "-k", str(home)]
    for name, value in _SETTINGS.items():
        arguments += ["-c", f"{name}={value}"]
    with (home / "log").open("ab") as log:
        process = subprocess.Popen(arguments, stdout=log, stderr=log, **_user(home))
    server = Postgres(home, secret.read_text(), process)
    deadline = time.monotonic() + _START_S
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(psycopg.OperationalError), server.connect("postgres"):
            return server
        time.sleep(0.02)
    process.kill()
    process.wait()
    raise PostgresError(f"PostgreSQL did not start: {(home / 'log').read_text()[-2000:]}")


def _run_as_user(arguments: Sequence[str], home: Path) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False, **_user(home))
    if done.returncode:
        raise PostgresError(f"{Path(arguments[0]).name}: {done.stdout[-500:]}{done.stderr[-1500:]}")


def _user(home: Path) -> dict[str, Any]:
    """What makes a subprocess run as somebody who owns `home`, and not as root."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        user = pwd.getpwnam("nobody")
    for path in (home, *home.iterdir()):
        os.chown(path, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": home}
