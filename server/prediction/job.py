"""The job "predict": learn from what people validated, predict the rest, write it at once.

A job that is begun again after its worker died finds the training that it wrote, or writes it
once: the job's number is in the training, in the transaction that writes everything else.

Example:
    >>> KINDS["predict"](job)
    {'training_id': 3, 'predicted': 13230, 'learnt': 6770, 'accuracy': 0.91, ...}
"""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import Connection

from models.trees import Growth
from server.clock import now_ms
from server.db import jobs, learning_set, predictions, spreading
from server.db.ecotaxa import levels
from server.db.ecotaxa.filters import Conditions, Filters, Scope
from server.db.ecotaxa.given import FilterError
from server.db.learning_set import FeatureError
from server.db.predictions import Predicted, TrainingInfo
from server.jobs.context import JobContext, JobFailedError
from server.prediction.asked import Asked, AskedError, read
from server.prediction.learn import Seconds, Taught, learn, with_embeddings

AT_ONCE = 50_000
"""Objects whose columns are in memory at a time."""
BEST = 5
MODEL_FILE = "forest.npz"
KIND = "forest"


def run(job: JobContext) -> dict[str, Any]:
    """Raises JobFailedError, JobLostError."""
    project_id = job.info.project_id
    if project_id is None:
        raise JobFailedError(["project: a prediction needs one"])
    done = _done_before(job, project_id)
    if done is not None:
        return _result(done.training_id, done.report)
    try:
        return _predict(job, read(project_id, job.params))
    except (AskedError, FeatureError, FilterError) as error:
        raise JobFailedError([str(error)]) from error


def _predict(job: JobContext, asked: Asked) -> dict[str, Any]:
    seconds, threads = Seconds(), len(os.sched_getaffinity(0))
    database = job.shore.database
    with seconds.of("wait for measures"):
        _spread(job)
    with database.read() as connection:
        job.progress(5, "reading what people validated")
        taught = learn(connection, asked, threads=threads, seconds=seconds, growth=_growth(job))
        job.progress(50, "predicting")
        predicted = _ask(connection, asked, job, taught, threads, seconds)
    with seconds.of("keep"):
        (job.folder / MODEL_FILE).write_bytes(taught.forest.save())
    report = {**taught.report, "model": MODEL_FILE, "job_id": job.info.job_id,
              "asked_about": len(predicted), "medians": _medians(taught)}  # fmt: skip
    job.progress(80, "writing")
    training_id, report = _write(job, asked, predicted, report, seconds)
    job.log.info("seconds: %s", json.dumps(seconds.steps))
    return _result(training_id, report) | {"seconds": seconds.steps}


def _growth(job: JobContext) -> Growth:
    """What is grown unless the job says otherwise, for comparisons."""
    return replace(Growth(), **job.params.get("growth", {}))


def _spread(job: JobContext) -> None:
    """Give objects that wait for it their free columns: they are what is learnt from."""
    while True:
        with job.shore.database.read() as connection:
            if not spreading.is_behind(connection):
                return
        with job.shore.database.write() as connection:
            spreading.spread(connection)


def _ask(
    connection: Connection,
    asked: Asked,
    job: JobContext,
    taught: Taught,
    threads: int,
    seconds: Seconds,
) -> list[Predicted]:
    """What the forest says of every object that fits."""
    fitting = _fitting(connection, asked, job.info.user_id)
    predicted: list[Predicted] = []
    after = 0
    while True:
        with seconds.of("read"):
            some = learning_set.to_predict(
                connection, asked.project_id, taught.features, asked.statuses, fitting,
                after=after, most=AT_ONCE,
            )  # fmt: skip
            if taught.network:
                some, _ = with_embeddings(connection, some, taught.network)
        if not len(some.objids):
            return predicted
        with seconds.of("predict"):
            said = taught.forest.probabilities(taught.columns.filled(some.values), threads)
            predicted += best(some.objids, taught.forest.classes, said)
        after = int(some.objids[-1])


def best(
    objids: np.typing.NDArray[np.int64],
    classes: np.typing.NDArray[np.int64],
    said: np.typing.NDArray[np.float32],
) -> list[Predicted]:
    """Each object's best taxon, its score, and the best few."""
    order = np.argsort(-said, axis=1, kind="stable")[:, :BEST]
    scores = np.take_along_axis(said, order, axis=1).astype(np.float64).round(6)
    taxa = classes[order]
    return [
        (objid, names[0], values[0], _top(names, values))
        for objid, names, values in zip(
            objids.tolist(), taxa.tolist(), scores.tolist(), strict=True
        )
    ]


def _top(taxa: list[int], scores: list[float]) -> str:
    """JSON as `object_values` keeps it; `json` would take as long as the forest."""
    pairs = [f"[{taxon}, {score!r}]" for taxon, score in zip(taxa, scores, strict=True) if score]
    return f"[{', '.join(pairs)}]"


def _fitting(connection: Connection, asked: Asked, user_id: int) -> Conditions:
    names = levels.names(connection, asked.project_id)
    scope = Scope(connection, asked.project_id, user_id, names)
    return Filters(asked.filters).conditions(scope)


def _write(
    job: JobContext,
    asked: Asked,
    predicted: list[Predicted],
    report: dict[str, Any],
    seconds: Seconds,
) -> tuple[int, dict[str, Any]]:
    """All of it in one transaction, if the job is still this worker's."""
    with seconds.of("write"), job.shore.database.write() as connection:
        jobs.touch(connection, job.info.job_id, job.worker, now_ms())
        training_id = predictions.add_training(
            connection,
            asked.project_id,
            user_id=job.info.user_id,
            kind=KIND,
            params=asked.params() | {"job_id": job.info.job_id},
            report=report,
            now_ms=now_ms(),
        )
        changed = predictions.write(
            connection, training_id, asked.project_id, asked.statuses, predicted, now_ms()
        )
        report = report | {
            "predicted": changed,
            "spoken_meanwhile": len(predicted) - changed,
        }
        predictions.set_report(connection, training_id, report)
    return training_id, report


def _medians(taught: Taught) -> dict[str, float]:
    return dict(zip(taught.columns.names, taught.columns.medians.tolist(), strict=True))


def _done_before(job: JobContext, project_id: int) -> TrainingInfo | None:
    """The training that this job wrote before its worker died."""
    with job.shore.database.read() as connection:
        for training in predictions.trainings(connection, project_id):
            if training.params.get("job_id") == job.info.job_id:
                return training
    return None


_TOLD = ("predicted", "spoken_meanwhile", "accuracy", "balanced_accuracy", "split", "warnings")


def _result(training_id: int, report: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: report[name] for name in _TOLD if name in report}
    return {"training_id": training_id, "learnt": report["objects"], **told}
