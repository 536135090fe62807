"""The real shore, all of it but the socket, taking batches and saying when each is acknowledged.

    device ID                       a device is enrolled
    sent EPOCH FIRST LAST           a batch is about to be taken
    held EPOCH FIRST LAST           it was acknowledged

Example:
    python tests/faults/telling_shore.py shore/ 30
"""

import os
import sys
from pathlib import Path

from starlette.testclient import TestClient

from models import factory
from models.bundle import Bundle
from server.app import create_app
from server.settings import Settings
from server.shore import Admin, open_shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from wire.records import Record

EMAIL, PASSWORD = "admin@sea.test", "a long password"
PAIRS = 5


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def batch(bundle: Bundle, number: int) -> list[Record]:
    """Objects and their vignettes, in pairs; the seqs of a batch follow those of the one before."""
    first = 1 + 2 * PAIRS * number
    made = []
    for k in range(PAIRS):
        seq = first + 2 * k
        made.append(make_record(seq, make_object(bundle, PAIRS * number + k)))
        made.append(make_record(seq + 1, make_vignette(seq)))
    return made


def main(folder: Path, batches: int) -> None:
    bundle = Bundle.load(factory.path())
    shore = open_shore(Settings(data=folder), Admin(EMAIL, PASSWORD))
    with TestClient(create_app(shore), base_url="http://127.0.0.1") as client:
        login = client.post("/api/login", json={"email": EMAIL, "password": PASSWORD}).json()
        headers = {"Authorization": f"Bearer {login['token']}"}
        said = {"title": "Baltic"}
        project = client.post("/api/projects", json=said, headers=headers).json()["project_id"]
        asked = {"project_id": project, "name": "one", "valid_h": 1}
        claim = client.post("/api/claims", json=asked, headers=headers).json()["claim"]
        device = SimulatedDevice.enrol(client, claim, "one")  # type: ignore[arg-type]
        say("device", device.device_id)
        for number in range(batches):
            records = batch(bundle, number)
            first, last = records[0].seq, records[-1].seq
            say("sent", device.epoch, first, last)
            assert device.ingest(records).upto == last
            say("held", device.epoch, first, last)
    shore.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
