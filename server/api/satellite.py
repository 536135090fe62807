"""Where a satellite gateway pushes messages, and the summaries that came of them.

The address has a secret in it; whoever knows it may push, and what is pushed counts only with a
device's authentication. A push is stored and answered at once, for gateways give up after seconds
and try again for hours; it is read afterwards.

Example:
    $ curl -d imei=300234010753370 -d momsn=7 -d data=48656c6c6f .../v1/satellite/SECRET
    OK
"""

import hmac
from typing import Annotated, Any

from fastapi import APIRouter, BackgroundTasks, Query, Request
from fastapi.responses import PlainTextResponse
from starlette.concurrency import run_in_threadpool

from server.api.deps import Administrator, ShoreDep, Viewer, client_address
from server.api.rights import need_device
from server.clock import now_ms
from server.db import satellite, summaries
from server.db.satellite import Push
from server.errors import ApiError, not_found
from server.fleet.tree import nodes
from server.satellite.intake import read_new
from server.satellite.push import PushError, check_jwt, read_fields, read_push
from server.shore import Shore
from wire.summary import OTHER, Summary
from wire.summary_bits import decode

router = APIRouter(tags=["satellite"])
BODY_MAX = 16_384
_NAMELESS = {OTHER: "other"}


@router.post("/v1/satellite/{secret}", response_class=PlainTextResponse)
async def push(
    request: Request, shore: ShoreDep, secret: str, later: BackgroundTasks
) -> PlainTextResponse:
    """200 once the message is stored; 404 for a wrong secret, 429 after several."""
    now, who = now_ms(), f"ip {client_address(request)}"
    wait = shore.gateways.wait_ms(who, now)
    if wait:
        raise ApiError(429, "too_many", "Too many wrong addresses.", {"Retry-After": "300"})
    if not hmac.compare_digest(secret.encode(), shore.link_keys.gateway.encode()):
        shore.gateways.fail(who, now)
        raise not_found("such an address")
    body = await request.body()
    if len(body) > BODY_MAX:
        raise ApiError(413, "too_large", f"The body is larger than {BODY_MAX} bytes.")
    kind = request.headers.get("Content-Type", "")
    await run_in_threadpool(_store, shore, body, kind, now)
    later.add_task(read_new, shore)
    return PlainTextResponse("OK")


def _store(shore: Shore, body: bytes, content_type: str, now: int) -> None:
    """Keep the message; of what is no push, the body itself."""
    try:
        if shore.settings.satellite_jwt_key is not None:
            pem = shore.settings.satellite_jwt_key.read_bytes()
            check_jwt(pem, read_fields(body, content_type))
        found = read_push(body, content_type)
    except PushError as error:
        if "JWT" in str(error):
            raise ApiError(403, "unsigned", f"The push is refused: {error}.") from error
        found = Push("", None, f"not a push: {error}"[:40], None, None, body)
    with shore.database.write() as connection:
        satellite.receive(connection, found, now)


@router.get("/api/satellite/address")
def address(shore: ShoreDep, user: Administrator) -> dict[str, str]:
    """The path to give to the gateway: {"path"}."""
    return {"path": f"/v1/satellite/{shore.link_keys.gateway}"}


@router.get("/api/devices/{device_id}/summaries")
def dives(
    shore: ShoreDep,
    user: Viewer,
    device_id: str,
    limit: Annotated[int, Query(ge=1, le=200)] = 20,
) -> list[dict[str, Any]]:
    """Dives, the newest first: {epoch, seq, utc_ms, received_ms, bytes, release, part, parts,
    start_s, minutes, clock, lat_deg, lon_deg, bin_m, first_bin, depthless, frame_ml, pending,
    oldest, sizes, merged, pooled, frames: [per bin], taxa: [{taxon, name, counts: [per bin],
    sizes: {class: count}}]}. `taxon` 0 is "other", t > 0 node t - 1 of the release's tree."""
    with shore.database.read() as connection:
        device = need_device(connection, user, device_id)
        found = summaries.latest(connection, device.pk, limit)
    return [
        {"epoch": e, "seq": s, "utc_ms": utc, "received_ms": at, "bytes": len(data)}
        | _shown(shore, decode(data))
        for e, s, utc, data, at in found
    ]


def _shown(shore: Shore, summary: Summary) -> dict[str, Any]:
    tree = nodes(shore, summary.release)
    names = (
        "release part parts start_s minutes clock lat_deg lon_deg bin_m first_bin depthless"
        " frame_ml pending oldest sizes merged pooled frames"
    )
    bins = range(len(summary.frames))
    taxa = []
    for taxon in summary.taxa:
        counts = [round(summary.count(b, taxon), 1) for b in bins]
        sizes: dict[int, float] = dict(summary.by_taxon.get(taxon, {}))
        for b in bins if summary.sizes == 2 else ():
            for size, n in summary.cells.get((b, taxon), {}).items():
                sizes[size] = round(sizes.get(size, 0) + n, 1)
        name = tree[taxon - 1] if 0 < taxon <= len(tree) else _NAMELESS.get(taxon, f"taxon {taxon}")
        taxa.append({"taxon": taxon, "name": name, "counts": counts, "sizes": sizes})
    return {name: getattr(summary, name) for name in names.split()} | {"taxa": taxa}
