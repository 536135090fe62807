"""Pages of a filled shore, as a client sees them over HTTP; and the plans of their queries.

Example:
    >>> with Asked.of(settings, password) as asked:
    ...     pages(asked, filled, "10,000,000 objects, PostgreSQL")
"""

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from server.bench.fill import Everything, Filled
from server.db import embeddings, objects
from server.db.ecotaxa import levels, sets
from server.db.ecotaxa.filters import Filters, Scope
from server.db.ecotaxa.sets import Wanted
from server.db.objects import Filter
from server.db.plans import plans_of
from server.demo.processes import Shore as Process
from server.demo.story import ADMIN, free_port
from server.settings import Settings
from server.shore import Shore

FIELDS = (
    "obj.orig_id", "obj.classif_id", "obj.classif_qual", "obj.classif_score", "obj.depth_min",
    "obj.depth_max", "obj.latitude", "obj.longitude", "obj.objdate", "obj.objtime",
    "txo.display_name", "img.file_name", "sam.orig_id", "acq.orig_id", "fre.area", "fre.mean",
    "fre.stddev",
)  # fmt: skip
FEW = {"freenum": "n01", "freenumst": "10000", "freenumend": "10100"}
"""About one object in a thousand."""
MANY = {"freenum": "n01", "freenumst": "5000"}
"""About one in eight."""
TURNS = 25
NEIGHBOURS = 100


@dataclass(frozen=True)
class Times:
    """Milliseconds: the median, and the least, which other programs disturb least."""

    median: float
    least: float


@dataclass(frozen=True)
class Asked:
    """A shore that answers, and a client that is its administrator."""

    client: httpx.Client

    @classmethod
    @contextmanager
    def of(cls, settings: Settings, password: str) -> Iterator["Asked"]:
        """Serve the shore in a process of its own until the block ends."""
        process = Process(settings.data, free_port(0), password)
        more = [] if settings.database is None else ["--database", settings.database]
        process.start("--rate", "0", "--no-jobs", *more)
        try:
            with httpx.Client(base_url=process.url, timeout=600) as client:
                body = {"email": ADMIN, "password": password}
                token = client.post("/api/login", json=body).json()["token"]
                client.headers["Authorization"] = f"Bearer {token}"
                yield cls(client)
        finally:
            process.stop()

    def timed(self, ask: Callable[[httpx.Client], httpx.Response], turns: int = TURNS) -> Times:
        """Of `turns` requests after three that warm up, milliseconds until the answer is read."""
        times = []
        for _ in range(3 + turns):
            began = time.perf_counter()
            answer = ask(self.client)
            times.append((time.perf_counter() - began) * 1000)
            answer.raise_for_status()
        return Times(statistics.median(times[3:]), min(times[3:]))

    def page(self, project: Filled, filters: dict[str, str]) -> Callable[..., httpx.Response]:
        """EcoTaxa's query of a page of 100 objects with 17 fields."""
        path = f"/object_set/{project.project_id}/query"
        params = {"fields": ",".join(FIELDS), "window_start": "0", "window_size": "100"}
        return lambda client: client.post(path, params=params, json=filters)

    def review(self, project: Filled, **query: Any) -> Callable[..., httpx.Response]:
        """The review page's list."""
        return lambda client: client.get(
            f"/api/projects/{project.project_id}/objects", params={"limit": 100, **query}
        )

    def similar(self, objid: int) -> Callable[..., httpx.Response]:
        path = f"/api/objects/{objid}/similar"
        return lambda client: client.get(path, params={"n": NEIGHBOURS})


def measured(asked: Asked, filled: Everything) -> dict[str, Times]:
    """Milliseconds of each kind of page, of the large project."""
    large = filled.large
    return {
        "page of 100 objects with 17 fields": asked.timed(asked.page(large, {})),
        "page, one status": asked.timed(asked.page(large, {"statusfilter": "V"})),
        "page, one taxon": asked.timed(asked.page(large, {"taxo": "5"})),
        "page, filtered on a free column, few fit": asked.timed(asked.page(large, FEW)),
        "page, filtered on a free column, one in eight fits": asked.timed(
            asked.page(large, MANY), 9
        ),
        "review page by score": asked.timed(asked.review(large, sort="-score")),
        "review page, one taxon predicted": asked.timed(
            asked.review(large, taxon_id=5, status="P", sort="score")
        ),
        "review page, one sample": asked.timed(asked.review(large, sample_id=1), 9),
        "review page in random order": asked.timed(asked.review(large, sort="random"), 5),
    }


def recall(asked: Asked, shore: Shore, project: Filled, objids: list[int]) -> float:
    """Of the 100 nearest by a comparison with all, the share that the shore finds; the mean."""
    with shore.database.read() as connection:
        like = embeddings.of_object(connection, objids[0])
        assert like is not None
        ids: list[int] = []
        parts = []
        for rows in embeddings.everything(connection, like):
            ids += [objid for objid, _ in rows]
            parts.append(np.frombuffer(b"".join(data for _, data in rows), "<u2"))
    width = len(like.embedding) // 2
    values = np.concatenate(parts).reshape(-1, width)
    place = {objid: row for row, objid in enumerate(ids)}
    shares = []
    for objid in objids:
        found = asked.similar(objid)(asked.client).raise_for_status().json()["objects"]
        away = _distances(values, values[place[objid]])
        away[place[objid]] = np.inf
        best = {ids[row] for row in np.argpartition(away, NEIGHBOURS)[:NEIGHBOURS].tolist()}
        shares.append(len(best & {one["objid"] for one in found}) / NEIGHBOURS)
    return float(np.mean(shares))


def _distances(values: Any, wanted: Any) -> Any:
    """Squared L2 to each row of uint16 [n, W], a piece at a time: float32 [n]."""
    found = np.empty(len(values), np.float32)
    for at in range(0, len(values), 65_536):
        away = values[at : at + 65_536].astype(np.float32) - wanted.astype(np.float32)
        found[at : at + 65_536] = (away**2).sum(1)
    return found


def write_plans(shore: Shore, filled: Everything, folder: Path, what: str) -> None:
    """A file for each kind of page: its statements and their plans."""
    folder.mkdir(parents=True, exist_ok=True)
    project = filled.large.project_id
    with shore.database.read() as connection:
        scope = Scope(connection, project, 1, levels.names(connection, project))
        wanted = Wanted(FIELDS, None, 0, 100)
        works: dict[str, Callable[[], object]] = {
            "page": lambda: sets.window(scope, Filters({}), wanted),
            "page-free-few": lambda: sets.window(scope, Filters(FEW), wanted),
            "page-free-many": lambda: sets.window(scope, Filters(MANY), wanted),
            "review-score": lambda: objects.page(
                connection, project, Filter(), sort="-score", limit=100, offset=0
            ),
            "review-taxon": lambda: objects.page(
                connection, project, Filter(5, "P"), sort="score", limit=100, offset=0
            ),
        }
        for name, work in works.items():
            text = "\n\n\n".join(plans_of(connection, work))
            (folder / f"{name}.txt").write_text(f"{what}\n\n\n{text}\n", encoding="utf-8")
