"""Processes that accept from one socket share what comes."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from server.commands.sharing import ABSENT, Fair, Shares


@pytest.fixture
def processes() -> Iterator[tuple[Fair, Fair, tuple[str, int]]]:
    """Two that accept from one socket, as two processes would."""
    counts = [0, 0]
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = listening.getsockname()
        pair = [Fair(listening.dup(), Shares(counts, mine)) for mine in range(2)]
        for one in pair:
            one.setblocking(False)
        yield pair[0], pair[1], address
        for one in pair:
            one.close()


def take(one: Fair) -> socket.socket | None:
    with contextlib.suppress(BlockingIOError):
        return one.accept()[0]
    return None


def test_whoever_has_more_leaves_the_next_one_to_the_other(
    processes: tuple[Fair, Fair, tuple[str, int]],
) -> None:
    one, other, address = processes
    with contextlib.ExitStack() as open_sockets:
        for _ in range(4):
            open_sockets.enter_context(socket.create_connection(address))
        first = take(one)
        assert first is not None
        assert take(one) is None, "the other has none yet"
        assert keep(open_sockets, take(other))
        assert keep(open_sockets, take(other)), "as many as the other: whoever comes first"
        first.close()
        del first
        assert take(other) is None, "one of the other's has gone"
        assert keep(open_sockets, take(one))


def keep(open_sockets: contextlib.ExitStack, found: socket.socket | None) -> bool:
    """Whether there was one; it is closed at the end."""
    if found is not None:
        open_sockets.enter_context(found)
    return found is not None


def test_nobody_waits_for_a_process_that_does_not_come(
    processes: tuple[Fair, Fair, tuple[str, int]],
) -> None:
    one, _, address = processes
    with contextlib.ExitStack() as open_sockets:
        for _ in range(2):
            open_sockets.enter_context(socket.create_connection(address))
        assert keep(open_sockets, take(one))
        tries = 1
        while not keep(open_sockets, take(one)):
            tries += 1
        assert 1 < tries < 100


def test_a_process_that_begins_anew_has_none() -> None:
    counts = [3, 1]
    Shares(counts, mine=0).begin()
    assert counts == [0, 1]


def test_those_who_start_together_begin_together() -> None:
    counts = [ABSENT, ABSENT]
    first = threading.Thread(target=Shares(counts, mine=0).begin, args=(60.0,))
    first.start()
    while counts[0] == ABSENT:
        time.sleep(0.001)
    assert first.is_alive()
    Shares(counts, mine=1).begin()
    first.join(20)
    assert not first.is_alive()
    Shares([ABSENT, ABSENT], mine=1).begin(patience_s=0.05)  # one that never comes
