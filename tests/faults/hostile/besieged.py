"""A shore that is attacked: its own process, with people, an innocent instrument and a hostile one.

What must not change while strangers are at it is read from its database directly, so that nothing
the shore says of itself has to be believed.

Example:
    >>> with besieged(tmp_path) as place:
    ...     before = place.protected()
    ...     attack(place)
    ...     assert place.protected() == before
"""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from models import factory
from models.bundle import Bundle
from server.auth.roles import ROLES
from server.demo.processes import Shore
from server.demo.story import ADMIN, free_port
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.codec import encode_batch, encode_record
from wire.records import Body, Context, FrameSummary, Health, Record
from wire.signing import sign_request

PASSWORD = "a password for the siege"
PROTECTED = {
    "users": "SELECT id, email, name, role, active, password_hash FROM users",
    "tokens": "SELECT id, user_id, role, revoked_ms FROM personal_tokens",
    "sessions": "SELECT user_id, ended_ms FROM sessions ORDER BY token_hash",
    "devices": "SELECT device_id, project_id, status FROM devices",
    "keys": "SELECT device_id, public_key, next_key FROM devices WHERE name != 'hostile'",
    "claims": "SELECT id, used_ms FROM claims",
    "projects": "SELECT id, title FROM projects",
    "releases": "SELECT release_id, file, signature FROM releases WHERE file IS NOT NULL",
    "assignments": "SELECT device_id, deploy_seq, payload FROM assignments",
    "actions": "SELECT count(*) FROM actions",
    "objects": "SELECT o.objid, o.status, o.taxon_id, o.seq, o.bx, o.score FROM objects o JOIN"
    " devices d ON d.id = o.device_id WHERE d.name != 'hostile' ORDER BY o.objid",
    "images": "SELECT count(*) FROM images i JOIN devices d ON d.id = i.device_id"
    " WHERE d.name != 'hostile'",
}
"""What no stranger and no instrument may change."""
_BY_HAND = {"actions", "objects"}
_MANAGED = {*_BY_HAND, "devices", "claims", "projects", "releases", "assignments"}
MUST_STAY: dict[str, set[str]] = {
    "": set(PROTECTED),
    "viewer": set(PROTECTED),
    "annotator": set(PROTECTED) - _BY_HAND,
    "manager": set(PROTECTED) - _MANAGED,
    "administrator": {"images"},
}
"""What a role may not change, whatever it asks over the API ("": strangers)."""


@dataclass
class Place:
    shore: Shore
    port: int
    data: Path
    project: int
    tokens: dict[str, str]  # by role
    innocent: SimulatedDevice
    hostiles: list[SimulatedDevice]
    records: list[bytes]  # good ones, encoded
    picture: bytes
    gateway: str  # where a satellite gateway pushes to
    overheard: list[tuple[str, bytes, dict[str, str]]]  # requests of the innocent, as they went

    def protected(self) -> dict[str, str]:
        """A hash of each protected part of the database."""
        with closing(
            sqlite3.connect(f"file:{self.data}/seadrift.db?mode=ro", uri=True)
        ) as database:
            return {
                name: hashlib.sha256(repr(database.execute(query).fetchall()).encode()).hexdigest()
                for name, query in PROTECTED.items()
            }

    def resident_mb(self) -> float:
        """Memory of the shore's process."""
        status = Path(f"/proc/{self.shore.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024

    def traces(self) -> str:
        """What the shore wrote of mistakes of its own."""
        said = self.shore.log.read_text(errors="replace")
        return said[said.find("Traceback") :][:4000] if "Traceback" in said else ""


@contextmanager
def besieged(folder: Path, hostiles: int = 1) -> Iterator[Place]:
    """The shore and all that is in it, so many hostile instruments too; killed at the end."""
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port(0)
    shore = Shore(folder / "data", port, PASSWORD)
    shore.start("--rate", "0")
    try:
        with httpx.Client(base_url=shore.url, timeout=60) as http:
            yield _settled(shore, http, port, folder / "data", hostiles)
    finally:
        shore.kill()


def _settled(shore: Shore, http: httpx.Client, port: int, data: Path, hostiles: int) -> Place:
    answer = http.post("/api/login", json={"email": ADMIN, "password": PASSWORD}).json()
    operator = {"Authorization": f"Bearer {answer['token']}"}
    http.cookies.clear()

    def post(path: str, body: dict[str, Any]) -> Any:
        found = http.post(path, json=body, headers=operator)
        assert found.status_code in (200, 201), found.text
        return found.json()

    project = int(post("/api/projects", {"title": "protected"})["project_id"])
    tokens = {role: _token(http, post, role) for role in ROLES}
    devices = []
    for name in ("innocent", *["hostile"] * hostiles):
        claim = post("/api/claims", {"project_id": project, "name": name})["claim"]
        devices.append(SimulatedDevice.enrol(http, claim, name))
    records = [encode_record(record) for record in _records()]
    innocent = devices[0]
    innocent.ingest(records)
    gateway = http.get("/api/satellite/address", headers=operator).json()["path"]
    return Place(
        shore, port, data, project, tokens, innocent, devices[1:], records,
        make_vignette(1).data, gateway, [_overheard(innocent, records)],
    )  # fmt: skip


def _token(http: httpx.Client, post: Any, role: str) -> str:
    """A personal token of a new person of this role."""
    email = f"{role}@siege.test"
    password = post("/api/users", {"email": email, "role": role})["password"]
    answer = http.post("/api/login", json={"email": email, "password": password}).json()
    http.cookies.clear()
    mine = {"Authorization": f"Bearer {answer['token']}"}
    made = http.post("/api/tokens", json={"name": "siege", "role": role}, headers=mine)
    return str(made.json()["token"])


def _overheard(device: SimulatedDevice, records: list[bytes]) -> tuple[str, bytes, dict[str, str]]:
    """A request that was taken, as a thief on the network has it."""
    body = encode_batch(records)
    device.counter += 1
    path = "/v1/ingest"
    headers = sign_request(device.key, device.device_id, device.counter, "POST", path, body)
    assert device.http.request("POST", path, content=body, headers=headers).status_code == 200
    return path, body, headers


def _records() -> list[Record]:
    """One of each kind, and some objects with their images."""
    bundle = Bundle.load(factory.path())
    place = {"sample": "cast1", "acquisition": "a1", "process": "p1"}
    context = Context(
        project="protected", instrument="test", pixel_um=7.4, optical_field="dark",
        software="seadrift", release=bundle.release_id, measures_version=1, **place,
    )  # fmt: skip
    frame = FrameSummary(
        frame="f00000", frame_index=0, width=400, height=300, objects=3, specks=1, dropped=0,
        brightness=12.0, ms={"segment": 3.0}, **place,
    )  # fmt: skip
    health = Health(uptime_s=3.0, pending=0, pending_bytes=0, disk_free_mb=900.0, release=None)
    bodies: list[Body] = [context, frame, health]
    bodies += [make_object(bundle, n) for n in range(6)]
    bodies += [make_vignette(5 + n) for n in range(6)]
    return [make_record(1 + n, body) for n, body in enumerate(bodies)]
