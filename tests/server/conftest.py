"""A shore in a temporary folder behind a real socket, clients of people, and a device."""

import secrets
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import uvicorn

from models import factory
from models.bundle import Bundle
from server.app import create_app
from server.auth.tokens import token_hash
from server.bench.postgres import Postgres
from server.clock import now_ms
from server.db import sessions
from server.settings import Settings
from server.shore import Admin, Shore, open_shore
from server.simulated import SimulatedDevice

EMAIL, PASSWORD, TOKEN = "admin@sea.test", "a long password", "the administrator's token"
Login = Callable[[str, str], httpx.Client]
_DATABASE = shutil.ignore_patterns("seadrift.db*")


@pytest.fixture(scope="session")
def bundle() -> Bundle:
    """The release that is shipped."""
    return Bundle.load(factory.path())


@pytest.fixture(scope="session")
def first_start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that a first start leaves, with a login of the administrator; tests begin with a
    copy of it."""
    folder = tmp_path_factory.mktemp("first") / "shore"
    _first_start(Settings(data=folder))
    return folder


def _first_start(settings: Settings) -> None:
    opened = open_shore(settings, Admin(EMAIL, PASSWORD))
    with opened.database.write() as connection:
        sessions.begin(connection, token_hash(TOKEN), 1, "test", now_ms(), now_ms() + 10**9)
    opened.close()


@pytest.fixture(scope="session")
def first_start_postgres(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, first_start: Path
) -> str:
    """The same in a database of PostgreSQL, to be copied; its name."""
    folder = tmp_path_factory.mktemp("first") / "shore"
    shutil.copytree(first_start, folder, ignore=_DATABASE)
    _first_start(Settings(data=folder, database=postgres.create("first")))
    return "first"


@pytest.fixture
def settings(
    tmp_path: Path, first_start: Path, database_kind: str, request: pytest.FixtureRequest
) -> Iterator[Settings]:
    if database_kind == "sqlite":
        yield Settings(data=Path(shutil.copytree(first_start, tmp_path / "shore")))
        return
    postgres: Postgres = request.getfixturevalue("postgres")
    template: str = request.getfixturevalue("first_start_postgres")
    data = shutil.copytree(first_start, tmp_path / "shore", ignore=_DATABASE)
    name = f"t{secrets.token_hex(6)}"
    yield Settings(data=data, database=postgres.create(name, template))
    postgres.drop(name)


@contextmanager
def serving(shore: Shore) -> Iterator[str]:
    """The application on a free port, in a thread; its address."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # else asyncio leaves Nagle's delay on
    listening.bind(("127.0.0.1", 0))
    listening.listen()
    config = uvicorn.Config(
        create_app(shore), log_level="error", lifespan="off", proxy_headers=False
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


@pytest.fixture
def shore(settings: Settings) -> Iterator[Shore]:
    opened = open_shore(settings, Admin(EMAIL, PASSWORD))
    yield opened
    opened.close()


@pytest.fixture
def stranger(shore: Shore) -> Iterator[httpx.Client]:
    """A client that is nobody."""
    with serving(shore) as address, httpx.Client(base_url=address, timeout=60) as client:
        yield client


@pytest.fixture
def login(stranger: httpx.Client) -> Iterator[Login]:
    """Makes a client of a person by bearer token."""
    clients = []

    def enter(email: str, password: str) -> httpx.Client:
        body = {"email": email, "password": password}
        answer = httpx.post(f"{stranger.base_url}/api/login", json=body)
        assert answer.status_code == 200, answer.text
        headers = {"Authorization": f"Bearer {answer.json()['token']}"}
        clients.append(httpx.Client(base_url=stranger.base_url, headers=headers, timeout=60))
        return clients[-1]

    yield enter
    for client in clients:
        client.close()


@pytest.fixture
def client(stranger: httpx.Client) -> Iterator[httpx.Client]:
    """The administrator, logged in."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.Client(base_url=stranger.base_url, headers=headers, timeout=60) as client:
        yield client


@pytest.fixture
def project(client: httpx.Client) -> int:
    answer = client.post("/api/projects", json={"title": "Baltic"})
    assert answer.status_code == 201, answer.text
    return int(answer.json()["project_id"])


@pytest.fixture
def enrol(
    client: httpx.Client, stranger: httpx.Client, project: int
) -> Callable[[str], SimulatedDevice]:
    """Enrols a device of the project by a new claim."""

    def enter(name: str) -> SimulatedDevice:
        body = {"project_id": project, "name": name, "valid_h": 1}
        claim = client.post("/api/claims", json=body).json()["claim"]
        return SimulatedDevice.enrol(stranger, claim, name)

    return enter


@pytest.fixture
def device(enrol: Callable[[str], SimulatedDevice]) -> SimulatedDevice:
    return enrol("one")
