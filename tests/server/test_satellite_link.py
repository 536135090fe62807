"""Records by satellite from an outbox to a real shore, through a modem that does what it can to
prevent it: nothing is lost, nothing is there twice, and the shore's word comes back."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from edge.clock import SystemClock
from edge.config_link import SatelliteConfig
from edge.identity import Identity
from edge.links import BusyError, LinkError
from edge.links.modem import Modem, ModemError, Pace
from edge.links.purse import Purse
from edge.links.satellite import SatelliteLink
from edge.links.simulated_gateway import PushFaults, SimulatedGateway
from edge.links.simulated_modem import FAILURES, Faults, SimulatedModem
from edge.outbox import Draft, Outbox
from server.db.tables import LedgerEntry, SummaryRow
from server.satellite.gateway import hand_over
from server.shore import Shore
from wire.ack import Ack, decode_ack
from wire.codec import encode_batch
from wire.commands import check_command
from wire.records import Answer, BadFrame
from wire.records import Summary as SummaryRecord
from wire.short import Kind, Message, seal, short_id
from wire.shorthand import pack_ack
from wire.summary import Summary
from wire.summary_bits import encode

CLOCK = SystemClock(trust_system=False)
PACE = Pace(reply_s=0.1, session_s=0.1, step_s=0.001, off_s=0.02)
SETTINGS = SatelliteConfig(ack_wait_s=0.6, credits_day=10_000, resend_h=6.0)
TERRIBLE = Faults(
    lost=0.03, half=0.02, corrupt=0.03, twice=0.03, ring=0.1, stuck=0.005, fail=0.25, unheard=0.3
)


@dataclass
class Rig:
    """One instrument with an outbox, its modem, its gateway, and the shore behind."""

    outbox: Outbox
    link: SatelliteLink
    identity: Identity
    modem: SimulatedModem
    gateway: SimulatedGateway
    shore: Shore
    obeyed: list[bytes]

    def drain(self, rounds: int = 200) -> None:
        """Send until nothing waits, as the agent does."""
        for _ in range(rounds):
            batch = self.outbox.next_batch(1200)
            if batch is None:
                return
            with suppress(LinkError):
                self.outbox.acknowledge(self.link.send(encode_batch(batch.records)))
        raise AssertionError(f"{self.outbox.pending()} after {rounds} rounds, {self.modem.tally}")

    def held(self) -> int:
        with self.shore.database.read() as connection:
            return int(
                connection.execute(select(func.count()).select_from(LedgerEntry)).scalar() or 0
            )


@contextmanager
def rigged(
    tmp_path: Path,
    shore: Shore,
    address: str,
    claim: str,
    *,
    faults: Faults | None = None,
    pushes: PushFaults | None = None,
    settings: SatelliteConfig = SETTINGS,
    seed: int = 0,
) -> Iterator[Rig]:
    identity = Identity.load_or_make(tmp_path / "identity")
    said = {"claim": claim, "public_key": identity.public.text}
    answer = httpx.post(f"{address}/v1/enrol", json=said).json()
    identity.enrol(answer["device_id"], answer["release_key"], claim, answer["link_key"])
    push = f"{address}/v1/satellite/{shore.link_keys.gateway}"
    gateway = SimulatedGateway(push, ("127.0.0.1", 0), pushes, seed, retry_s=0.01)
    modem = SimulatedModem(gateway, "300234010753370", faults, seed)
    gateway.on_down = lambda imei: modem.ring()
    outbox = Outbox.open(tmp_path / "outbox", max_mb=16, reserve_mb=0, clock=CLOCK)
    obeyed: list[bytes] = []
    link = SatelliteLink(
        Modem(modem.port, 19200, PACE), settings, identity, outbox, CLOCK, PACE, obeyed.append
    )
    down = replace(shore, settings=replace(shore.settings, satellite_gateway=gateway.url))
    ended = threading.Event()

    def rounds() -> None:
        with httpx.Client(timeout=10) as client:
            while not ended.wait(0.02):
                hand_over(down, client)

    with gateway, modem:
        thread = threading.Thread(target=rounds)
        thread.start()
        try:
            yield Rig(outbox, link, identity, modem, gateway, shore, obeyed)
        finally:
            ended.set()
            thread.join(20)
            link.close()
            outbox.close()


@pytest.fixture
def claim(client: httpx.Client, project: int) -> str:
    body = {"project_id": project, "name": "far", "valid_h": 1}
    return str(client.post("/api/claims", json=body).json()["claim"])


def a_dive(n: int) -> Draft:
    cells = {(b, t): {2: 3.0 + n, 3: 1.0} for b in range(4) for t in range(1, 4)}
    [data] = encode(Summary("5f1c09aa", 10.0, frames=(9, 9, 9, 9), cells=cells))
    return Draft(SummaryRecord(data))


def test_a_summary_goes_as_one_message_and_is_the_same_record_on_every_link(
    tmp_path: Path, shore: Shore, client: httpx.Client, claim: str
) -> None:
    with rigged(tmp_path, shore, str(client.base_url).rstrip("/"), claim) as rig:
        rig.outbox.commit([a_dive(0)])
        batch = rig.outbox.next_batch(1200)
        assert batch is not None
        sealed = encode_batch(batch.records)
        assert rig.link.cost(sealed) == 2
        ack = rig.link.send(sealed)
        assert ack.upto == 1
        assert [len(data) <= 100 for _, _, data in rig.gateway.arrived] == [True]
        headers = {**rig.identity.sign("POST", "/v1/ingest", sealed)}
        again = httpx.post(f"{client.base_url}/v1/ingest", content=sealed, headers=headers)
        assert again.status_code == 200
        assert decode_ack(again.content).upto == 1
        assert decode_ack(again.content).rej == ()
        device = rig.identity.enrolment
        assert device is not None
        [dive] = client.get(f"/api/devices/{device.device_id}/summaries").json()
        assert dive["taxa"][0]["counts"] == [4, 4, 4, 4]


@pytest.mark.faults
@pytest.mark.parametrize(
    ("seed", "messages"),
    [(1, 4), *(pytest.param(n, 20, marks=pytest.mark.slow_faults) for n in range(2, 6))],
)
def test_through_a_terrible_modem_nothing_is_lost_or_doubled(
    tmp_path: Path, shore: Shore, client: httpx.Client, claim: str, seed: int, messages: int
) -> None:
    pushes = PushFaults(twice=0.2, later=0.3, lost=0.2)
    settings = replace(SETTINGS, resend_h=3e-4, ack_wait_s=0.3)
    address = str(client.base_url).rstrip("/")
    with rigged(
        tmp_path,
        shore,
        address,
        claim,
        faults=TERRIBLE,
        pushes=pushes,
        settings=settings,
        seed=seed,
    ) as rig:
        for n in range(messages):
            rig.outbox.commit([a_dive(n), Draft(BadFrame(f"f{n}", n, "dark"))])
        begun = time.monotonic()
        rig.drain()
        print(f"seed {seed}: {time.monotonic() - begun:.1f} s {rig.modem.tally}")
        assert rig.held() == 2 * messages
        with shore.database.read() as connection:
            assert (
                connection.execute(select(func.count()).select_from(SummaryRow)).scalar()
                == messages
            )
        assert rig.modem.tally.faults > messages


@pytest.mark.parametrize("status", FAILURES)
def test_no_other_status_means_sent(status: int) -> None:
    gateway = SimulatedGateway()
    faults = Faults(fail=1.0, statuses=(status,))
    with SimulatedModem(gateway, "1", faults) as simulated:
        modem = Modem(simulated.port, 19200, PACE)
        modem.wake()
        modem.load(b"x")
        assert not modem.session().sent
        assert not gateway.arrived
        modem.close()


def test_a_command_comes_down_once_and_is_answered_by_satellite(
    tmp_path: Path, shore: Shore, client: httpx.Client, claim: str
) -> None:
    with rigged(tmp_path, shore, str(client.base_url).rstrip("/"), claim) as rig:
        enrolment = rig.identity.enrolment
        assert enrolment is not None
        path = f"/api/devices/{enrolment.device_id}/commands"
        client.post(path, json={"name": "policy", "argument": {"satellite.every_h": 2}})
        for n in range(3):
            rig.outbox.commit([a_dive(n)])
            rig.drain()
        deadline_s = time.monotonic() + 10
        while not rig.obeyed and time.monotonic() < deadline_s:
            with suppress(LinkError):
                rig.link.hello(rig.outbox.epoch, 9, "s", None, 0)
        [blob] = rig.obeyed
        assert check_command(enrolment.key, enrolment.device_id, blob).number == 1
        rig.outbox.commit([Draft(Answer(1, True))])
        rig.drain()
        assert client.get(path).json()[0]["state"] == "done"


def test_a_command_leaves_at_once_where_the_device_was_last_heard(
    tmp_path: Path, shore: Shore, client: httpx.Client, claim: str
) -> None:
    with rigged(tmp_path, shore, str(client.base_url).rstrip("/"), claim) as rig:
        enrolment = rig.identity.enrolment
        assert enrolment is not None
        path = f"/api/devices/{enrolment.device_id}/commands"
        client.post(path, json={"name": "policy", "argument": {"satellite.every_h": 2}})
        assert client.get(path).json()[0]["state"] == "queued"  # nobody knows a way to it yet
        rig.outbox.commit([a_dive(0)])
        rig.drain()
        client.post(path, json={"name": "policy", "argument": {"satellite.every_h": 3}})
        assert {one["state"] for one in client.get(path).json()} == {"sent"}
        deadline_s = time.monotonic() + 10
        while len(rig.obeyed) < 2 and time.monotonic() < deadline_s:
            with suppress(LinkError):
                rig.link.hello(rig.outbox.epoch, 9, "s", None, 0)
        told = [check_command(enrolment.key, enrolment.device_id, blob) for blob in rig.obeyed]
        assert {one.number for one in told} == {1, 2}


def test_what_is_not_from_the_shore_is_not_believed(
    tmp_path: Path, shore: Shore, client: httpx.Client, claim: str
) -> None:
    with rigged(tmp_path, shore, str(client.base_url).rstrip("/"), claim) as rig:
        enrolment = rig.identity.enrolment
        assert enrolment is not None
        ack = pack_ack(Ack(rig.outbox.epoch, 10**6))
        message = Message(Kind.ACK, short_id(enrolment.device_id), ack)
        rig.gateway.send(rig.modem.imei, seal(bytes(32), message, 270))
        rig.gateway.send(rig.modem.imei, b"noise, not a message")
        rig.outbox.commit([a_dive(0)])
        batch = rig.outbox.next_batch(1200)
        assert batch is not None
        assert rig.link.send(encode_batch(batch.records)).upto == 1


def test_credits_are_kept_through_restarts(tmp_path: Path) -> None:
    def purse() -> Purse:
        return Purse(outbox, CLOCK, lambda: 20.0)

    with Outbox.open(tmp_path, max_mb=16, reserve_mb=0, clock=CLOCK) as outbox:
        for _ in range(4):
            purse().spend(5)
        with pytest.raises(BusyError, match="credits_day"):
            purse().spend(5)
        assert purse().left < 0.1


def test_a_modem_that_is_stuck_is_reset(tmp_path: Path) -> None:
    gateway = SimulatedGateway()
    with SimulatedModem(gateway, "1", Faults(stuck=0.2), seed=3) as simulated:
        modem, done = Modem(simulated.port, 19200, PACE), 0
        while done < 5:
            with suppress(ModemError):
                modem.wake()
                modem.load(b"x")
                done += modem.session().sent
        assert simulated.tally.resets > 0
        modem.close()
