"""Bundles that the shore holds: registered unsigned, signed by a person, assigned to devices.

Only a signed release can be assigned. Every assignment is signed too, for one device, with a
`deploy_seq` that only rises; going back is a new assignment of an older release.

Example:
    >>> release_id = register(database, folder, data, parent_no=1, project_id=2, now_ms=now)
    >>> sign(database, key, release_id)
    >>> assign(database, key, release_id, ["d1"], user_id=1, now_ms=now)
    [('d1', 4)]
"""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Connection

from models import factory
from models.bundle import Bundle
from server.db import fleet, releases
from server.db.engine import Database
from server.store import bundles
from wire.release import Assignment, sign_assignment, sign_release
from wire.signing import PrivateKey


class ReleaseRefusedError(ValueError):
    """The release or the device cannot be used so; the message says why."""


def register(
    database: Database,
    folder: Path,
    data: bytes,
    *,
    parent_no: int | None,
    project_id: int | None,
    now_ms: int,
) -> str:
    """Check a bundle, keep it, enter it unsigned; its release id. Raises BundleError."""
    bundle = Bundle.load(data)
    file = bundles.save(folder, bundle.release_id, data)
    with database.write() as connection:
        releases.register(
            connection,
            release_id=bundle.release_id,
            name=bundle.name,
            file=file,
            network=str(bundle.manifest["network"]),
            classes=bundle.classes,
            figures=dict(bundle.card.get("summary") or {}),
            parent_no=parent_no,
            project_id=project_id,
            now_ms=now_ms,
        )
    return bundle.release_id


def register_factory(database: Database, folder: Path, key: PrivateKey, now_ms: int) -> str:
    """The release that every device is shipped with: registered and signed. Its id."""
    data = Path(factory.path()).read_bytes()
    release_id = register(database, folder, data, parent_no=None, project_id=None, now_ms=now_ms)
    sign(database, key, release_id)
    return release_id


def sign(database: Database, key: PrivateKey, release_id: str) -> None:
    """Sign a release that the shore holds; again is no harm. Raises ReleaseRefusedError."""
    with database.write() as connection:
        found = releases.get(connection, release_id)
        if found is None or found.file is None:
            raise ReleaseRefusedError(f"the shore holds no release {release_id[:64]}")
        if found.signature is None:
            releases.sign(connection, found.no, sign_release(key, release_id))


def assign(
    database: Database,
    key: PrivateKey,
    release_id: str,
    device_ids: Sequence[str] | None,
    *,
    user_id: int,
    now_ms: int,
) -> list[tuple[str, int]]:
    """Tell devices (None: all active ones) to run a signed release; (device, deploy_seq) of each.

    All or none. Raises ReleaseRefusedError.
    """
    with database.write() as connection:
        found = releases.get(connection, release_id)
        if found is None or found.file is None:
            raise ReleaseRefusedError(f"the shore holds no release {release_id[:64]}")
        if found.signature is None:
            raise ReleaseRefusedError(f"release {found.name} is not signed: sign it first")
        chosen = _chosen(connection, device_ids)
        done = []
        for device, pk in chosen.items():
            deploy_seq = fleet.last_deploy_seq(connection, pk) + 1
            assignment = Assignment(device, deploy_seq, release_id, now_ms, found.signature)
            fleet.add_assignment(
                connection,
                pk=pk,
                deploy_seq=deploy_seq,
                release_no=found.no,
                payload=sign_assignment(key, assignment),
                user_id=user_id,
                now_ms=now_ms,
            )
            done.append((device, deploy_seq))
    return done


def _chosen(connection: Connection, device_ids: Sequence[str] | None) -> dict[str, int]:
    """The rows of these active devices (None: of all). Raises ReleaseRefusedError."""
    rows = fleet.all_devices(connection)
    active = {row["device_id"]: row["pk"] for row in rows if row["status"] == "active"}
    unknown = [device for device in device_ids or () if device not in active]
    if unknown:
        raise ReleaseRefusedError(f"no active device {', '.join(unknown)[:200]}")
    return {device: active[device] for device in (active if device_ids is None else device_ids)}
