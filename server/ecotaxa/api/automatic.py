"""Predictions that a program of somebody's made, brought in by EcoTaxa's API.

They are a training of the project's, of the kind "api": objects on which a person spoke keep that
word, the others become predicted; what was there before is kept.

Example:
    $ curl -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" \
        -d '{"target_ids": [17], "classifications": [4], "scores": [0.9], "keep_log": true}' \
        http://127.0.0.1:8765/object_set/classify_auto
    1
"""

import json
from collections.abc import Sequence

from server.api.deps import ShoreDep, Viewer
from server.clock import now_ms
from server.db import predictions
from server.db.ecotaxa.classifying import ClassifyError, check_taxa
from server.db.users import UserInfo
from server.ecotaxa.api.asked import ClassifyAutoReq, ClassifyAutoReqMult
from server.ecotaxa.api.classify import project_of
from server.ecotaxa.api.routes import eco_router
from server.errors import ApiError
from server.shore import Shore

router = eco_router("objects")
Ranked = Sequence[tuple[int, float]]
"""(taxon, score), best first."""


@router.post("/object_set/classify_auto")
def classify_auto_object_set(shore: ShoreDep, user: Viewer, body: ClassifyAutoReq) -> int:
    """One prediction for each object; how many objects changed."""
    _same(len(body.target_ids), classifications=len(body.classifications), scores=len(body.scores))
    ranked = [[pair] for pair in zip(body.classifications, body.scores, strict=True)]
    return _predicted(shore, user, body.target_ids, ranked)


@router.post("/object_set/classify_auto_multiple")
def classify_auto_mult_object_set(shore: ShoreDep, user: Viewer, body: ClassifyAutoReqMult) -> int:
    """Several possible taxa for each object; how many objects changed."""
    _same(len(body.target_ids), classifications=len(body.classifications), scores=len(body.scores))
    ranked = []
    for taxa, scores in zip(body.classifications, body.scores, strict=True):
        _same(len(taxa), scores=len(scores))
        ranked.append(sorted(zip(taxa, scores, strict=True), key=lambda pair: -pair[1]))
    return _predicted(shore, user, body.target_ids, ranked)


def _same(expected: int, **lengths: int) -> None:
    for name, length in lengths.items():
        if length != expected:
            raise ApiError(422, name, f"{name}: expected {expected} of them, found {length}.")


def _predicted(shore: Shore, user: UserInfo, objids: list[int], ranked: Sequence[Ranked]) -> int:
    if len(set(objids)) != len(objids):
        raise ApiError(422, "target_ids", "target_ids: expected each object once.")
    if not objids:
        return 0
    rows = [
        (objid, best[0][0], best[0][1], json.dumps([list(pair) for pair in best[:5]]))
        for objid, best in zip(objids, ranked, strict=True)
    ]
    try:
        with shore.database.write() as connection:
            project_id = project_of(connection, user, objids, "annotate")
            check_taxa(connection, {taxon for best in ranked for taxon, _ in best})
            training = predictions.add_training(
                connection,
                project_id,
                user_id=user.id,
                kind="api",
                params={},
                report={"objects": len(objids)},
                now_ms=now_ms(),
            )
            return predictions.write(
                connection, training, project_id, predictions.PREDICTABLE, rows, now_ms()
            )
    except ClassifyError as error:
        raise ApiError(422, "classifications", f"Nothing was changed: {error}.") from error
