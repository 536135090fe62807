"""Releases: the bundles that the shore holds, and those that devices told of."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update

from server.db.dialect import insert_new
from server.db.hot import Among, Hot
from server.db.memory import learn, recall
from server.db.tables import Release


@dataclass(frozen=True)
class ReleaseInfo:
    """`file` is None for a release that a device named but the shore does not hold."""

    no: int
    release_id: str
    name: str
    file: str | None
    network: str | None
    classes: tuple[str, ...]
    figures: Mapping[str, Any]
    parent_no: int | None
    project_id: int | None
    signature: bytes | None
    created_ms: int


def register(
    connection: Connection,
    *,
    release_id: str,
    name: str,
    file: str,
    network: str,
    classes: Sequence[str],
    figures: Mapping[str, Any],
    parent_no: int | None,
    project_id: int | None,
    now_ms: int,
) -> int:
    """Enter a bundle that the shore holds now, unsigned; its number. A known one is completed."""
    number(connection, [release_id], now_ms)
    known = {
        "name": name,
        "file": file,
        "network": network,
        "classes": json.dumps(list(classes)),
        "figures": json.dumps(figures),
        "parent_no": parent_no,
        "project_id": project_id,
    }
    connection.execute(
        update(Release)
        .where(Release.release_id == release_id, Release.file.is_(None))
        .values(known)
    )
    query = select(Release.no).where(Release.release_id == release_id)
    return connection.execute(query).scalar_one()


def number(connection: Connection, release_ids: Iterable[str], now_ms: int) -> dict[str, int]:
    """The number of each release, entered as known by name alone where it is new."""
    wanted = set(release_ids)
    known = {release: recall(connection, "release", release) for release in wanted}
    ids = sorted(release for release, no in known.items() if no is None)
    if not ids:
        return known
    found: dict[str, int] = _NUMBERS.pairs(connection, ids=ids)
    rows = [
        {
            "release_id": release,
            "name": f"unknown {release[:8]}",
            "classes": "[]",
            "figures": "{}",
            "created_ms": now_ms,
        }
        for release in ids
        if release not in found
    ]
    if rows:
        insert_new(connection, Release, rows, ("release_id",))
        found = _NUMBERS.pairs(connection, ids=ids)
    for release, no in found.items():
        learn(connection, "release", release, no)
    return {**known, **found}


_NUMBERS = Hot(select(Release.release_id, Release.no).where(Among(Release.release_id, "ids")))


def sign(connection: Connection, no: int, signature: bytes) -> None:
    connection.execute(update(Release).where(Release.no == no).values(signature=signature))


def get(connection: Connection, release_id: str) -> ReleaseInfo | None:
    found = _find(connection, Release.release_id == release_id)
    return found[0] if found else None


def by_no(connection: Connection, nos: Iterable[int]) -> dict[int, ReleaseInfo]:
    return {info.no: info for info in _find(connection, Release.no.in_(sorted(set(nos))))}


def held(connection: Connection) -> list[ReleaseInfo]:
    """Releases whose bundle is here, newest first."""
    return _find(connection, Release.file.is_not(None))


def of_network(connection: Connection, network: str) -> list[int]:
    """Numbers of the releases that share a network: their embeddings are comparable."""
    return list(connection.execute(select(Release.no).where(Release.network == network)).scalars())


def _find(connection: Connection, condition: Any) -> list[ReleaseInfo]:
    query = select(
        Release.no,
        Release.release_id,
        Release.name,
        Release.file,
        Release.network,
        Release.classes,
        Release.figures,
        Release.parent_no,
        Release.project_id,
        Release.signature,
        Release.created_ms,
    ).where(condition)
    found = []
    for row in connection.execute(query.order_by(Release.no.desc())):
        signature = None if row.signature is None else bytes(row.signature)
        found.append(
            ReleaseInfo(
                row.no,
                row.release_id,
                row.name,
                row.file,
                row.network,
                tuple(json.loads(row.classes)),
                json.loads(row.figures),
                row.parent_no,
                row.project_id,
                signature,
                row.created_ms,
            )
        )
    return found
