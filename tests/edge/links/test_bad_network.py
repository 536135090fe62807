"""The bad network does what it is told, on real sockets, and nothing else."""

import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from edge.links.bad_network import BadNetwork, Weather

BODY = bytes(range(256)) * 200


class Echo:
    """Sends back what it gets, and remembers it connection by connection."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address: tuple[str, int] = self.listener.getsockname()
        self.heard: list[bytearray] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with near:
                got = bytearray()
                self.heard.append(got)
                try:
                    while data := near.recv(65536):
                        got += data
                        near.sendall(data)
                except OSError:
                    pass

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.close()


def say(port: int, body: bytes = BODY) -> bytes:
    """What comes back for `body`. Raises ConnectionError on a reset, which the kernel tells once,
    to whoever sends or to whoever receives."""
    failed: list[OSError] = []
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link:
        sending = threading.Thread(target=_send, args=(link, body, failed))
        sending.start()
        got = bytearray()
        try:
            while data := link.recv(65536):
                got += data
        finally:
            sending.join()
        if failed and not got:
            raise failed[0]
        return bytes(got)


def _send(link: socket.socket, body: bytes, failed: list[OSError]) -> None:
    try:
        link.sendall(body)
        link.shutdown(socket.SHUT_WR)
    except OSError as error:
        failed.append(error)


@pytest.mark.parametrize(
    "weather",
    [
        Weather(),
        Weather(loss=0.3, retransmit_s=0.002, jitter_s=0.002),
        Weather(delay_s=0.05),
        Weather(bytes_per_s=1_000_000),
    ],
)
def test_what_a_stream_delays_it_still_brings_in_order(echo: Echo, weather: Weather) -> None:
    with BadNetwork(echo.address, weather) as network:
        assert say(network.port) == BODY
        assert network.count.up_bytes == network.count.down_bytes == len(BODY)
        assert (network.count.lost > 0) == (weather.loss > 0)


def test_a_delay_counts_once_a_way_and_not_once_a_segment(echo: Echo) -> None:
    with BadNetwork(echo.address, Weather(delay_s=0.1)) as network:
        began = time.monotonic()
        say(network.port)
        assert time.monotonic() - began >= 0.2
        assert len(BODY) / 1400 > 30  # as many segments: one after the other would be 3 s a way


def test_a_reset_comes_after_exactly_so_many_bytes(echo: Echo) -> None:
    with BadNetwork(echo.address, Weather(reset_up=30_001)) as network:
        with pytest.raises(ConnectionError):
            say(network.port)
        assert network.count.up_bytes == 30_001
        network.weather = Weather(reset=1.0)
        with pytest.raises(ConnectionError):
            say(network.port)
        assert network.count.resets == 2
    assert bytes(echo.heard[0]) == BODY[:30_001]


def test_an_answer_that_is_cut_ends_without_a_complaint(echo: Echo) -> None:
    with BadNetwork(echo.address, Weather(truncate=777)) as network:
        assert say(network.port) == BODY[:777]
        assert network.count.resets == 0


def test_bytes_are_put_into_an_answer(echo: Echo) -> None:
    with BadNetwork(echo.address, Weather(inject=(5000, b"<ad>"))) as network:
        assert say(network.port) == BODY[:5000] + b"<ad>" + BODY[5000:]


def test_the_shore_hears_a_duplicate_from_its_beginning(echo: Echo) -> None:
    with BadNetwork(echo.address, Weather(duplicate=1.0)) as network:
        say(network.port, b"once")
        until(lambda: len(echo.heard) == 2 and bytes(echo.heard[1]) == b"once")
        assert network.count.duplicates == 1


def test_a_portal_answers_for_everybody(echo: Echo) -> None:
    with BadNetwork(echo.address, Weather(answer=b"HTTP/1.1 511 x\r\n\r\n")) as network:
        assert say(network.port, b"GET / HTTP/1.1\r\n\r\n") == b"HTTP/1.1 511 x\r\n\r\n"
    assert echo.heard == []


def test_a_half_open_link_takes_and_never_answers(echo: Echo) -> None:
    with (
        BadNetwork(echo.address, Weather(silent=True)) as network,
        socket.create_connection(("127.0.0.1", network.port), timeout=0.3) as link,
    ):
        link.sendall(b"hello")
        with pytest.raises(TimeoutError):
            link.recv(10)
        network.weather = Weather()
        link.settimeout(20)
        assert link.recv(10) == b"hello"


def test_what_is_open_can_be_dropped_and_what_comes_refused(echo: Echo) -> None:
    with BadNetwork(echo.address) as network:
        with socket.create_connection(("127.0.0.1", network.port), timeout=20) as link:
            link.sendall(b"hello")
            assert link.recv(10) == b"hello"
            network.drop()
            with pytest.raises(ConnectionError):
                link.recv(10)
        network.weather = Weather(up=False)
        with pytest.raises(ConnectionError):
            say(network.port)


def test_a_proxy_tunnels_what_it_is_asked_to(echo: Echo) -> None:
    with BadNetwork(echo.address, proxy=True) as network:
        greeting = b"CONNECT shore.example:443 HTTP/1.1\r\nHost: shore.example\r\n\r\n"
        assert say(network.port, greeting + b"tunnelled").endswith(b"\r\n\r\ntunnelled")
        assert network.asked == ["CONNECT shore.example:443 HTTP/1.1"]
        assert say(network.port, b"GET http://x/ HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 405 ")


def until(condition: Callable[[], bool]) -> None:
    """Wait for what another thread does. Raises AssertionError after 20 s."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
