"""Exactly once, however many ask at once: the same records shuffled, repeated, overlapping, over
several connections of a device, to several processes of which some are killed."""

import contextlib
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select

from models.bundle import Bundle
from server.bench.postgres import Postgres
from server.db import counts, sound
from server.db.tables import ExactValues, Image, LedgerEntry, Object, Pack
from server.demo.operator import Operator
from server.demo.processes import Shore as ShoreProcess
from server.demo.story import ADMIN, free_port
from server.settings import Settings
from server.shore import Admin, Shore, open_shore
from server.simulated import LinkError, SimulatedDevice, make_object, make_record, make_vignette
from server.store.packs import Place
from wire.codec import encode_record, record_hash

OBJECTS = 60
PASSWORD = "a long password"


class Instrument:
    """A device that forgets what was acknowledged and asks over several connections at once."""

    def __init__(self, device: SimulatedDevice, bundle: Bundle, number: int) -> None:
        self.device = device
        self.records: dict[int, bytes] = {}
        self._lock = threading.Lock()
        for n in range(OBJECTS):
            body = make_object(bundle, n, sample=f"cast {number}")
            empty = replace(body, measures=b"", embedding=b"", shape=b"", brief=bytes(80))
            wide = {name: getattr(body, name) for name in ("measures", "embedding", "shape")}
            vignette = make_vignette(2 * n + 1, measures_version=body.measures_version, **wide)
            for seq, one in ((2 * n + 1, empty), (2 * n + 2, vignette)):
                self.records[seq] = encode_record(make_record(seq, one))

    def send(self, address: str, seed: int) -> None:
        """Everything in random pieces that overlap, until each piece was acknowledged."""
        dice = random.Random(seed)
        seqs = list(self.records) + dice.choices(list(self.records), k=OBJECTS)
        dice.shuffle(seqs)
        with httpx.Client(base_url=address, timeout=60) as http:
            while seqs:
                size = dice.randint(1, 25)
                self._send(http, seqs[:size])
                seqs = seqs[size:]

    def _send(self, http: httpx.Client, seqs: list[int]) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with self._lock:
                self.device.counter += 1
                twin = replace(self.device, http=http, counter=self.device.counter)
            # 401: overtaken by a higher counter; no answer: its process was killed
            with contextlib.suppress(LinkError, httpx.HTTPError):
                ack = twin.ingest([self.records[seq] for seq in seqs])
                assert not ack.rej
                assert all(ack.covers(seq) for seq in seqs)
                return
            time.sleep(0.02)
        raise AssertionError("never acknowledged")


def together(work: list[Callable[[], None]]) -> None:
    failed: list[BaseException] = []

    def guarded(one: Callable[[], None]) -> None:
        try:
            one()
        except BaseException as error:  # told to the test's own thread
            failed.append(error)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failed


def assert_exactly_once(shore: Shore, instruments: list[Instrument]) -> None:
    """The database holds what the instruments sent, once, and nothing names what is not there."""
    with shore.database.read() as connection:
        ledger = connection.execute(select(LedgerEntry.seq, LedgerEntry.hash)).all()
        sent = [(seq, record_hash(r)) for one in instruments for seq, r in one.records.items()]
        assert sorted((seq, bytes(digest)) for seq, digest in ledger) == sorted(sent)
        objects = connection.execute(select(Object.device_id, Object.seq)).all()
        assert len(objects) == len(set(objects)) == OBJECTS * len(instruments)
        assert len(connection.execute(select(ExactValues.objid)).all()) == len(objects)
        columns = (Pack.name, Image.offset, Image.length)
        images = select(Image.object_seq, *columns).join(Pack, Pack.id == Image.pack_id)
        shown = connection.execute(images.where(Image.objid.is_not(None))).all()
        assert len(shown) == len(objects)
        for seq, *place in shown:
            assert shore.packs.read(Place(*place)) == make_vignette(seq).data
        assert counts.kept(connection) == counts.recount(connection)
        assert sound.orphans(connection) == []
        assert sound.uncounted(connection) == []


@pytest.mark.databases
def test_many_connections_of_two_devices_at_once(
    enrol: Callable[[str], SimulatedDevice], client: httpx.Client, bundle: Bundle, shore: Shore
) -> None:
    instruments = [Instrument(enrol(name), bundle, 0) for name in ("north", "south")]
    address = str(client.base_url)
    together(
        [
            lambda one=one, seed=seed: one.send(address, seed)  # type: ignore[misc] # bound now
            for one in instruments
            for seed in range(3)
        ]
    )
    assert_exactly_once(shore, instruments)


@pytest.fixture
def several(
    database_kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[tuple[ShoreProcess, Settings]]:
    """`seadrift serve` with two processes, on either database."""
    url = None
    if database_kind == "postgresql":
        server: Postgres = request.getfixturevalue("postgres")
        url = server.create(f"several{os.getpid()}")
    process = ShoreProcess(tmp_path / "shore", free_port(0), PASSWORD)
    process.start("--workers", "2", "--rate", "0", *(["--database", url] if url else []))
    yield process, Settings(tmp_path / "shore", database=url)
    process.kill()


def children(process: ShoreProcess) -> list[int]:
    """The processes that serve."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError, IndexError):
            parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
            command = (folder / "cmdline").read_bytes()
            if int(parent) == process.pid and b"spawn_main" in command:
                found.append(int(folder.name))
    return found


@pytest.mark.faults
@pytest.mark.databases
@pytest.mark.xdist_group("several")
def test_two_processes_of_which_some_are_killed(
    several: tuple[ShoreProcess, Settings], bundle: Bundle
) -> None:
    process, settings = several
    operator = Operator(process.url, ADMIN, PASSWORD)
    project = operator.post("/api/projects", {"title": "Baltic"})["project_id"]
    instruments = []
    with httpx.Client(base_url=process.url, timeout=60) as http:
        for name in ("north", "south"):
            asked = {"project_id": project, "name": name, "valid_h": 1}
            claim = operator.post("/api/claims", asked)["claim"]
            instruments.append(Instrument(SimulatedDevice.enrol(http, claim, name), bundle, 1))
    operator.close()
    killed: list[int] = []

    def kill() -> None:
        while len(killed) < 3:
            time.sleep(0.4)  # what is being written just then is what is random here
            for one in children(process)[:1]:
                os.kill(one, signal.SIGKILL)
                killed.append(one)

    senders = [
        lambda one=one, seed=seed: one.send(process.url, seed)  # type: ignore[misc] # bound now
        for one in instruments
        for seed in range(2)
    ]
    together([*senders, kill])
    assert process.stop() == 0
    shore = open_shore(settings, Admin())
    try:
        assert_exactly_once(shore, instruments)
    finally:
        shore.close()
