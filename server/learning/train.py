"""A new release from what people validated: fit, judge against the present one, bundle, register.

The candidate is judged on objects that it never saw, next to the release that devices run now, on
the very same objects. The head that ships is then fitted on all of them; the figures are those of
the held- out ones. It is registered unsigned: a person reads the figures, then signs.

Example:
    >>> trained = train(database, folder, project_id=1, parent=None, now_ms=now)
    >>> trained.candidate.accuracy, trained.current.accuracy
    (0.91, 0.62)
"""

import importlib
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.bundle import Bundle, with_head
from models.card import make_card
from models.evaluation import Evaluation, evaluate
from models.head import DEFAULT_COLUMNS, Examples, Head
from models.measure_table import measured_in_all
from server.db import learning, projects, releases, taxa
from server.db.engine import Database
from server.db.releases import ReleaseInfo
from server.fleet.registry import ReleaseRefusedError, register
from server.learning.material import Material, NotEnoughError, gather
from server.learning.split import Split, hold_out
from server.store import bundles

Float32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Trained:
    release_id: str
    name: str
    parent: str
    candidate: Evaluation
    current: Evaluation
    n_train: int
    n_test: int
    split: str
    left_out: dict[str, int]
    forgotten: tuple[str, ...]
    """Taxa that the parent knows and the new release does not: nobody validated enough of them."""
    seconds: float


def train(
    database: Database, folder: Path, *, project_id: int, parent: str | None, now_ms: int
) -> Trained:
    """Train, judge, bundle and register. Raises NotEnoughError, ReleaseRefusedError and
    BundleError."""
    start = time.perf_counter()
    with database.read() as connection:
        project = projects.get(connection, project_id)
        if project is None:
            raise NotEnoughError(f"There is no project {project_id}.")
        origin = _parent(database, project_id, parent)
        bundle = Bundle.load(bundles.load(folder, origin.file or ""))
        material = gather(connection, project_id, bundle)
    split = hold_out(
        material.examples.labels, material.samples, material.acquisitions, material.frames
    )
    candidate, head = _fit(material, split)
    current = _judge(database, bundle.head, material.examples.subset(split.test), now_ms)
    forgotten = tuple(sorted(set(_labels(database, bundle.classes, now_ms)) - set(head.classes)))
    name = f"{project.title[:120]} {datetime.fromtimestamp(now_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    card = _card(name, candidate, current, material, split, bundle, forgotten)
    data = with_head(bundle, head, head.classes, card, name, created=_iso(now_ms))
    release_id = _register(database, folder, data, origin, project_id, now_ms)
    return Trained(
        release_id,
        name,
        origin.release_id,
        candidate,
        current,
        int((~split.test).sum()),
        int(split.test.sum()),
        split.by,
        material.left_out,
        forgotten,
        time.perf_counter() - start,
    )


def _parent(database: Database, project_id: int, parent: str | None) -> ReleaseInfo:
    """The release to start from: the one asked for, else what most of the project's devices run,
    else the newest signed one."""
    with database.read() as connection:
        wanted = [parent] if parent else learning.running_releases(connection, project_id)[:1]
        found = releases.get(connection, wanted[0]) if wanted else None
        if not wanted:
            found = next((r for r in releases.held(connection) if r.signature is not None), None)
    if found is None or found.file is None:
        raise ReleaseRefusedError(f"the shore holds no release {parent or 'that is signed'}")
    return found


def _fit(material: Material, split: Split) -> tuple[Evaluation, Head]:
    """The candidate's figures on the held-out objects, and the head fitted on all of them with the
    temperature of the one that was judged."""
    with one_thread():
        return _fit_both(material, split)


def _fit_both(material: Material, split: Split) -> tuple[Evaluation, Head]:
    learnt, held_out = material.examples.subset(~split.test), material.examples.subset(split.test)
    columns = measured_in_all(material.examples.measures, DEFAULT_COLUMNS)
    judged = Head.fit(learnt, columns=columns)
    probabilities = judged.probabilities(held_out.embedding, held_out.shape, held_out.measures)
    figures = evaluate(held_out.labels, probabilities, judged.classes)
    final = Head.fit(material.examples, columns=columns, validation=held_out)
    return figures, replace(final, temperature=judged.temperature)


def one_thread() -> AbstractContextManager[object]:
    """The matrices are small: several threads wait for each other, 20 times longer on a busy
    machine of two cores."""
    limits: AbstractContextManager[object] = importlib.import_module(
        "threadpoolctl"
    ).threadpool_limits(1)
    return limits


def _judge(database: Database, head: Head, held_out: Examples, now_ms: int) -> Evaluation:
    """A release's figures on the same objects; its class names are read as the taxa they mean."""
    probabilities = head.probabilities(held_out.embedding, held_out.shape, held_out.measures)
    labels = _labels(database, head.classes, now_ms)
    names = sorted(set(labels))
    summed = np.zeros((len(probabilities), len(names)), np.float32)
    for column, label in enumerate(labels):
        summed[:, names.index(label)] += probabilities[:, column]
    return evaluate(held_out.labels, summed, names)


def _labels(database: Database, classes: Sequence[str], now_ms: int) -> list[str]:
    """The display name of the taxon that each class means."""
    with database.write() as connection:
        ids = taxa.resolve(connection, classes, now_ms)
        infos = taxa.by_id(connection, ids.values())
    return [infos[ids[name]].display_name for name in classes]


def _card(
    name: str,
    candidate: Evaluation,
    current: Evaluation,
    material: Material,
    split: Split,
    bundle: Bundle,
    forgotten: Sequence[str],
) -> dict[str, Any]:
    labels = list(material.examples.labels)
    limits = [
        f"Judged on held-out {split.by} of one project; other waters and instruments may differ.",
        "The figures are of a head fitted without the held-out objects; the head in this release "
        "was then fitted with them too.",
    ]
    if forgotten:
        limits.append(f"Taxa of the parent that it does not know: {', '.join(forgotten)}.")
    return make_card(
        name,
        candidate,
        trained_on={label: labels.count(label) for label in sorted(set(labels))},
        description="The parent's network with a head learnt on shore from validated objects.",
        split=f"Whole {split.by} held out" if split.by != "objects" else "Every fourth object",
        limits=limits,
        details={
            "parent": {"release": bundle.release_id, "name": bundle.name},
            "parent on the same objects": current.summary(),
        },
    )


def _register(
    database: Database,
    folder: Path,
    data: bytes,
    origin: ReleaseInfo,
    project_id: int,
    now_ms: int,
) -> str:
    """Test the bundle as a device would, then register it."""
    test = Bundle.load(data).self_test("auto")
    if not test.ok:
        raise ReleaseRefusedError(f"the new bundle fails its own test: {test.reason}")
    return register(
        database, folder, data, parent_no=origin.no, project_id=project_id, now_ms=now_ms
    )


def _iso(now_ms: int) -> str:
    return datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
