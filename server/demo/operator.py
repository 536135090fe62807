"""The scripted operator: knows what the simulator drew, and works through the shore's own API.

An object on shore and an organism in the simulator are the same when their boxes in the frame
overlap by more than half (intersection over union); what overlaps nothing (a clump that merged, a
speck) the operator leaves alone, as a careful person would.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

MATCH = 0.5
PAGE = 500
BATCH = 2000
PATIENCE_S = 300.0


@dataclass(frozen=True)
class Organism:
    """One drawn organism: its taxon and its box in the frame, pixels."""

    taxon: str
    bx: int
    by: int
    width: int
    height: int


@dataclass(frozen=True)
class Judged:
    """A shore object together with what it really is."""

    objid: int
    device: str
    frame_index: int
    taxon: str | None
    release: str | None
    status: str
    true_taxon: str


def read_truth(path: Path) -> dict[int, list[Organism]]:
    """Organisms by frame index, from the truth file; a frame drawn twice counts once."""
    truth: dict[int, list[Organism]] = {}
    for line in path.read_text().splitlines():
        try:
            frame = json.loads(line)
        except json.JSONDecodeError:
            continue  # the line that a kill cut short; its frame is drawn again
        truth[frame["index"]] = [
            Organism(o["taxon"], o["bx"], o["by"], o["w"], o["h"]) for o in frame["objects"]
        ]
    return truth


def overlap(a: Organism, bx: int, by: int, width: int, height: int) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    wide = min(a.bx + a.width, bx + width) - max(a.bx, bx)
    high = min(a.by + a.height, by + height) - max(a.by, by)
    if wide <= 0 or high <= 0:
        return 0.0
    both = wide * high
    return both / (a.width * a.height + width * height - both)


def judge(
    objects: Iterable[dict[str, Any]], truth: dict[str, dict[int, list[Organism]]]
) -> list[Judged]:
    """The objects that can be told for sure, with their true taxa; `truth` is by device name."""
    out = []
    for o in objects:
        organisms = truth.get(o["device"], {}).get(o["frame_index"], [])
        box = (o["bx"], o["by"], o["width"], o["height"])
        best = max(organisms, key=lambda t: overlap(t, *box), default=None)
        if best is not None and overlap(best, *box) >= MATCH:
            out.append(
                Judged(
                    o["objid"],
                    o["device"],
                    o["frame_index"],
                    o["predicted_taxon"],
                    o["release"],
                    o["status"],
                    best.taxon,
                )
            )
    return out


def accuracy(judged: Iterable[Judged]) -> tuple[float, int]:
    """Share of predictions that name the true taxon, and how many there were."""
    hits = [j.taxon == j.true_taxon for j in judged]
    return (sum(hits) / len(hits) if hits else 0.0), len(hits)


class Operator:
    """A logged-in person who only uses what the pages use."""

    def __init__(self, url: str, email: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=PATIENCE_S)
        token = self.post("/api/login", {"email": email, "password": password})["token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, **query: Any) -> Any:
        return self._client.get(path, params=query).raise_for_status().json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        reply = self._client.post(path, json=body or {})
        if reply.is_error:
            raise RuntimeError(f"{path}: {reply.status_code} {reply.text[:300]}")
        return reply.json()

    def objects(self, project: int) -> Iterator[dict[str, Any]]:
        """Every object of the project, page by page."""
        offset = 0
        while True:
            page = self.get(
                f"/api/projects/{project}/objects", sort="objid", limit=PAGE, offset=offset
            )["objects"]
            yield from page
            offset += len(page)
            if len(page) < PAGE:
                return

    def validate(self, project: int, judged: Iterable[Judged]) -> int:
        """Validates each object as what it is: right predictions as they stand, others renamed."""
        by_taxon: dict[str, list[int]] = defaultdict(list)
        for j in judged:
            by_taxon[j.true_taxon].append(j.objid)
        done = 0
        for taxon, objids in sorted(by_taxon.items()):
            taxon_id = self._taxon(project, taxon)
            for i in range(0, len(objids), BATCH):
                body = {
                    "action": "relabel",
                    "objids": objids[i : i + BATCH],
                    "taxon_id": taxon_id,
                    "key": str(uuid.uuid4()),
                }
                done += self.post(f"/api/projects/{project}/classify", body)["changed"]
        return done

    def _taxon(self, project: int, name: str) -> int:
        found = self.get("/api/taxa/search", q=name, project_id=project, limit=20)
        for taxon in found:
            if taxon["name"] == name:
                return int(taxon["taxon_id"])
        return int(self.post("/api/taxa", {"name": name, "parent_id": None})["taxon_id"])
