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
import itertools
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.bundle import Bundle, with_head
from models.card import make_card
from models.evaluation import Evaluation, evaluate
from models.examples import usable
from models.head import DEFAULT_COLUMNS, Examples, Head
from models.measure_table import measured_in_all
from models.taxonomy import Tree, TreeError
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
    set_aside: tuple[str, ...]
    """Objects that cannot be learnt from (a measure that is not finite), each with its reason."""
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
    material, set_aside = _without_bad(material)
    split = hold_out(
        material.examples.labels, material.samples, material.acquisitions, material.frames
    )
    parents = _parents(database, sorted(set(material.examples.labels)), now_ms)
    candidate, head = _fit(material, split, parents)
    current = _judge(database, bundle.head, material.examples.subset(split.test), now_ms)
    forgotten = tuple(sorted(set(_labels(database, bundle.classes, now_ms)) - set(head.classes)))
    name = f"{project.title[:120]} {datetime.fromtimestamp(now_ms / 1000, UTC):%Y-%m-%d %H:%M:%S}"
    card = _card(name, candidate, current, material, split, bundle, forgotten, set_aside)
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
        set_aside,
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


def _without_bad(material: Material) -> tuple[Material, tuple[str, ...]]:
    """The material without objects that are not finite, and those in words.

    Raises NotEnoughError if fewer than two taxa are left."""
    examples, bad = usable(material.examples)
    if not bad:
        return material, ()
    words = tuple(f"object {material.objids[row]}: {reason}" for row, reason in bad)
    if len(set(examples.labels)) < 2:
        raise NotEnoughError(
            f"Too few objects can be learnt from. Set aside: {'; '.join(words[:5])}"
        )
    out = {row for row, _ in bad}

    def kept(values: list[int]) -> list[int]:
        return [value for i, value in enumerate(values) if i not in out]

    return Material(
        examples,
        kept(material.samples),
        kept(material.acquisitions),
        kept(material.frames),
        kept(material.objids),
        material.left_out,
    ), words


def _fit(material: Material, split: Split, parents: Mapping[str, str]) -> tuple[Evaluation, Head]:
    """The candidate's figures on the held-out objects, and the head fitted on all of them, which is
    trusted as far as the one that was judged."""
    learnt, held_out = material.examples.subset(~split.test), material.examples.subset(split.test)
    columns = measured_in_all(material.examples.measures, DEFAULT_COLUMNS)
    judged = Head.fit(learnt, columns=columns, parents=parents)
    probabilities = judged.probabilities(held_out.embedding, held_out.shape, held_out.measures)
    figures = evaluate(held_out.labels, probabilities, judged.classes)
    return figures, Head.fit(material.examples, parents=parents, like=judged)


def _parents(database: Database, names: Sequence[str], now_ms: int) -> dict[str, str]:
    """Taxon -> the one above it, for these and all that stands above them in the shore's tree."""
    with database.write() as connection:
        ids = taxa.resolve(connection, names, now_ms)
        infos = taxa.by_id(connection, ids.values())
    parents: dict[str, str] = {}
    for name in names:
        path = infos[ids[name]].path.split(">")
        for above, below in itertools.pairwise([*path[:-1], name]):
            parents.setdefault(below, above)
    return parents if _is_tree(names, parents) else {}


def _is_tree(names: Sequence[str], parents: Mapping[str, str]) -> bool:
    """Names that stand for two taxa of the shore's tree may make a circle of bare names."""
    try:
        Tree.of(names, parents)
    except TreeError:
        return False
    return True


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
    set_aside: Sequence[str],
) -> dict[str, Any]:
    labels = list(material.examples.labels)
    limits = [
        f"Judged on held-out {split.by} of one project; other waters and instruments may differ.",
        "The figures are of a head fitted without the held-out objects; the head in this release "
        "was then fitted with them too.",
    ]
    if forgotten:
        limits.append(f"Taxa of the parent that it does not know: {', '.join(forgotten)}.")
    if set_aside:
        limits.append(f"{len(set_aside)} objects set aside: {'; '.join(set_aside[:5])}.")
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
