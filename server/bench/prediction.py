"""What a prediction takes: learn from 6,770 objects x 50 columns, predict 13,230, write it back.

The set is of the size that EcoTaxa was measured with; columns are lognormal, their means those of
30 taxa of very uneven frequency, so that a forest is right about as often as on real plankton. The
job is run as a worker runs it, in a process that has not loaded scikit-learn.

Example:
    $ python -m server.bench.prediction
    prediction, SQLite: whole job                 4.1 s       < 5 s  yes
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from models.figures import Row, table
from server.bench.postgres import Postgres, private_postgres, programs
from server.clock import now_ms
from server.db import counts, filling, free, jobs, projects
from server.db.bulk import insert_rows, next_ids
from server.db.tables import Acquisition, Object, ObjectFree, ObjectValues, Process, Sample
from server.jobs.worker import run_waiting
from server.settings import Settings
from server.shore import Admin, Shore, open_shore

LEARN, ASK, COLUMNS, TAXA, SAMPLES = 6770, 13_230, 50, 30, 8
TARGET_S = 5.0
_NOW_MS = 1_700_000_000_000
_OBJECT = (
    "objid", "project_id", "device_id", "epoch", "seq", "sample_id", "acquisition_id",
    "process_id", "orig_id", "frame_index", "index_in_frame", "bx", "by", "width", "height",
    "esd_um", "border", "boot", "mono_ms", "utc_source", "status", "taxon_id", "score", "shuffle",
    "received_ms",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure a prediction on both databases.")
    parser.add_argument("--run", type=json.loads, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.run is not None:
        print(json.dumps(_run(Settings(Path(args.run[0]), database=args.run[1]))))
        return 0
    with tempfile.TemporaryDirectory(prefix="seadrift-bench-") as folder:
        rows = [library_row()]
        rows += measure(Path(folder) / "sqlite", None)
        if programs() is not None:
            with private_postgres() as server:
                rows += measure(Path(folder) / "postgresql", server)
    print(table(rows))
    return 0


def measure(folder: Path, server: Postgres | None) -> list[Row]:
    """A shore in `folder` on SQLite, or on `server`; rows of one whole job."""
    database = None if server is None else server.create("prediction")
    name = "prediction, SQLite" if server is None else "prediction, PostgreSQL"
    shore = open_shore(Settings(folder, database=database), Admin(password="not for people"))  # noqa: S106 # of a folder that is gone soon
    try:
        project_id = fill(shore)
        add_job(shore, project_id)
    finally:
        shore.close()
    argument = json.dumps([str(folder), database])
    done = subprocess.run(
        [sys.executable, "-m", "server.bench.prediction", "--run", argument],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    told: dict[str, Any] = json.loads(done.stdout)
    whole = told["whole_s"]
    return [
        Row(f"{name}: whole job", whole, "s", f"< {TARGET_S:g} s", whole < TARGET_S),
        Row(f"{name}: processor time of the worker", told["processor_s"], "s"),
        *(Row(f"{name}: {step}", s, "s") for step, s in told["seconds"].items()),
        Row(f"{name}: accuracy on objects held out", told["accuracy"], ""),
    ]


def library_row() -> Row:
    """What scikit-learn takes to grow such a forest, as EcoTaxa has it do."""
    from sklearn.ensemble import RandomForestClassifier

    taxon, values = draw(np.random.default_rng(3), LEARN, COLUMNS, list(range(TAXA)))
    forest = RandomForestClassifier(
        300, min_samples_leaf=5, class_weight="balanced", n_jobs=2, random_state=0
    )
    began = time.perf_counter()
    forest.fit(values.astype(np.float32), taxon)
    seconds = time.perf_counter() - began
    return Row("prediction: scikit-learn's forest, learning alone", seconds, "s")


def _run(settings: Settings) -> dict[str, Any]:
    """Run the job that waits, in this process."""
    shore = open_shore(settings, Admin())
    began = time.process_time()
    try:
        run_waiting(shore)
        used = time.process_time() - began
        with shore.database.read() as connection:
            [job] = jobs.all_jobs(connection)
    finally:
        shore.close()
    if job.state != jobs.FINISHED or job.ended_ms is None or job.started_ms is None:
        raise RuntimeError(f"the job ended as {job.state}: {job.errors}")
    whole = (job.ended_ms - job.started_ms) / 1000
    return job.result | {"whole_s": whole, "processor_s": used}


def add_job(shore: Shore, project_id: int, **params: Any) -> int:
    """A prediction of the project that a worker will find; its number."""
    with shore.database.write() as connection:
        return jobs.add(
            connection, "predict", project_id=project_id, user_id=1, params=params, now_ms=now_ms()
        )


def fill(
    shore: Shore,
    learn: int = LEARN,
    ask: int = ASK,
    columns: int = COLUMNS,
    taxa: int = TAXA,
    title: str = "Prediction",
    seed: int = 3,
) -> int:
    """A new project with `learn` validated objects and `ask` others; its number."""
    dice = np.random.default_rng(seed)
    with shore.database.write() as connection:
        project_id = projects.create(connection, title=title, user_id=1, now_ms=_NOW_MS)
        names = [(f"column_{i + 1:02}", "f") for i in range(columns)]
        places = tuple(free.give_places(connection, project_id, names).values())
        levels = _levels(connection, project_id)
        known = filling.taxon_ids(connection)[:taxa]
        taxon, values = draw(dice, learn + ask, columns, known)
        objids = list(next_ids(connection, Object, learn + ask))
        rows = [
            _object_row(project_id, objids, i, learn, int(taxon[i]), levels)
            for i in range(learn + ask)
        ]
        insert_rows(connection, Object, _OBJECT, rows)
        told = [(objid, "", 1, b"", "[]") for objid in objids]
        wide = ("objid", "frame", "measures_version", "brief", "top")
        insert_rows(connection, ObjectValues, wide, told)
        numbers = [
            (objid, project_id, *row) for objid, row in zip(objids, values.tolist(), strict=True)
        ]
        insert_rows(connection, ObjectFree, ("objid", "project_id", *places), numbers)
        delta = counts.Delta()
        for i in range(learn + ask):
            delta.add(project_id, (int(taxon[i]), "V") if i < learn else (None, "U"))
        delta.save(connection)
    return project_id


def draw(
    dice: np.random.Generator, size: int, columns: int, taxa: list[int]
) -> tuple[np.typing.NDArray[np.int64], np.typing.NDArray[np.float64]]:
    """Taxa int64 [n] with a long tail, and values float64 [n, columns], lognormal round each
    taxon's own."""
    shares = 1.0 / np.arange(1, len(taxa) + 1)
    place = dice.choice(len(taxa), size, p=shares / shares.sum())
    centres = dice.normal(0, 1, (len(taxa), columns))
    spread = 2.0 * np.exp(dice.normal(0, 1, (size, columns)) * 0.3)
    logs = centres[place] + spread * dice.normal(0, 1, (size, columns))
    scales = dice.lognormal(2, 2, columns)
    return np.array(taxa, np.int64)[place], np.round(scales * np.exp(0.4 * logs), 6)


def _levels(connection: Any, project_id: int) -> tuple[int, int, int]:
    """The first sample, acquisition and process of SAMPLES of each."""
    sample, acquisition, process = (
        next_ids(connection, table, SAMPLES) for table in (Sample, Acquisition, Process)
    )
    rows: list[tuple[Any, ...]] = [
        (number, project_id, 0, f"s{i}", _NOW_MS) for i, number in enumerate(sample)
    ]
    names = ("id", "project_id", "device_id", "orig_id", "created_ms")
    insert_rows(connection, Sample, names, rows)
    for kind, above, parent, numbers in (
        (Acquisition, "sample_id", sample, acquisition),
        (Process, "acquisition_id", acquisition, process),
    ):
        rows = [(n, parent[i], f"s{i}", _NOW_MS) for i, n in enumerate(numbers)]
        insert_rows(connection, kind, ("id", above, "orig_id", "created_ms"), rows)
    return sample[0], acquisition[0], process[0]


def _object_row(
    project_id: int, objids: list[int], i: int, learn: int, taxon: int, levels: tuple[int, int, int]
) -> tuple[Any, ...]:
    level = i % SAMPLES
    sample, acquisition, process = (first + level for first in levels)
    return (
        objids[i], project_id, 0, project_id, i, sample, acquisition, process, f"o{i:06}", i // 20,
        i % 20, 0, 0, 60, 60, 300.0, False, 0, 0, "unknown", "V" if i < learn else "U",
        taxon if i < learn else None, 0.0, i * 2_654_435_761 % 2**32, _NOW_MS,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
