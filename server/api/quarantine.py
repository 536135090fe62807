"""What was set aside: managers look, administrators repair, replay and discard.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" "$SHORE/api/quarantine?code=schema&limit=20"
"""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from server.api.deps import Administrator, Manager, ShoreDep, Witness, WitnessDep
from server.api.objects import FOR_EVER, ID_MAX, IMAGE_HEADERS
from server.clock import now_ms
from server.db import quarantine
from server.db.quarantine import OPEN, STATES, Kept, Wanted
from server.errors import ApiError, not_found
from server.quarantine import acts
from server.quarantine.actor import Actor
from server.quarantine.acts import Done, SettledError
from server.quarantine.look import look, safe_image
from server.quarantine.repair import RepairError
from server.quarantine.replay import NoEntryError, replay
from server.shore import Shore

router = APIRouter(prefix="/api/quarantine", tags=["quarantine"])
AT_ONCE = 500
"""Entries that one request decides about at most."""
Code = Literal["schema", "too_big", "hash_conflict", "revoked", "newer"]
State = Literal["open", "waiting", "repaired", "replayed", "discarded", "all"]


class EntryFilter(BaseModel):
    """Which entries; a misspelt name is refused. `state` "open": waiting or repaired."""

    model_config = ConfigDict(extra="forbid")

    device: str | None = Field(default=None, max_length=40)
    code: Code | None = None
    state: State = "open"

    @property
    def wanted(self) -> Wanted:
        groups = {"open": OPEN, "all": STATES}
        return Wanted(self.device, self.code, groups.get(self.state, (self.state,)))


class PageQuery(EntryFilter):
    limit: int = Field(default=100, ge=1, le=500)
    before: int | None = Field(default=None, ge=1, lt=ID_MAX)


class Choice(BaseModel):
    """Entries by number, or those that fit a filter, oldest first, AT_ONCE at most."""

    model_config = ConfigDict(extra="forbid")

    ids: list[Annotated[int, Field(ge=1, lt=ID_MAX)]] | None = Field(
        default=None, max_length=AT_ONCE
    )
    filter: EntryFilter | None = None


class Replay(Choice):
    original: bool = False


class Discard(Choice):
    reason: str = Field(min_length=1, max_length=1000)


class Repair(BaseModel):
    """`text` as the entry gave it, edited; None: as it is. `drop`: fields, keys joined by dots."""

    model_config = ConfigDict(extra="forbid")

    text: str | None = None
    drop: list[Annotated[str, Field(max_length=500)]] = Field(default=[], max_length=50)


@router.get("")
def listing(
    shore: ShoreDep, user: Manager, asked: Annotated[PageQuery, Query()]
) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        return quarantine.listing(connection, asked.wanted, asked.limit, asked.before)


@router.get("/counts")
def counts(shore: ShoreDep, user: Manager, device: str | None = None) -> list[dict[str, Any]]:
    with shore.database.read() as connection:
        return quarantine.counts(connection, Wanted(device))


@router.get("/{entry_id}")
def one(shore: ShoreDep, user: Manager, entry_id: int) -> dict[str, Any]:
    """One entry decoded as far as possible; `repaired` is how its latest repair looks."""
    return shown(shore, entry_id)


def shown(shore: Shore, entry_id: int) -> dict[str, Any]:
    """An entry as pages and scripts see it. Raises ApiError 404."""
    kept = _existing(shore, entry_id)
    with shore.database.read() as connection:
        done = quarantine.events(connection, entry_id)
    return {
        "id": kept.id,
        "device_id": kept.device_id,
        "epoch": kept.epoch,
        "seq": kept.seq,
        "code": kept.code,
        "detail": kept.detail,
        "state": kept.state,
        "bytes": len(kept.data),
        "sha256": kept.hash.hex(),
        "original": look(kept.data, kept.code),
        "repaired": None if kept.repaired is None else look(kept.repaired, kept.code),
        "events": done,
    }


@router.get("/{entry_id}/bytes")
def original(shore: ShoreDep, user: Manager, entry_id: int) -> Response:
    """The bytes as they came."""
    name = f'attachment; filename="quarantine-{entry_id}.cbor"'
    kept = _existing(shore, entry_id)
    return Response(kept.data, media_type="application/cbor", headers={"Content-Disposition": name})


@router.get("/{entry_id}/image")
def image(shore: ShoreDep, user: Manager, entry_id: int) -> Response:
    data = safe_image(_existing(shore, entry_id).data)
    if data is None:
        raise not_found(f"image of entry {entry_id}")
    return Response(data, media_type="image/png", headers={**IMAGE_HEADERS, **FOR_EVER})


@router.post("/{entry_id}/repair")
def repair(
    shore: ShoreDep, user: Administrator, witness: WitnessDep, entry_id: int, body: Repair
) -> dict[str, Any]:
    try:
        acts.repair(shore.database, entry_id, _actor(witness), body.text, body.drop, now_ms())
    except NoEntryError as error:
        raise not_found(f"entry {entry_id}") from error
    except RepairError as error:
        raise ApiError(422, "repair", f"Not repaired: {error}.") from error
    except SettledError as error:
        raise ApiError(409, "settled", f"Not repaired: {error}.") from error
    return shown(shore, entry_id)


@router.post("/replay")
def replay_some(
    shore: ShoreDep, user: Administrator, witness: WitnessDep, body: Replay
) -> dict[str, Any]:
    """Take entries in; what is refused stays as it is, with the reason in the answer."""
    now, by = now_ms(), _actor(witness)
    done = acts.many(
        lambda entry: replay(shore.stores, entry, by, original=body.original, now_ms=now),
        _chosen(shore, body),
    )
    return outcome(done)


@router.post("/discard")
def discard_some(
    shore: ShoreDep, user: Administrator, witness: WitnessDep, body: Discard
) -> dict[str, Any]:
    """Decide that entries are not wanted; their bytes stay."""
    now, by, reason = now_ms(), _actor(witness), body.reason.strip()
    done = acts.many(
        lambda entry: acts.discard(shore.database, entry, by, reason, now),
        _chosen(shore, body),
    )
    return outcome(done)


def _actor(witness: Witness) -> Actor:
    return Actor(witness.who, witness.address)


def _chosen(shore: Shore, choice: Choice) -> list[int]:
    if (choice.ids is None) == (choice.filter is None):
        raise ApiError(422, "invalid", "Give either ids or a filter.")
    if choice.filter is None:
        return sorted(set(choice.ids or ()))
    with shore.database.read() as connection:
        return quarantine.ids(connection, choice.filter.wanted, AT_ONCE)


def outcome(done: Done) -> dict[str, Any]:
    """What became of many, as JSON."""
    refused = [{"id": entry, "message": why} for entry, why in done.refused]
    return {"done": done.done, "refused": refused}


def _existing(shore: Shore, entry_id: int) -> Kept:
    with shore.database.read() as connection:
        kept = quarantine.get(connection, entry_id) if 0 < entry_id < ID_MAX else None
    if kept is None:
        raise not_found(f"entry {entry_id}")
    return kept
