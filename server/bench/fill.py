"""Fills a shore with N plausible objects: ten million in minutes.

A large project (60 %) with ten free columns, one (20 %, at most a million) with fifty and with
exact values and embeddings, and eight small ones. Every object has an image row; all of them name
the same few hundred vignettes of one pack. A third is validated, with its event.

Example:
    >>> filled = fill(shore, objects=100_000, say=print)
    >>> filled.large.project_id, filled.large.objects
    (1, 60000)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from server.bench.material import HEIGHT, WIDTH, images
from server.bench.plausible import NAMES, Drawn, embeddings
from server.db import filling, free, projects
from server.db.bulk import insert_rows, next_ids
from server.db.filling import Block
from server.db.tables import (
    Acquisition,
    Event,
    ExactValues,
    Image,
    Object,
    ObjectFree,
    ObjectValues,
    Pack,
    Process,
    Sample,
)
from server.intake.batch import keep_images
from server.shore import Shore
from server.store.packs import Place

BLOCK = 20_000
ACQUISITIONS = 4
SMALL = 8
WIDE_MAX = 1_000_000
BEGAN_MS = 1_700_000_000_000
Say = Callable[[str], None]
_SAMPLE = ("id", "project_id", "device_id", "orig_id", "created_ms")
_ACQUISITION = ("id", "sample_id", "orig_id", "instrument", "pixel_um", "created_ms")
_PROCESS = ("id", "acquisition_id", "orig_id", "software", "created_ms")
_OBJECT = (
    "objid", "project_id", "device_id", "epoch", "seq", "sample_id", "acquisition_id",
    "process_id", "orig_id", "frame_index", "index_in_frame", "bx", "by", "width", "height",
    "esd_um", "border", "boot", "mono_ms", "utc_ms", "utc_source", "lat_deg", "lon_deg", "depth_m",
    "status", "taxon_id", "pred_taxon_id", "score", "event_id", "shuffle", "received_ms",
)  # fmt: skip
_VALUES = ("objid", "frame", "measures_version", "brief", "top")
_IMAGE = (
    "objid", "device_id", "epoch", "object_seq", "rank", "width", "height", "pack_id", "offset",
    "length",
)  # fmt: skip
_EVENT = (
    "id", "objid", "action_id", "old_status", "old_taxon_id", "new_status", "new_taxon_id",
    "score", "applied", "created_ms",
)  # fmt: skip
_EXACT = ("objid", "release_no", "measures_version", "measures", "embedding", "shape")


@dataclass(frozen=True)
class Filled:
    """A project that was filled; its objects have the ids from `first_objid` on."""

    project_id: int
    title: str
    objects: int
    columns: int
    exact: bool
    first_objid: int


@dataclass(frozen=True)
class Everything:
    large: Filled
    wide: Filled
    small: tuple[Filled, ...]

    @property
    def all(self) -> tuple[Filled, ...]:
        return (self.large, self.wide, *self.small)


def fill(shore: Shore, objects: int, say: Say) -> Everything:
    """Fill an empty shore. Raises DBAPIError."""
    large, wide = int(objects * 0.6), min(int(objects * 0.2), WIDE_MAX)
    rest = objects - large - wide
    small = [rest // SMALL] * (SMALL - 1) + [rest - rest // SMALL * (SMALL - 1)]
    plans = [("Large", large, 10, False), ("Wide", wide, 50, True)]
    plans += [(f"Small {i + 1}", size, 10, False) for i, size in enumerate(small)]
    began = time.monotonic()
    dice = np.random.default_rng(5)
    with shore.database.write() as connection:
        vignettes = _vignettes(connection, shore)
        with filling.without_indexes(connection):
            found = [_fill_project(connection, dice, vignettes, *plan, say) for plan in plans]
            say(f"indexes ({time.monotonic() - began:.0f} s)")
        filling.count_all(connection)
    with shore.database.engine.connect() as connection:
        filling.settle(connection.execution_options(isolation_level="AUTOCOMMIT"))
    say(f"{objects} objects in {time.monotonic() - began:.0f} s")
    return Everything(found[0], found[1], tuple(found[2:]))


def _vignettes(connection: Any, shore: Shore) -> list[tuple[int, Place]]:
    """(pack's id, place) of the few hundred pictures that all rows share."""
    places = keep_images(connection, shore.packs, images())
    [pack_id] = next_ids(connection, Pack, 1)
    insert_rows(
        connection, Pack, ("id", "name", "created_ms"), [(pack_id, places[0].pack, BEGAN_MS)]
    )
    return [(pack_id, place) for place in places]


def _fill_project(
    connection: Any,
    dice: np.random.Generator,
    vignettes: list[tuple[int, Place]],
    title: str,
    objects: int,
    columns: int,
    exact: bool,
    say: Say,
) -> Filled:
    """The first block by hand, the others as its copies."""
    project_id = projects.create(connection, title=title, user_id=1, now_ms=BEGAN_MS)
    size = min(BLOCK, objects)
    copies = -(-objects // size)
    names = [(name, "f") for name in NAMES[:columns]]
    places = tuple(free.give_places(connection, project_id, names).values())
    samples = _samples(connection, project_id, title, copies)
    drawn = Drawn.of(dice, size, filling.taxon_ids(connection))
    first = next_ids(connection, Object, 1)[0]
    at = _At(project_id, first, next_ids(connection, Event, 1)[0], *samples)
    block = _first_block(connection, drawn, at, vignettes, places)
    for copy in range(1, copies):
        filling.copy_block(connection, block, copy, min(size, objects - copy * size))
        if copy % 25 == 0:
            say(f"{title}: {copy * size} objects")
    filling.raise_sequences(connection, (Sample, Acquisition, Process, Object, Event))
    if exact:
        _exact(connection, dice, drawn.taxon, first, objects)
    return Filled(project_id, title, objects, columns, exact, first)


@dataclass(frozen=True)
class _At:
    """The first id of each kind; the block's sample has the first, copy k the k-th after it."""

    project_id: int
    objid: int
    event: int
    sample: int
    acquisition: int
    process: int


def _samples(connection: Any, project_id: int, title: str, count: int) -> tuple[int, int, int]:
    """A sample a copy, with its acquisitions and processes; the first id of each."""
    sample, acquisition, process = (
        next_ids(connection, table, 1)[0] for table in (Sample, Acquisition, Process)
    )
    kind, levels = "Bench camera", range(count * ACQUISITIONS)
    names = [f"{title.lower().replace(' ', '_')}_{i:05}" for i in range(count)]
    rows: list[tuple[Any, ...]] = [
        (sample + i, project_id, 0, name, BEGAN_MS) for i, name in enumerate(names)
    ]
    insert_rows(connection, Sample, _SAMPLE, rows)
    acquisitions = [f"{names[i // ACQUISITIONS]}_{i % ACQUISITIONS}" for i in levels]
    rows = [
        (acquisition + i, sample + i // ACQUISITIONS, acquisitions[i], kind, 5.5, BEGAN_MS)
        for i in levels
    ]
    insert_rows(connection, Acquisition, _ACQUISITION, rows)
    rows = [(process + i, acquisition + i, acquisitions[i], "bench", BEGAN_MS) for i in levels]
    insert_rows(connection, Process, _PROCESS, rows)
    return sample, acquisition, process


def _first_block(
    connection: Any,
    drawn: Drawn,
    at: _At,
    vignettes: list[tuple[int, Place]],
    places: tuple[str, ...],
) -> Block:
    size = len(drawn.status)
    validated = [i for i, status in enumerate(drawn.status) if status == "V"]
    event_of = {i: at.event + n for n, i in enumerate(validated)}
    objects = [_object_row(drawn, at, i, event_of.get(i)) for i in range(size)]
    insert_rows(connection, Object, _OBJECT, objects)
    brief = np.linspace(0.1, 40, 40).astype("<f2").tobytes()
    values = [(at.objid + i, f"frame{i // 20}", 1, brief, _top(drawn, i)) for i in range(size)]
    insert_rows(connection, ObjectValues, _VALUES, values)
    numbers = drawn.numbers[:, : len(places)].tolist()
    rows = [(at.objid + i, at.project_id, "DNUA"[i % 4], *numbers[i]) for i in range(size)]
    insert_rows(connection, ObjectFree, ("objid", "project_id", "sunpos", *places), rows)
    insert_rows(connection, Image, _IMAGE, [_image_row(vignettes, at, i) for i in range(size)])
    insert_rows(connection, Event, _EVENT, _events(connection, drawn, at, event_of))
    return Block(at.objid, size, ACQUISITIONS, len(validated), places)


def _object_row(drawn: Drawn, at: _At, i: int, event: int | None) -> tuple[Any, ...]:
    level = i * ACQUISITIONS // len(drawn.status)
    taxon, side = int(drawn.taxon[i]) or None, int(20 + drawn.esd_um[i] % 200)
    utc_ms = BEGAN_MS + int(drawn.minutes[i] * 60_000)
    return (
        at.objid + i, at.project_id, 0, at.project_id, i, at.sample, at.acquisition + level,
        at.process + level, f"p{at.project_id}_{i:06}", i // 20, i % 20, i % 1800, i * 7 % 1400,
        side, side, float(drawn.esd_um[i]), False, 1, i * 50, utc_ms, "device",
        43.2 + level * 0.1, 7.3 + level * 0.1, float(drawn.depth_m[i]), drawn.status[i], taxon,
        taxon, float(drawn.score[i]), event, i * 2_654_435_761 % 2**32, BEGAN_MS,
    )  # fmt: skip


def _top(drawn: Drawn, i: int) -> str:
    return f"[[{drawn.taxon[i]}, {drawn.score[i]:.4f}]]" if drawn.taxon[i] else "[]"


def _image_row(vignettes: list[tuple[int, Place]], at: _At, i: int) -> tuple[Any, ...]:
    pack_id, place = vignettes[i % len(vignettes)]
    return (
        at.objid + i, 0, at.project_id, i, 0, WIDTH, HEIGHT, pack_id, place.offset, place.length
    )  # fmt: skip


def _events(
    connection: Any, drawn: Drawn, at: _At, event_of: dict[int, int]
) -> list[tuple[Any, ...]]:
    """What the administrator said of the validated ones, as one action."""
    action = filling.add_action(connection, at.project_id, len(event_of), BEGAN_MS)
    return [
        (
            event, at.objid + i, action, "P", int(drawn.taxon[i]), "V", int(drawn.taxon[i]),
            float(drawn.score[i]), True, BEGAN_MS + i,
        )
        for i, event in event_of.items()
    ]  # fmt: skip


def _exact(
    connection: Any, dice: np.random.Generator, taxon: Any, first: int, objects: int
) -> None:
    """Exact values, with embeddings, of all; 1 in 50 is without, as what an old device sent."""
    measures = np.linspace(1, 85, 85).astype("<f4").tobytes()
    shape = np.ones(4, "<f4").tobytes()
    for begin in range(0, objects, BLOCK):
        size = min(BLOCK, objects - begin)
        found = embeddings(dice, taxon[:size]).astype("<u2")
        rows = [
            (first + begin + i, 1, 2, measures, b"" if i % 50 == 7 else found[i].tobytes(), shape)
            for i in range(size)
        ]
        insert_rows(connection, ExactValues, _EXACT, rows)
