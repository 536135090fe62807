"""A device changes its key: both are good until the new one is used; no power cut parts it from its
shore."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cbor2
import httpx
import pytest

from edge import keys
from edge.carriers.rotation import change_key
from edge.config import ShoreConfig
from edge.identity import Identity
from edge.links import LinkError
from edge.links.https import HttpsLink
from models.bundle import Bundle
from server.db import fleet
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record
from wire.ack import Ack
from wire.codec import encode_batch, encode_record
from wire.signing import PrivateKey, prove_key

Enrol = Callable[[str], SimulatedDevice]


@pytest.fixture
def identity(
    client: httpx.Client, stranger: httpx.Client, project: int, tmp_path: Path
) -> Identity:
    """An instrument's real identity, enrolled."""
    made = Identity.load_or_make(tmp_path / "identity")
    claim = client.post("/api/claims", json={"project_id": project}).json()["claim"]
    with_link = link(made, stranger)
    answer = with_link.enrol(claim, "north", "desktop", "test")
    with_link.close()
    made.enrol(answer.device_id, answer.release_key, claim)
    return made


def link(identity: Identity, http: httpx.Client) -> HttpsLink:
    return HttpsLink(ShoreConfig(url=str(http.base_url).rstrip("/")), identity, timeout_s=30)


def send(identity: Identity, http: httpx.Client, bundle: Bundle, seq: int) -> Ack:
    one = link(identity, http)
    try:
        return one.send(encode_batch([encode_record(make_record(seq, make_object(bundle, seq)))]))
    finally:
        one.close()


def announce(device: SimulatedDevice, new: PrivateKey, old: PrivateKey, **changes: Any) -> Any:
    said = {"public_key": new.public.text, "proof": prove_key(new, device.device_id, old.public)}
    return device.send("POST", "/v1/key", cbor2.dumps({**said, **changes}))


def test_both_keys_are_good_until_the_first_request_with_the_new_one(
    device: SimulatedDevice,
) -> None:
    old, new = device.key, PrivateKey.make()
    assert announce(device, new, old).status_code == 200
    device.hello()
    assert announce(device, new, old).status_code == 200, "a lost answer: asked again"
    device.key = new
    device.hello()
    device.key = old
    assert device.send("POST", "/v1/hello", b"").status_code == 401
    device.key = new
    device.hello()


def test_a_key_is_announced_only_by_who_holds_both(device: SimulatedDevice, enrol: Enrol) -> None:
    other, new = enrol("two"), PrivateKey.make()
    thief = PrivateKey.make()
    assert announce(device, new, old=thief).status_code == 400
    assert announce(device, new, device.key, public_key=thief.public.text).status_code == 400
    assert announce(other, new, device.key).status_code == 400, "made for another device"
    assert announce(device, new, device.key, public_key="%%").status_code == 400
    assert announce(device, other.key, device.key).status_code == 409, "another device's key"
    device.key = thief
    assert announce(device, new, thief).status_code == 401


def test_a_revoked_device_changes_no_key(device: SimulatedDevice, client: httpx.Client) -> None:
    new = PrivateKey.make()
    announce(device, new, device.key)
    client.post(f"/api/devices/{device.device_id}/revoke")
    assert announce(device, PrivateKey.make(), device.key).status_code == 403
    device.key = new
    assert device.send("POST", "/v1/hello", b"").status_code == 403


class CutError(Exception):
    """The power fails here."""


STEPS = ("before the next key is written", "after it", "before the shore hears", "answer lost",
         "before the rename", "after the rename")  # fmt: skip


@pytest.mark.parametrize("step", STEPS)
def test_a_power_cut_at_any_step_parts_no_device_from_its_shore(
    step: str,
    identity: Identity,
    stranger: httpx.Client,
    shore: Shore,
    bundle: Bundle,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = identity.public
    with monkeypatch.context() as patch, pytest.raises(CutError):
        change_until(step, identity, stranger, patch)
    after = Identity.load_or_make(identity.folder)
    assert send(after, stranger, bundle, seq=1).upto == 1, step
    keys.prepare_next(after.folder)
    one = link(after, stranger)
    assert change_key(after, one)
    one.close()
    assert send(Identity.load_or_make(after.folder), stranger, bundle, seq=2).upto == 2
    assert after.enrolment is not None
    with shore.database.read() as connection:
        device = fleet.device(connection, after.enrolment.device_id)
    assert device is not None
    assert (device.public_key, device.next_key) == (after.public.raw, None)
    assert after.public != before


def change_until(
    step: str, identity: Identity, http: httpx.Client, patch: pytest.MonkeyPatch
) -> None:
    cut_at(step, patch)
    keys.prepare_next(identity.folder)
    if step == "after it":
        raise CutError
    one = link(identity, http)
    try:
        change_key(identity, one)
    finally:
        one.close()
    raise CutError  # "after the rename": nothing of the new key was used yet


def cut_at(step: str, patch: pytest.MonkeyPatch) -> None:
    def cut(*_: object, **__: object) -> None:
        raise CutError

    announce_key = HttpsLink.announce_key

    def lost(self: HttpsLink, key: Any) -> None:
        announce_key(self, key)
        raise CutError

    if step == "before the next key is written":
        patch.setattr(keys, "write_key", cut)
    elif step == "before the shore hears":
        patch.setattr(HttpsLink, "announce_key", cut)
    elif step == "answer lost":
        patch.setattr(HttpsLink, "announce_key", lost)
    elif step == "before the rename":
        patch.setattr(keys.os, "replace", replace_but(keys.NEXT, keys.os.replace))


def replace_but(name: str, real: Callable[..., None]) -> Callable[..., None]:
    def replace(old: Path, new: Path) -> None:
        if Path(old).name == name:
            raise CutError
        real(old, new)

    return replace


def test_a_link_that_is_down_leaves_the_change_for_later(identity: Identity) -> None:
    keys.prepare_next(identity.folder)
    dead = HttpsLink(ShoreConfig(url="http://127.0.0.1:9"), identity, timeout_s=1)
    with pytest.raises(LinkError):
        change_key(identity, dead)
    dead.close()
    assert identity.announcement() is not None
