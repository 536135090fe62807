"""Commands for devices: what the shore asks of one, and what became of it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from models.bundle import Bundle
from server.api.deps import Manager, ShoreDep, Viewer, WitnessDep
from server.api.rights import need_device, need_release
from server.clock import now_ms
from server.db import commands, releases, satellite
from server.db.fleet import DeviceInfo
from server.db.users import UserInfo
from server.errors import ApiError
from server.fleet.registry import ReleaseRefusedError, assign
from server.satellite.intake import queue_commands
from server.shore import Shore
from server.store import bundles
from wire.commands import CommandError

router = APIRouter(prefix="/api/devices", tags=["devices"])


class NewCommand(BaseModel):
    """`argument` as in wire.commands; or easier: vignettes {"objids": [...]}, thresholds
    {"release": id, "unknown": 0-1, "taxa": {name: 0-1}}, assign {"release": id}."""

    name: str = Field(min_length=1, max_length=20)
    argument: Any = None


@router.get("/{device_id}/commands")
def listed(
    shore: ShoreDep,
    user: Viewer,
    device_id: str,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[dict[str, Any]]:
    """The newest first: {number, name, argument, state, text, user, created_ms, sent_ms,
    answered_ms}. `state`: "queued"; "sent" (handed to a link); "done" or "failed" (the device
    answered, `text` says why). A wiped device cannot answer: its wipe stays "sent"."""
    with shore.database.read() as connection:
        device = need_device(connection, user, device_id)
        return commands.latest(connection, device.pk, limit)


@router.post("/{device_id}/commands", status_code=201)
def command(
    shore: ShoreDep, user: Manager, witness: WitnessDep, device_id: str, body: NewCommand
) -> dict[str, Any]:
    """{number, state}. It leaves at once where the device was last heard by satellite, otherwise
    with the next answer to it. 422 for an argument that makes no sense, with what was expected."""
    now = now_ms()
    try:
        with shore.database.read() as connection:
            device = need_device(connection, user, device_id, "manage")
        argument = _argument(shore, device, body, user, now)
        with shore.database.write() as connection:
            number = commands.add(
                connection,
                shore.release_key,
                device,
                body.name,
                argument,
                user_id=user.id,
                now_ms=now,
            )
            witness.note(connection, "device.command", device_id, detail=f"{number} {body.name}")
            if satellite.was_last(connection, device.pk):
                queue_commands(connection, device.pk, now)
    except (CommandError, ReleaseRefusedError) as error:
        raise ApiError(422, "command", str(error)) from error
    return {"number": number, "state": "queued"}


def _argument(shore: Shore, device: DeviceInfo, body: NewCommand, user: UserInfo, now: int) -> Any:
    """The argument as the device understands it. Raises CommandError or ReleaseRefusedError."""
    said = body.argument
    if not isinstance(said, dict):
        return said
    if body.name == "vignettes" and isinstance(said.get("objids"), list):
        return _names(shore, device, said["objids"])
    if body.name == "thresholds" and isinstance(said.get("taxa"), dict):
        return _thresholds(shore, user, said)
    if body.name == "thresholds" and isinstance(said.get("nodes"), dict):
        whole = {int(k) if str(k).isdigit() else k: v for k, v in said["nodes"].items()}
        return {**said, "nodes": whole}
    if body.name == "assign":
        release = str(said.get("release"))
        with shore.database.read() as connection:
            need_release(connection, user, release)
        [(_, deploy_seq)] = assign(
            shore.database,
            shore.release_key,
            release,
            [device.device_id],
            user_id=user.id,
            now_ms=now,
        )
        return [deploy_seq, release[:16]]
    return said


def _names(shore: Shore, device: DeviceInfo, objids: list[Any]) -> list[list[int]]:
    wanted = [objid for objid in objids if isinstance(objid, int) and 0 < objid < 2**62][:100]
    with shore.database.read() as connection:
        found = commands.names_of(connection, device.pk, wanted)
    if len(found) < len(objids):
        raise CommandError(f"vignettes: {len(objids) - len(found)} are no objects of this device")
    return found


def _thresholds(shore: Shore, user: UserInfo, said: dict[str, Any]) -> dict[str, Any]:
    with shore.database.read() as connection:
        need_release(connection, user, str(said.get("release")))
        found = releases.get(connection, str(said.get("release")))
    if found is None or found.file is None:
        raise CommandError("thresholds release: expected the id of a release that the shore holds")
    bundle = Bundle.load(bundles.load(shore.settings.releases, found.file))
    places = {name: place for place, name in enumerate(bundle.head.tree.nodes)}
    unknown = sorted(set(said["taxa"]) - set(places))
    if unknown:
        raise CommandError(f"thresholds taxa: release {found.name} has no {unknown[0]:.60}")
    nodes = {places[name]: least for name, least in said["taxa"].items()}
    rest = {key: value for key, value in said.items() if key not in ("taxa", "release")}
    return {**rest, "release": found.release_id[:8], "nodes": nodes}
