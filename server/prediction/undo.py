"""The job "unpredict": take a training's predictions back.

Example:
    >>> KINDS["unpredict"](job)   # params {"training_id": 3}
    {'training_id': 3, 'changed': 13228, 'kept': 2}
"""

from typing import Any

from server.clock import now_ms
from server.db import jobs, predictions, replaced
from server.jobs.context import JobContext, JobFailedError


def run(job: JobContext) -> dict[str, Any]:
    """Raises JobFailedError, JobLostError."""
    number = job.params.get("training_id")
    with job.shore.database.write() as connection:
        jobs.touch(connection, job.info.job_id, job.worker, now_ms())
        training = predictions.get_training(connection, number) if isinstance(number, int) else None
        if training is None or training.project_id != job.info.project_id:
            raise JobFailedError([f"training_id: the project has no training {number}"])
        taken = replaced.take_back(connection, training, job.info.user_id, now_ms())
    return {"training_id": number, "changed": taken.changed, "kept": taken.kept}
