"""The serving itself: in this process, or in several that share one listening socket.

One process serves a few instruments and their people; several are for PostgreSQL and many cores. A
process that dies is started anew; when the one that watches over them dies, they end too. SQLite
serves several as well, but has one writer at a time.

Example:
    >>> serve_together(settings, listening, workers=2)  # until SIGTERM
"""

import gc
import multiprocessing
import os
import signal
import socket
import threading
import time
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

import uvicorn

from server.app import create_app
from server.commands.sharing import Fair, Shares
from server.connections import Door, protocol
from server.settings import Settings
from server.shore import Admin, Shore, open_shore

_SPAWN = multiprocessing.get_context("spawn")
_AGAIN_S = 1.0
"""A process that died is started anew after so long: one that cannot start must not use up all."""
_LEAVE_S = 20
_COLLECT_AFTER = 20_000
_KEEP_S = 75
"""A connection may rest so long (the door closes it before when it wants the place): an answer and
the next request take seconds over a satellite, and a new connection takes as long again."""


def serve_alone(shore: Shore, listening: socket.socket) -> None:
    """Serve an open shore until SIGTERM or SIGINT."""
    config = uvicorn.Config(
        create_app(shore),
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=protocol(Door(proxies=frozenset(shore.settings.proxies))),
        ws="none",
        timeout_graceful_shutdown=10,
        timeout_keep_alive=_KEEP_S,
        ssl_certfile=shore.settings.tls_cert,
        ssl_keyfile=shore.settings.tls_key,
    )
    server = uvicorn.Server(config)

    def stop(_signal: int, _frame: object) -> None:
        server.should_exit = True

    _spare_the_collector()
    for one in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands them back to these when it is done
        signal.signal(one, stop)
    server.run(sockets=[listening])


def _spare_the_collector() -> None:
    """A batch makes thousands of records and throws them away, none of which points back to
    itself: looking for such circles every 700 of them finds nothing, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 10, 10)


def serve_together(settings: Settings, listening: socket.socket, workers: int) -> None:
    """Serve what is in the folder, with `workers` processes, until SIGTERM or SIGINT."""
    ending, ended = multiprocessing.Pipe(duplex=False)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda _signal, _frame: ended.close())
    counts: Any = _SPAWN.Array("i", workers, lock=False)
    shares = [Shares(counts, mine) for mine in range(workers)]
    processes = {share.mine: _start(settings, listening, share) for share in shares}
    while ending not in wait([ending, *(one.sentinel for one in processes.values())]):
        dead = [mine for mine, process in processes.items() if not process.is_alive()]
        time.sleep(_AGAIN_S)
        for mine in dead:
            processes[mine] = _start(settings, listening, shares[mine])
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        process.join(_LEAVE_S)


def _start(settings: Settings, listening: socket.socket, shares: Shares) -> SpawnProcess:
    process = _SPAWN.Process(target=_serve_one, args=(settings, listening, shares))
    process.start()
    return process


def _serve_one(settings: Settings, listening: socket.socket, shares: Shares) -> None:
    """Serve in a process that was started for it."""
    os.umask(0o077)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, daemon=True).start()
    shares.begin()
    shore = open_shore(settings, Admin.from_environment(os.environ))
    serve_alone(shore, Fair(listening, shares))
