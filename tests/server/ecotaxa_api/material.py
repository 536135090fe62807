"""A project in the database as an import leaves it, and the same as plain Python for an oracle.

Every value is there and missing somewhere: positions, depths, dates, times of day, free numbers and
texts, images, annotators.

Example:
    >>> cast = fill(shore, project_id=1, user_id=1, objects=200)
    >>> cast.objects[0].free["area"]
    17.0
"""

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from server.clock import now_ms
from server.db import free, taxa
from server.db.counts import Delta
from server.db.dialect import insert_new
from server.db.tables import (
    Acquisition,
    Action,
    Event,
    Image,
    Object,
    ObjectFree,
    ObjectValues,
    Pack,
    Process,
    Project,
    Sample,
    Taxon,
    User,
)
from server.shore import Shore
from tests.server.ecotaxa_api.png import png

START = datetime(2020, 1, 31, 22, 15, 7, tzinfo=UTC)
NUMBERS, TEXTS = ("area", "mean", "esd"), ("shape",)
FREE: Any = ObjectFree.__table__
EPOCH = 10**9
"""An import's is its job's number."""


@dataclass
class Thing:
    """An object as the oracle has it."""

    objid: int
    orig_id: str
    sample: int
    acquisition: int
    process: int
    ms: int | None
    day_only: bool
    lat: float | None
    lon: float | None
    depth: tuple[float, float] | None
    sunpos: str
    status: str
    taxon: int | None
    predicted: int | None
    score: float
    who: int | None
    when: int | None
    free: dict[str, Any]
    images: list[int] = field(default_factory=list)


@dataclass
class Cast:
    project_id: int
    user_id: int
    other_id: int
    parent: int
    taxa: list[int]
    samples: list[int]
    acquisitions: list[int]
    processes: list[int]
    objects: list[Thing]


def fill(shore: Shore, project_id: int, user_id: int, objects: int = 120, seed: int = 1) -> Cast:
    """Write a project's worth of objects, as an import does."""
    draw = random.Random(seed)
    picture = png(9, 7)
    [place] = shore.packs.append([picture])
    with shore.database.write() as connection:
        connection.execute(
            update(Project).where(Project.id == project_id).values(instrument="uvp6")
        )
        cast = _levels(connection, project_id, user_id, seed)
        places = free.give_places(
            connection, project_id, [(n, "f") for n in NUMBERS] + [(n, "t") for n in TEXTS]
        )
        insert_new(connection, Pack, [{"name": place.pack, "created_ms": 1}], ("name",))
        pack = connection.execute(select(Pack.id).where(Pack.name == place.pack)).scalar_one()
        actions = {
            user: _add(
                connection, Action, project_id=project_id, user_id=user, kind="import",
                key=f"import {seed} {user}", request_hash=b"", undone=False, changed=0,
                created_ms=1,
            )
            for user in (user_id, cast.other_id)
        }  # fmt: skip
        delta = Delta()
        for number in range(objects):
            thing = _draw(draw, cast, number, seed)
            _write(connection, cast, thing, places, actions)
            for rank in range(number % 3):
                thing.images.append(
                    _add(
                        connection, Image, objid=thing.objid, device_id=0, epoch=EPOCH + seed,
                        object_seq=number, rank=rank + 1, width=9, height=7, pack_id=pack,
                        offset=place.offset, length=place.length, file_name=f"{number}_{rank}.png",
                    )
                )  # fmt: skip
            delta.add(project_id, (thing.taxon, thing.status))
            cast.objects.append(thing)
        delta.save(connection)
    return cast


def _add(connection: Connection, table: Any, **values: Any) -> int:
    key = table.objid if table is Object else table.id
    return int(connection.execute(insert(table).values(values).returning(key)).scalar_one())


def _levels(connection: Connection, project_id: int, user_id: int, seed: int) -> Cast:
    found = connection.execute(select(User.id).where(User.email == "other@sea.test")).scalar()
    other = found or _add(
        connection, User, email="other@sea.test", name="Other", role="annotator",
        password_hash="", active=True, created_ms=1,
    )  # fmt: skip
    known = dict(connection.execute(select(Taxon.name, Taxon.id)).all())
    for name in ("Testidae", "Testus"):
        if name not in known:
            known[name] = taxa.add(connection, name, known.get("Testidae"), now_ms())
    chosen = [known["Testidae"], known["Testus"], known["Copepoda"]]
    cast = Cast(project_id, user_id, other, chosen[0], chosen, [], [], [], [])
    for n in range(3):
        held = {"ship": "Suroit" if n else "Tara", "tot_vol": str(n)} if n < 2 else {"barcode": "x"}
        sample = _add(
            connection, Sample, project_id=project_id, device_id=0, orig_id=f"cast{seed}_{n}",
            free=json.dumps(held), created_ms=1,
        )  # fmt: skip
        acquisition = _add(
            connection, Acquisition, sample_id=sample, orig_id=f"acq{seed}_{n}",
            instrument=("uvp6", "UVP5", None)[n], free=json.dumps({"sub_part": str(n + 1)}),
            created_ms=1,
        )  # fmt: skip
        process = _add(
            connection, Process, acquisition_id=acquisition, orig_id=f"proc{seed}_{n}",
            free=json.dumps({"software": "zooprocess 8" if n else "ecopart"}), created_ms=1,
        )  # fmt: skip
        cast.samples.append(sample)
        cast.acquisitions.append(acquisition)
        cast.processes.append(process)
    return cast


def _draw(draw: random.Random, cast: Cast, number: int, seed: int) -> Thing:
    n = draw.randrange(3)
    at = START + timedelta(hours=7.5 * number)
    low = round(draw.uniform(0, 400), 2)
    status = draw.choice("UPPVVDX")
    taxon = None if status == "U" else draw.choice(cast.taxa)
    manual = status in "VDX"
    predicted = draw.choice(cast.taxa) if status != "U" and draw.random() < 0.8 else None
    if status == "P":
        predicted = taxon
    return Thing(
        objid=0,
        orig_id=f"o{seed}_{draw.randrange(10**6)}_{number}",
        sample=cast.samples[n],
        acquisition=cast.acquisitions[n],
        process=cast.processes[n],
        ms=None if number % 11 == 3 else int(at.timestamp() * 1000),
        day_only=number % 13 == 5,
        lat=None if number % 17 == 4 else round(draw.uniform(-60, 60), 4),
        lon=None if number % 17 == 4 else round(draw.uniform(-180, 180), 4),
        depth=None if number % 19 == 6 else (low, low + draw.choice((0, 5.5))),
        sunpos=draw.choice("DNUA"),
        status=status,
        taxon=taxon,
        predicted=predicted,
        score=round(draw.random(), 3) if predicted is not None else 0.0,
        who=draw.choice((cast.user_id, cast.other_id)) if manual else None,
        when=int(at.timestamp() * 1000) + 10**9 if manual else None,
        free={
            "area": float(draw.randrange(50)),
            "mean": round(draw.uniform(0, 255), 3),
            "esd": None if number % 7 == 2 else draw.random(),
            "shape": draw.choice(("round", "Long one", "50%_odd", None)),
        },
    )


def _write(
    connection: Connection,
    cast: Cast,
    thing: Thing,
    places: dict[str, str],
    actions: dict[int, int],
) -> None:
    number = len(cast.objects)
    midnight = None if thing.ms is None else thing.ms - thing.ms % 86_400_000
    thing.objid = _add(
        connection, Object,
        project_id=cast.project_id, sample_id=thing.sample, acquisition_id=thing.acquisition,
        process_id=thing.process, device_id=0, epoch=EPOCH + cast.samples[0], seq=number,
        orig_id=thing.orig_id, frame_index=0, index_in_frame=0, bx=0, by=0, width=9, height=7,
        esd_um=1.0, border=False, boot=0, mono_ms=0,
        utc_ms=midnight if thing.day_only else thing.ms,
        utc_source="unknown" if thing.ms is None else "day" if thing.day_only else "table",
        lat_deg=thing.lat, lon_deg=thing.lon,
        depth_m=thing.depth and thing.depth[0],
        depth_max_m=thing.depth[1] if thing.depth and thing.depth[1] != thing.depth[0] else None,
        status=thing.status, taxon_id=thing.taxon, pred_taxon_id=thing.predicted,
        score=thing.score, shuffle=number * 7919 % 1000, received_ms=1_700_000_000_000,
    )  # fmt: skip
    connection.execute(
        insert(ObjectValues).values(
            objid=thing.objid, frame="", measures_version=0, brief=b"", top="[]"
        )
    )
    connection.execute(
        insert(FREE).values(
            objid=thing.objid, project_id=cast.project_id, sunpos=thing.sunpos, link=None,
            **{places[name]: value for name, value in thing.free.items()},
        )
    )  # fmt: skip
    if thing.who is not None:
        event = _add(
            connection, Event, objid=thing.objid, action_id=actions[thing.who], old_status="U",
            new_status=thing.status, new_taxon_id=thing.taxon, score=0.0, applied=True,
            created_ms=thing.when,
        )  # fmt: skip
        connection.execute(update(Object).where(Object.objid == thing.objid).values(event_id=event))
