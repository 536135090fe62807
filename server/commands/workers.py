"""The serving itself: in this process, or in several that share one listening socket.

One process serves a few instruments and their people; several are for PostgreSQL and many cores. A
process that dies is started anew; when the one that watches over them dies, they end too. SQLite
serves several as well, but has one writer at a time.

Example:
    >>> serve_together(settings, listening, workers=2)  # until SIGTERM
"""

import multiprocessing
import os
import signal
import socket
import threading
from functools import partial
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from server.app import create_app
from server.settings import Settings
from server.shore import Admin, Shore, open_shore


def serve_alone(shore: Shore, listening: socket.socket) -> None:
    """Serve an open shore until SIGTERM or SIGINT."""
    server = uvicorn.Server(_config(create_app(shore), shore.settings))

    def stop(_signal: int, _frame: object) -> None:
        server.should_exit = True

    for one in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands them back to these when it is done
        signal.signal(one, stop)
    server.run(sockets=[listening])


def serve_together(settings: Settings, listening: socket.socket, workers: int) -> None:
    """Serve what is in the folder, with `workers` processes, until SIGTERM or SIGINT."""
    app = partial(_opened, settings)
    Multiprocess(_config(app, settings, workers=workers, factory=True), [listening]).run()


def _opened(settings: Settings) -> FastAPI:
    """The application of a process that was started for it."""
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end_with_parent() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_with_parent, daemon=True).start()
    return create_app(open_shore(settings, Admin.from_environment(os.environ)))


def _config(app: Any, settings: Settings, **more: Any) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=10,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        **more,
    )
