"""From validated objects to a release on a device: train, sign, assign, hello, fetch, report."""

import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx
import numpy as np
import pytest
from sqlalchemy import select, update

from models.bundle import Bundle
from models.measure_table import MEASURES
from server.db import releases
from server.db.tables.values import ExactValues
from server.learning.split import KEEP_LEAST, hold_out
from server.shore import Shore
from server.simulated import LinkError, SimulatedDevice, make_object, make_record
from server.store import bundles
from wire.records import Deployment
from wire.release import check_assignment
from wire.signing import PublicKey, SignatureError

pytestmark = pytest.mark.databases

Enrol = Callable[[str], SimulatedDevice]
TAXA = ("Limacina", "aggregate", "egg")


def send_objects(device: SimulatedDevice, bundle: Bundle, n: int) -> None:
    """Objects of three looks, all of them called the bundle's first class by the device."""
    bodies = []
    for i in range(n):
        body = make_object(bundle, i)
        embedding = np.frombuffer(body.embedding, "<u2").copy()
        embedding[:] %= 200
        embedding[i % 3 :: 3] += 4000
        wrong = bundle.classes[0]
        bodies.append(
            replace(body, embedding=embedding.tobytes(), taxon=wrong, top=((wrong, 0.4),))
        )
    device.ingest([make_record(i + 1, body) for i, body in enumerate(bodies)])


def relabel(client: httpx.Client, project: int, per_taxon: tuple[int, ...]) -> None:
    """A person says what the first objects of each look are."""
    found = client.get(f"/api/projects/{project}/objects?sort=objid&limit=500").json()["objects"]
    for look, (name, n) in enumerate(zip(TAXA, per_taxon, strict=True)):
        [taxon] = [
            t["taxon_id"]
            for t in client.get("/api/taxa/search", params={"q": name}).json()
            if t["name"] == name
        ]
        body = {
            "action": "relabel",
            "objids": [o["objid"] for o in found[look::3]][:n],
            "taxon_id": taxon,
            "key": str(uuid.uuid4()),
        }
        if n:
            answer = client.post(f"/api/projects/{project}/classify", json=body)
            assert answer.json()["changed"] == n


def train(client: httpx.Client, project: int, **body: Any) -> httpx.Response:
    return client.post(f"/api/projects/{project}/train", json=body)


@pytest.mark.parametrize(
    ("per_taxon", "words"),
    [
        ((0, 0, 0), ["nothing is validated yet"]),
        ((6, 0, 0), ["at least 2 taxa", "Limacina has enough"]),
        ((6, 3, 0), ["Limacina has enough", "aggregate has 3, 2 more needed"]),
    ],
)
def test_training_says_what_is_missing(
    client: httpx.Client,
    device: SimulatedDevice,
    project: int,
    bundle: Bundle,
    per_taxon: tuple[int, ...],
    words: list[str],
) -> None:
    send_objects(device, bundle, 30)
    relabel(client, project, per_taxon)
    answer = train(client, project)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_enough")
    for word in words:
        assert word in answer.json()["error"]["message"]


def test_an_unknown_parent_is_refused(client: httpx.Client, project: int) -> None:
    assert train(client, project, parent="f" * 64).status_code == 409
    assert train(client, project, parent="../../etc/passwd").status_code == 422
    assert train(client, 999).status_code == 404


def test_the_way_of_a_release_from_validation_to_a_device(
    client: httpx.Client,
    device: SimulatedDevice,
    enrol: Enrol,
    project: int,
    bundle: Bundle,
    shore: Shore,
) -> None:
    lost = enrol("lost")
    client.post(f"/api/devices/{lost.device_id}/revoke")
    send_objects(device, bundle, 150)
    relabel(client, project, (40, 40, 4))

    trained = train(client, project).json()
    release, evaluation = trained["release_id"], trained["evaluation"]
    assert evaluation["candidate"]["accuracy"] > 0.95
    assert evaluation["current"]["accuracy"] < 0.5
    assert evaluation["candidate"]["objects"] == evaluation["current"]["objects"]
    assert evaluation["n_train"] + evaluation["n_test"] == 80
    assert evaluation["split"] == "frames"
    assert evaluation["left_out"] == {"egg": 4}
    assert bundle.classes[0] in evaluation["forgotten"]

    listed = {r["release_id"]: r for r in client.get("/api/releases").json()}
    assert listed[release]["signed"] is False
    assert listed[release]["parent"] == bundle.release_id
    assert listed[release]["classes"] == ["Limacina", "aggregate"]
    assert listed[bundle.release_id]["signed"] is True

    assign = f"/api/releases/{release}/assign"
    assert client.post(assign, json={"device_ids": "all"}).status_code == 409
    assert device.send("GET", f"/v1/releases/{release}").status_code == 404
    assert client.post(f"/api/releases/{release}/sign").status_code == 200
    assert client.post(assign, json={"device_ids": ["nobody"]}).status_code == 409
    done = client.post(assign, json={"device_ids": "all"}).json()
    assert done == [{"device_id": device.device_id, "deploy_seq": 1}]

    key = PublicKey.from_text(device.release_key)
    signed = device.hello(next_seq=151)["assignment"]
    assignment = check_assignment(key, signed, device=device.device_id, last_deploy_seq=0)
    assert assignment.release == release
    with pytest.raises(SignatureError):
        check_assignment(key, signed, device=lost.device_id, last_deploy_seq=0)
    assert device.hello(deploy_seq=1)["assignment"] is None

    data, size = b"", 50_000
    while True:
        headers = {"Range": f"bytes={len(data)}-{len(data) + size - 1}"}
        part = device.send("GET", f"/v1/releases/{release}", headers=headers)
        if part.status_code == 416:
            break
        assert part.status_code == 206
        data += part.content
    fetched = Bundle.load(data)
    assert fetched.release_id == release
    assert fetched.classes == ("Limacina", "aggregate")
    assert fetched.self_test("auto").ok

    step = Deployment(1, release, "trial", "")
    device.ingest([make_record(500, step), make_record(501, replace(step, state="committed"))])
    states = {d["device_id"]: d["deployment"] for d in client.get("/api/devices").json()}
    assert states[device.device_id]["state"] == "committed"
    assert states[lost.device_id] is None

    back = client.post(
        f"/api/releases/{bundle.release_id}/assign", json={"device_ids": [device.device_id]}
    )
    assert back.json() == [{"device_id": device.device_id, "deploy_seq": 2}]
    older = device.hello(deploy_seq=1)["assignment"]
    assert (
        check_assignment(key, older, device=device.device_id, last_deploy_seq=1).release
        == bundle.release_id
    )
    with pytest.raises(LinkError, match="403"):
        lost.hello()


def test_objects_of_another_network_teach_nothing(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle
) -> None:
    """Embeddings are comparable within one network alone."""
    bodies = [make_object(bundle, i, release="e" * 64) for i in range(30)]
    device.ingest([make_record(i + 1, body) for i, body in enumerate(bodies)])
    relabel(client, project, (10, 10, 10))
    assert train(client, project).json()["error"]["code"] == "not_enough"


def test_what_cannot_be_learnt_from_is_named_and_the_tree_is_the_shores(
    client: httpx.Client, device: SimulatedDevice, project: int, bundle: Bundle, shore: Shore
) -> None:
    """The shore refuses such objects at the door; an older database may hold one."""
    send_objects(device, bundle, 60)
    relabel(client, project, (20, 20, 20))
    with shore.database.write() as connection:
        objid, measures = connection.execute(
            select(ExactValues.objid, ExactValues.measures).order_by(ExactValues.objid)
        ).all()[30]
        spoilt = np.frombuffer(measures, "<f4").copy()
        spoilt[0] = np.nan
        chosen = update(ExactValues).where(ExactValues.objid == objid)
        connection.execute(chosen.values(measures=spoilt.tobytes()))
    answer = train(client, project)
    assert answer.status_code == 200, answer.text
    evaluation = answer.json()["evaluation"]
    assert evaluation["n_train"] + evaluation["n_test"] == 59
    [reason] = evaluation["set_aside"]
    assert reason == f"object {objid}: measure {MEASURES[0].name} is nan, not finite"
    with shore.database.read() as connection:
        info = releases.get(connection, answer.json()["release_id"])
    assert info is not None
    made = Bundle.load(bundles.load(shore.settings.releases, info.file or ""))
    assert reason in str(made.card["limits"])
    assert made.head.unknown_by == "novelty"
    assert made.head.thresholds is not None
    assert made.head.tree.above, "Limacina stands below others in the shore's tree"


def _spread(n: int, taxa: int) -> tuple[list[str], list[int], list[int], list[int]]:
    labels = [f"t{i % taxa}" for i in range(n)]
    return labels, [i * 6 // n for i in range(n)], [1] * n, [i // 5 for i in range(n)]


def test_whole_samples_are_held_out_when_there_are_enough() -> None:
    labels, samples, acquisitions, frames = _spread(600, 3)
    split = hold_out(labels, samples, acquisitions, frames)
    assert split.by == "samples"
    held = {s for s, t in zip(samples, split.test, strict=True) if t}
    kept = {s for s, t in zip(samples, split.test, strict=True) if not t}
    assert not held & kept


def test_stretches_of_frames_are_held_out_of_one_sample() -> None:
    labels, _, acquisitions, frames = _spread(600, 4)
    split = hold_out(labels, [1] * 600, acquisitions, frames)
    assert split.by == "frames"
    assert 0.2 <= split.test.mean() <= 0.35
    held = {f for f, t in zip(frames, split.test, strict=True) if t}
    assert not held & {f for f, t in zip(frames, split.test, strict=True) if not t}
    before, after = Counter(labels), Counter(np.array(labels)[~split.test].tolist())
    assert all(after[label] >= KEEP_LEAST * n for label, n in before.items())


def test_objects_are_split_one_by_one_when_nothing_else_leaves_enough() -> None:
    labels = ["a"] * 10 + ["b"] * 10  # each taxon in one frame of its own
    split = hold_out(labels, [1] * 20, [1] * 20, [0] * 10 + [1] * 10)
    assert split.by == "objects"
    assert Counter(np.array(labels)[split.test].tolist()) == {"a": 2, "b": 2}
