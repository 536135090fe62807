"""What `seadrift serve` starts beside itself: the process that runs jobs, and how a child ends.

A child that runs jobs needs nothing of what answers requests, so this module brings none of it: it
starts in half the time.

Example:
    >>> spawn.Process(target=work_beside, args=(settings,)).start()
"""

import multiprocessing
import os
import signal
import threading
from contextlib import closing

from server.jobs.worker import work
from server.settings import Settings
from server.shore import Admin, open_shore


def work_beside(settings: Settings) -> None:
    """Run jobs in a process that was started for it, behind whoever waits for a page or an
    acknowledgement."""
    end_with_parent()
    os.nice(10)
    stop = stopping()
    with closing(open_shore(settings, Admin.from_environment(os.environ))) as shore:
        work(shore, stop)


def stopping() -> threading.Event:
    """Set by SIGTERM and SIGINT."""
    stop = threading.Event()
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda _signal, _frame: stop.set())
    return stop


def end_with_parent() -> None:
    """Have this process ended as soon as the one that started it is gone, however it went."""
    os.umask(0o077)
    parent = multiprocessing.parent_process()
    assert parent is not None

    def end() -> None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end, daemon=True).start()
