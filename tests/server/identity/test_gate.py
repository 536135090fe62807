"""What is turned away at the door: other sites, other names, too much, too fast, and silence."""

import contextlib
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from server.auth.rates import Buckets
from server.connections import Door
from server.demo.processes import Shore as Process
from server.demo.story import ADMIN, free_port
from server.guard import BodyLimit
from server.limits import Crowd, Limits
from server.settings import Settings, SettingsError
from server.shore import Shore
from tests.server.conftest import serving

PASSWORD = "a password for the gate"
LOGIN = {"email": ADMIN, "password": PASSWORD}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Sec-Fetch-Site": "same-origin"}, 401),
        ({"Sec-Fetch-Site": "none"}, 401),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Host": "evil.example"}, 421),
        ({"Host": "["}, 421),
    ],
)
def test_a_change_is_not_asked_for_from_another_site(
    stranger: httpx.Client, headers: dict[str, str], status: int
) -> None:
    assert stranger.post("/api/login", json=LOGIN, headers=headers).status_code == status


def test_pages_may_be_reached_from_links_of_other_sites(stranger: httpx.Client) -> None:
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert stranger.get("/login", headers=headers).status_code == 200
    assert stranger.get("/v1/ping", headers={"Host": "shore.example"}).status_code == 200


def test_a_client_is_believed_only_through_its_proxy(shore: Shore) -> None:
    forwarded = {"X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https", "Host": "shore.sea"}
    for proxies, secure in (((), False), (("127.0.0.1",), True), (("10.0.0.0/8",), False)):
        settings = replace(shore.settings, proxies=proxies)
        body = {"email": "admin@sea.test", "password": "a long password"}
        with serving(replace(shore, settings=settings)) as address:
            answer = httpx.post(f"{address}/api/login", json=body, headers=forwarded, timeout=60)
        if not proxies:
            assert answer.status_code == 421
            continue
        assert ("__Host-" in answer.headers["set-cookie"]) == secure
        assert ("strict-transport-security" in answer.headers) == secure


def test_who_asks_too_fast_is_told_when_to_come_back(shore: Shore) -> None:
    slow = Buckets(per_s=1, burst=5)
    limits = Limits(slow, Buckets(0, 0), Buckets(0, 0))
    with serving(replace(shore, limits=limits)) as address, httpx.Client() as client:
        answers = [client.get(f"{address}/v1/ping") for _ in range(12)]
    assert [a.status_code for a in answers[:5]] == [200] * 5
    refused = [a for a in answers if a.status_code == 429]
    assert refused
    assert all(int(a.headers["Retry-After"]) >= 1 for a in refused)


def test_a_bucket_fills_again_and_never_above_its_size() -> None:
    bucket = Buckets(per_s=2, burst=3)
    assert [bucket.take("a", 0.0) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take("b", 0.0) == 0
    assert bucket.take("a", 0.5) == 0
    assert [bucket.take("a", 1000.0) for _ in range(4)] == [0, 0, 0, 0.5]


def test_limits_cannot_be_used_to_fill_memory() -> None:
    bucket = Buckets(per_s=1, burst=1, keys_max=100)
    for n in range(10_000):
        bucket.take(f"10.{n}", 0.0)
    assert len(bucket) == 100


def test_so_many_at_a_time_and_no_more() -> None:
    crowd = Crowd(most=3, most_of_one=2)
    with crowd.enter("a") as first, crowd.enter("a") as second, crowd.enter("a") as third:
        assert (first, second, third) == (True, True, False)
        with crowd.enter("b") as fourth, crowd.enter("c") as fifth:
            assert (fourth, fifth) == (True, False)
    with crowd.enter("a") as again:
        assert again


def test_the_door_counts_connections_out_again() -> None:
    door = Door(most=3, most_of_one=2, proxies=frozenset({"p"}))
    assert [door.enter("a"), door.enter("a"), door.enter("a")] == [True, True, False]
    door.leave("a")
    assert [door.enter("p"), door.enter("p"), door.enter("p")] == [True, True, False]
    for who in ("a", "p", "p"):
        door.leave(who)
    assert not door.inside


@pytest.fixture
def impatient(shore: Shore, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, int]]:
    """A shore that waits half a second for the next piece of a body; where it is."""
    monkeypatch.setattr(BodyLimit.__init__, "__defaults__", (0.5,))
    with serving(shore) as address:
        yield "127.0.0.1", int(address.rpartition(":")[2])


def test_a_body_that_does_not_come_ends_the_request(impatient: tuple[str, int]) -> None:
    head = b"POST /api/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    head += b"Content-Length: 50\r\n\r\n{"
    with closing(socket.create_connection(impatient, 20)) as one:
        one.sendall(head)
        assert b" 408 " in one.recv(200)
    with closing(socket.create_connection(impatient, 20)) as one:
        one.sendall(head + b'"email": "a", "password": "b"}'.ljust(49))
        assert b" 401 " in one.recv(200), "one that comes in time is taken"


def test_a_shore_holds_off_a_thousand_silent_connections(tmp_path: Path) -> None:
    port = free_port(0)
    shore = Process(tmp_path / "data", port, PASSWORD)
    shore.start()
    silent: list[socket.socket] = []
    try:
        for _ in range(300):
            silent.append(socket.create_connection(("127.0.0.1", port), 20))
            silent[-1].settimeout(20)
        refused = 0
        for one in silent[200:]:
            try:
                refused += one.recv(1) == b""
            except ConnectionError:
                refused += 1
        assert refused == 100, "beyond 200 of one address each is hung up on at once"
        for one in silent[:50]:
            one.close()
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                assert httpx.get(f"{shore.url}/v1/ping", timeout=20).status_code == 200
                break
            except httpx.TransportError:
                time.sleep(0.05)
        else:
            pytest.fail("there is no room again after the silent have gone")
    finally:
        for one in silent:
            one.close()
        shore.kill()


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        (Settings(Path("x"), proxies=("everyone",)), "--proxy everyone"),
        (Settings(Path("x"), requests_per_s=-1), "--rate"),
        (Settings(Path("x"), host="0.0.0.0", proxies=("127.0.0.1",)), "--host"),  # noqa: S104
    ],
)
def test_settings_that_must_not_be_served(settings: Settings, word: str) -> None:
    with pytest.raises(SettingsError, match=word):
        settings.check()


def test_the_api_is_described_to_who_is_logged_in(
    client: httpx.Client, stranger: httpx.Client
) -> None:
    """A stranger is told EcoTaxa's part alone: its clients read it before they log in."""
    ours = {"/v1/ingest", "/api/tokens", "/api/audit"}
    told = set(stranger.get("/api/openapi.json").json()["paths"])
    assert "/users/me" in told
    assert not {path for path in told if path.startswith(("/api", "/v1"))}
    described = client.get("/api/openapi.json").json()["paths"]
    assert ours | told <= set(described)


@pytest.mark.parametrize("pause_s", [0.0, 0.2])
def test_nonsense_behind_a_good_beginning_leaves_no_trace(tmp_path: Path, pause_s: float) -> None:
    """Its answer may be under way, or sent, when the body turns out to be no HTTP."""
    port = free_port(0)
    shore = Process(tmp_path / "data", port, PASSWORD)
    shore.start()
    try:
        for path in (b"/v1/ping", b"/v1/hello", b"/login"):
            for method in (b"GET", b"POST"):
                head = method + b" " + path + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                head += b"Transfer-Encoding: chunked\r\n\r\n"
                with closing(socket.create_connection(("127.0.0.1", port), 20)) as one:
                    one.sendall(head if pause_s else head + b"no length\r\n")
                    time.sleep(pause_s)
                    with contextlib.suppress(ConnectionError):
                        one.sendall(b"no length\r\n")
                        answers = b"".join(iter(lambda: one.recv(65536), b""))
                        assert answers.count(b"HTTP/1.1 ") <= 1 + (pause_s > 0)
        assert httpx.get(f"{shore.url}/v1/ping", timeout=20).status_code == 200
        assert "Traceback" not in shore.log.read_text()
    finally:
        shore.kill()
