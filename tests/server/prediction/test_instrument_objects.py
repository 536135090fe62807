"""Objects of instruments: their measures and embeddings are learnt from; what a training said is
not taken back by a record that tells its old prediction again."""

from dataclasses import replace
from typing import Any

import httpx
import pytest

from models.bundle import Bundle
from server.db import counts, jobs, predictions
from server.shore import Shore
from server.simulated import SimulatedDevice, make_object, make_record
from tests.server.prediction.test_prediction import ended, objects

pytestmark = pytest.mark.databases
N = 24


@pytest.fixture
def seen(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> list[int]:
    """Objects of a device; half of them are validated as one of two taxa."""
    records = [make_record(n + 1, make_object(bundle, n)) for n in range(N)]
    device.ingest(records)
    objids = list(objects(shore, project))
    taxa = sorted({row["taxon_id"] for row in objects(shore, project).values()})[:2]
    for place, taxon in enumerate(taxa):
        body = {
            "action": "relabel", "objids": objids[place : N // 2 : 2], "taxon_id": taxon,
            "key": str(place) * 32,
        }  # fmt: skip
        answer = client.post(f"/api/projects/{project}/classify", json=body)
        assert answer.status_code == 200, answer.text
    return objids


def predict(client: httpx.Client, shore: Shore, project: int, **body: Any) -> jobs.JobInfo:
    answer = client.post(f"/api/projects/{project}/predictions", json=body)
    assert answer.status_code == 202, answer.text
    return ended(shore, answer.json()["job_id"])


def test_an_outbox_made_anew_does_not_take_a_training_s_word_back(
    client: httpx.Client,
    device: SimulatedDevice,
    project: int,
    bundle: Bundle,
    shore: Shore,
    seen: list[int],
) -> None:
    done = predict(client, shore, project)
    assert done.state == jobs.FINISHED, done.errors
    after = objects(shore, project)
    device.epoch = 99
    records = [make_record(n + 1, make_object(bundle, n)) for n in range(N)]
    device.ingest([replace(record, epoch=99) for record in records])
    assert objects(shore, project) == after
    newer = make_object(bundle, N - 1, release="b" * 64)  # another network may say otherwise
    device.ingest([make_record(N + 1, newer, epoch=99)])
    assert objects(shore, project)[seen[-1]]["release_no"] is not None
    with shore.database.read() as connection:
        assert counts.kept(connection) == counts.recount(connection)


def test_embeddings_are_learnt_from_when_all_have_them(
    client: httpx.Client, project: int, shore: Shore, bundle: Bundle, seen: list[int]
) -> None:
    done = predict(client, shore, project, embedding=True, features=["area"])
    assert done.state == jobs.FINISHED, done.errors
    with shore.database.read() as connection:
        training = predictions.get_training(connection, done.result["training_id"])
    assert training is not None
    report = training.report
    assert report["network"] == bundle.manifest["network"]
    told = [*report["features"], *report["left_out"]]
    assert sum(name.startswith("embedding ") for name in told) == bundle.head.embedding_width
    assert done.result["predicted"] == N - N // 2
