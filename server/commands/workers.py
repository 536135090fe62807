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
import time
from collections.abc import Callable
from multiprocessing.connection import wait
from multiprocessing.context import SpawnProcess
from typing import Any

import uvicorn

from server.app import create_app
from server.commands.children import end_with_parent, work_beside
from server.commands.sharing import ABSENT, Fair, Shares
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


def serve_alone(shore: Shore, listening: socket.socket, *, jobs: bool = False) -> None:
    """Serve an open shore until SIGTERM or SIGINT; with `jobs`, a process beside it runs them."""
    worker = _start(work_beside, shore.settings) if jobs else None
    try:
        _serve(shore, listening)
    finally:
        if worker is not None:
            worker.terminate()
            worker.join(_LEAVE_S)


def _serve(shore: Shore, listening: socket.socket) -> None:
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
    _spare_the_collector()

    def stop(_signal: int, _frame: object) -> None:
        server.should_exit = True

    for one in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands them back to these when it is done
        signal.signal(one, stop)
    server.run(sockets=[listening])


def _spare_the_collector() -> None:
    """A batch makes thousands of records and throws them away, none of which points back to
    itself: looking for such circles every 700 of them finds nothing, again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_COLLECT_AFTER, 10, 10)


def serve_together(
    settings: Settings, listening: socket.socket, workers: int, *, jobs: bool = False
) -> None:
    """Serve what is in the folder, with `workers` processes and one for jobs, until SIGTERM or
    SIGINT."""
    ending, ended = multiprocessing.Pipe(duplex=False)
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda _signal, _frame: ended.close())
    counts: Any = _SPAWN.Array("i", [ABSENT] * workers, lock=False)
    tasks: list[tuple[Any, ...]] = [
        (_serve_one, settings, listening, Shares(counts, mine)) for mine in range(workers)
    ]
    tasks += [(work_beside, settings)] * jobs
    running = {_start(*task): task for task in tasks}
    while ending not in wait([ending, *(process.sentinel for process in running)]):
        dead = [process for process in running if not process.is_alive()]
        time.sleep(_AGAIN_S)
        for process in dead:
            task = running.pop(process)
            running[_start(*task)] = task
    for process in running:
        process.terminate()
    for process in running:
        process.join(_LEAVE_S)


def _start(target: Callable[..., None], *given: Any) -> SpawnProcess:
    process = _SPAWN.Process(target=target, args=given)
    process.start()
    return process


def _serve_one(settings: Settings, listening: socket.socket, shares: Shares) -> None:
    """Serve in a process that was started for it."""
    end_with_parent()
    shore = open_shore(settings, Admin.from_environment(os.environ))
    shares.begin()
    serve_alone(shore, Fair(listening, shares))
