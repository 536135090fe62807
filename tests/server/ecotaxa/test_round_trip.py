"""Whatever a project holds, its backup brings it back: every value, image, status and event."""

import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, update

from server.bench.postgres import Postgres
from server.clock import now_ms
from server.db import classify, jobs, members, projects, taxa, turns, users
from server.db.changes import Request
from server.db.imported import Batch, Item, Parents, Picture
from server.db.importer import Importer, new_epoch
from server.db.tables import Object, Project, ProjectTaxon
from server.ecotaxa.backup import write_backup
from server.ecotaxa.check import check_upload
from server.ecotaxa.load import load
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import open_upload
from server.jobs.worker import run_claimed, worker_name
from server.settings import Settings
from server.shore import Admin, Shore, open_shore
from server.simulated import SimulatedDevice, make_object, make_record, make_vignette
from tests.server.ecotaxa.described import described
from tests.server.ecotaxa.uploads import picture
from wire.records import Context

pytestmark = pytest.mark.databases
TAXA = ("Copepoda", "egg<Copepoda", "egg<Chaetognatha", "Zoé (larva)")
PEOPLE = ("ann@sea.test", "bo@sea.test")
PICTURES = [picture(n, kind) for n, kind in enumerate(("PNG", "JPEG", "GIF", "BMP", "TIFF"))]
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF")
LETTERS = st.characters(codec="utf-8", exclude_characters="\0")
ODD = ["", " ", "nan", "a\tb\n", "x" * 250, "y" * 999]
TEXT = st.text(LETTERS, max_size=30) | st.sampled_from(
    ["", " ", "nan", "a\tb\n", "x" * 250, "y" * 999]
)
NAME = st.text(LETTERS, min_size=1, max_size=12) | st.just("n" * 250)
NUMBER = st.floats(allow_nan=False) | st.sampled_from([float("inf"), -0.0, 1e308, 5e-324])
MILLIS = st.integers(-(10**12), 4 * 10**12) | st.sampled_from([10**17, 0])
ACTS = st.tuples(
    st.sampled_from(["validate", "dubious", "discard", "relabel", "reset", "undo", "redo"]),
    st.sampled_from([0, 1]),
    st.sets(st.integers(0, 7), min_size=1),
    st.sampled_from(TAXA),
)


@st.composite
def plans(draw: st.DrawFn) -> dict[str, Any]:
    columns = draw(st.lists(NAME, max_size=6, unique=True))
    kinds = [draw(st.sampled_from("ft")) for _ in columns]
    values = st.tuples(*(st.none() | (NUMBER if k == "f" else TEXT) for k in kinds))
    places = draw(st.lists(st.tuples(NAME, NAME, NAME), min_size=1, max_size=3, unique=True))
    objects = draw(
        st.lists(
            st.fixed_dictionaries(
                {
                    "place": st.sampled_from(places),
                    "orig_id": NAME,
                    "values": values,
                    "pictures": st.lists(
                        st.tuples(st.integers(0, 4), st.integers(0, 9), NAME | st.just("")),
                        max_size=3,
                        unique_by=lambda one: one[1],
                    ),
                    "lat": st.none() | st.floats(-90, 90),
                    "lon": st.none() | st.floats(-180, 180),
                    "depth": st.none() | st.floats(-1e4, 1e4),
                    "utc": st.none() | MILLIS,
                    "day": st.booleans(),
                    "link": st.none() | TEXT,
                    "status": st.sampled_from("UPDVX"),
                    "taxon": st.sampled_from(TAXA),
                    "score": st.none() | st.floats(0, 1),
                    "said": st.none() | MILLIS,
                    "person": st.none() | st.sampled_from(PEOPLE),
                }
            ),
            min_size=1,
            max_size=8,
            unique_by=lambda one: (one["place"][0], one["orig_id"]),
        )
    )
    parents = st.dictionaries(NAME, TEXT, max_size=3)
    return {
        "columns": list(zip(columns, kinds, strict=True)),
        "objects": objects,
        "parents": {place: [draw(parents) for _ in range(3)] for place in places},
        "acts": draw(st.lists(ACTS, max_size=6)),
        "words": draw(st.tuples(st.sampled_from(["", "CC BY 4.0"]), TEXT)),
    }


@pytest.fixture
def other(
    tmp_path: Path, first_start: Path, database_kind: str, request: pytest.FixtureRequest
) -> Iterator[Shore]:
    """Another shore, at its first start."""
    data = shutil.copytree(first_start, tmp_path / "other")
    where = Settings(data=data)
    if database_kind == "postgresql":
        postgres: Postgres = request.getfixturevalue("postgres")
        template = request.getfixturevalue("first_start_postgres")
        where = Settings(data=data, database=postgres.create("other_shore", template))
    opened = open_shore(where, Admin())
    yield opened
    opened.close()
    if database_kind == "postgresql":
        postgres.drop("other_shore")


def fill(shore: Shore, plan: dict[str, Any], folder: Path) -> int:
    """A project as the plan has it, by the code that imports and classifies; its number."""
    known = _prepare(shore)
    with shore.database.write() as connection:
        count = len(projects.all_projects(connection))
        project_id = projects.create(connection, title=f"p{count}", user_id=1, now_ms=now_ms())
        members.put(connection, project_id, known["people"][PEOPLE[0]], "annotate", now_ms())
        _describe(shore, connection, project_id, plan, known)
    importer = Importer(
        project_id, 1, new_epoch(), "none", False,
        {("", email): known["people"][email] for email in PEOPLE},
        {(name, None): known["taxa"][name] for name in TAXA},
        now_ms(),
    )  # fmt: skip
    load(shore, [_batch(plan)], lambda _: importer, project_id, folder)
    _act(shore, project_id, plan["acts"], known)
    return project_id


def _prepare(shore: Shore) -> dict[str, dict[str, int]]:
    """Taxa and people that the plans name."""
    with shore.database.write() as connection:
        people = {e: users.make_absent(connection, f"Name of {e}", e, 1) for e in PEOPLE}
        parents = taxa.resolve(connection, ["Copepoda", "Chaetognatha"], 1)
        if "egg<Copepoda" not in taxa.known(connection, ["egg<Copepoda"]):
            for parent in parents.values():
                taxa.add(connection, "egg", parent, 1)
        found = taxa.resolve(connection, TAXA, 1)
    return {"people": people, "taxa": found}


def _describe(
    shore: Shore, connection: Any, project_id: int, plan: dict[str, Any], known: dict[str, Any]
) -> None:
    licence, description = plan["words"]
    connection.execute(
        update(Project)
        .where(Project.id == project_id)
        .values(licence=licence, description=description)
    )
    for place, name in enumerate(TAXA[:2]):
        row = {"project_id": project_id, "taxon_id": known["taxa"][name], "place": place}
        connection.execute(insert(ProjectTaxon), [row])


def _batch(plan: dict[str, Any]) -> Batch:
    items = [
        Item(
            one["place"],
            one["orig_id"],
            one["values"],
            [
                Picture(name, rank, FORMATS[which], 9, 7, lambda which=which: PICTURES[which])
                for which, rank, name in one["pictures"]
            ],
            *(one["lat"], one["lon"], one["depth"]),
            None if one["depth"] is None else one["depth"] + 1,
            one["utc"],
            "unknown" if one["utc"] is None else "day" if one["day"] else "table",
            one["link"],
            one["status"],
            None if one["status"] == "U" else (one["taxon"], None),
            one["score"],
            None if one["person"] is None else ("", one["person"]),
            one["said"],
        )
        for one in plan["objects"]
    ]
    parents = {
        place: Parents(sample, "uvp6", acquisition, process)
        for place, (sample, acquisition, process) in plan["parents"].items()
    }
    return Batch(tuple(plan["columns"]), items, parents, frozenset())


def _act(shore: Shore, project_id: int, acts: list[Any], known: dict[str, Any]) -> None:
    from sqlalchemy import select

    people = list(known["people"].values())
    for number, (kind, who, which, taxon) in enumerate(acts):
        with shore.database.write() as connection:
            query = select(Object.objid).where(Object.project_id == project_id)
            objids = sorted(connection.execute(query).scalars())
            chosen = tuple(objids[n] for n in sorted(which) if n < len(objids))
            key, at = f"{project_id}-{number}", now_ms()
            try:
                if kind in ("undo", "redo"):
                    turn = turns.undo if kind == "undo" else turns.redo
                    turn(connection, project_id, people[who], key, at)
                else:
                    target = known["taxa"][taxon] if kind == "relabel" else None
                    asked = Request(project_id, people[who], kind, chosen, target, key)
                    classify.act(connection, asked, at)
            except classify.ActionRefusedError:
                continue  # to validate what has no taxon


def bring(shore: Shore, path: Path, title: str) -> tuple[int, Any]:
    """Import the file into a new project of the shore; its number, and the job as it ended."""
    worker = worker_name()
    params = {"source": str(path), "own_files": False}
    with shore.database.write() as connection:
        project_id = projects.create(connection, title=title, user_id=1, now_ms=now_ms())
        job_id = jobs.add(
            connection, "import", project_id=project_id, user_id=1, params=params, now_ms=now_ms()
        )
    for _ in range(2):
        with shore.database.write() as connection:
            info = jobs.claim_this(connection, job_id, worker, now_ms())
        assert info is not None
        run_claimed(shore, info, worker)
        with shore.database.write() as connection:
            done = jobs.get(connection, job_id)
            assert done is not None
            if done.state != jobs.ASKING:
                break
            reply = {
                "users": dict.fromkeys(done.question["missing_users"], "make"),
                "taxa": dict.fromkeys(done.question["missing_taxa"], "make"),
            }
            jobs.answer(connection, job_id, reply)
    return project_id, done


def looked_at(path: Path) -> Problems:
    problems = Problems()
    with open_upload(path, problems) as upload:
        check_upload(upload, problems, pictures=True)
    return problems


def test_any_project_comes_back_whole(
    shore: Shore, other: Shore, tmp_path: Path, database_kind: str
) -> None:
    path = tmp_path / "backup.zip"

    @settings(
        max_examples=12 if database_kind == "sqlite" else 3,
        deadline=None,
        phases=(Phase.reuse, Phase.generate),  # each example is two shores' work: not shrunk
        suppress_health_check=list(HealthCheck),
    )
    @given(plans())
    def comes_back(plan: dict[str, Any]) -> None:
        project_id = fill(shore, plan, tmp_path)
        write_backup(shore.database, shore.packs, project_id, path)
        assert looked_at(path).lines() == []
        with other.database.read() as connection:
            title = f"p{len(projects.all_projects(connection))}"
        back, job = bring(other, path, title)
        assert (job.state, job.errors) == (jobs.FINISHED, [])
        before, after = described(shore, project_id), described(other, back)
        for part in before:
            assert after[part] == before[part], part

    comes_back()


def test_what_instruments_sent_comes_back_whole(
    enrol: Callable[[str], SimulatedDevice],
    client: httpx.Client,
    project: int,
    bundle: Any,
    shore: Shore,
    other: Shore,
    tmp_path: Path,
) -> None:
    for device in (enrol("one"), enrol("two")):
        context = Context(
            *("P", "cast1", "a1", "p1", "SIM", 10.0, "dark", "seadrift 1", "", 2),
            settings={"segment.low floor": "6"},
        )
        placed = {"utc_ms": 1_790_000_000_123, "lat_deg": 43.68401, "lon_deg": -7.5}
        records = [make_record(100, context)]
        for n in range(6):
            records.append(make_record(n + 1, make_object(bundle, n, **placed)))
            records += [make_record(n + 20, make_vignette(n + 1))] if n else []
        device.ingest(records)
    found = client.get(f"/api/projects/{project}/objects").json()["objects"]
    body = {"action": "validate", "objids": [found[2]["objid"]], "key": str(uuid.uuid4())}
    assert client.post(f"/api/projects/{project}/classify", json=body).status_code == 200
    path = tmp_path / "backup.zip"
    write_backup(shore.database, shore.packs, project, path)
    back, job = bring(other, path, "back")
    assert (job.state, job.errors) == (jobs.FINISHED, [])
    before, after = described(shore, project), described(other, back)
    for part in before:
        assert after[part] == before[part], part
    again = tmp_path / "again.zip"
    write_backup(other.database, other.packs, back, again)
    third, job = bring(other, again, "third")
    assert described(other, third)["objects"] == before["objects"]
