"""Intake: exactly once, in any order, and a bad record never stops the rest."""

import httpx

from models.bundle import Bundle
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette


def test_objects_and_vignettes_arrive(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    records = []
    for n in range(20):
        records.append(make_record(2 * n + 1, make_object(bundle, n)))
        records.append(make_record(2 * n + 2, make_vignette(2 * n + 1)))
    assert device.ingest(records).upto == 40
    page = client.get(f"/api/projects/{project}/objects").json()
    assert page["total"] == 20
    assert {o["status"] for o in page["objects"]} == {"P"}
    image = client.get(page["objects"][0]["image"])
    assert image.status_code == 200
    assert image.content.startswith(b"\x89PNG")
    assert "immutable" in image.headers["cache-control"]
