"""Reads what stands beside the tables of a shore's backup; nothing in it is trusted.

Example:
    >>> found = find_beside(upload, problems)
    >>> found.lines("1_cast1/ecotaxa_1_cast1.tsv", upload)["o1"]
    '["o1","9f86d081884c7d65",...]'
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.db import export
from server.db.imported import Exact, ExactPlace, Names, Person, TaxonKey
from server.ecotaxa import beside
from server.ecotaxa.beside_lines import LineError
from server.ecotaxa.problems import Problems
from server.ecotaxa.upload import Upload, UploadError

_REMEDY = f"hand in the backup as it was written, or without the folder {beside.FOLDER}/"
_Id = Annotated[int, Field(ge=0, lt=2**62)]
_Name = Annotated[str, Field(max_length=250)]
_Millis = Annotated[int, Field(ge=-(2**62), lt=2**62)]
_Text = Annotated[str, Field(max_length=1 << 20)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PersonTold(_Part):
    id: _Id
    name: _Name
    email: _Name


class TaxonTold(_Part):
    id: _Id
    name: _Name
    path: Annotated[str, Field(max_length=5000)]
    ecotaxa_id: Annotated[int, Field(ge=0, lt=2**31)] | None = None


class ReleaseTold(_Part):
    id: _Id
    release_id: Annotated[str, Field(max_length=64, pattern=r"^[ -~]+$")]


class TrainingTold(_Part):
    id: _Id
    user_id: _Id
    kind: Annotated[str, Field(max_length=24)]
    params: _Text
    report: _Text
    created_ms: _Millis
    undone_ms: _Millis | None


class ColumnTold(_Part):
    name: _Name
    kind: Annotated[str, Field(pattern="^[ft]$")]
    column: Annotated[str, Field(max_length=600)] | None


class _Level(_Part):
    table: _Name
    orig_id: _Name
    free: dict[str, str]
    created_ms: _Millis


class ProcessTold(_Level):
    software: _Name | None
    measures_version: Annotated[int, Field(ge=0, lt=2**31)] | None
    settings: _Text | None


class AcquisitionTold(_Level):
    instrument: _Name | None
    pixel_um: float | None
    optical_field: Annotated[str, Field(max_length=16)] | None
    processes: list[ProcessTold]


class SampleTold(_Level):
    device: _Name | None
    device_id: _Name | None
    acquisitions: list[AcquisitionTold]


class ProjectTold(_Part):
    licence: Annotated[str, Field(max_length=32)]
    instrument: Annotated[str, Field(max_length=32)]
    description: _Text
    access: Annotated[str, Field(pattern="^(open|private|public)$")]


class MemberTold(_Part):
    user_id: _Id
    may: Annotated[str, Field(pattern="^(view|annotate|manage)$")]


class ProjectFile(_Part):
    """`seadrift/project.json`."""

    seadrift: int
    object: list[str]
    values: list[str]
    exact: list[str]
    kept: list[str]
    event: list[str]
    replaced: list[str]
    action: list[str]
    tables: dict[str, str]
    imageless: dict[str, str]
    project: ProjectTold
    settings: dict[str, Any]
    members: list[MemberTold]
    own_columns: list[str]
    columns: list[ColumnTold]
    samples: list[SampleTold]
    people: list[PersonTold]
    taxa: list[TaxonTold]
    listed_taxa: list[int]
    releases: list[ReleaseTold]
    trainings: list[TrainingTold]


@dataclass(frozen=True)
class Beside:
    """`root` is the folder that the backup's root has in the upload, with a "/" behind it."""

    root: str
    told: ProjectFile
    actions: Sequence[Sequence[Any]]
    places: Mapping[Names, ExactPlace]

    @property
    def imageless(self) -> list[str]:
        return [self.root + name for name in self.told.imageless]

    @property
    def people(self) -> dict[int, Person]:
        return {person.id: (person.name, person.email) for person in self.told.people}

    @property
    def taxa(self) -> dict[int, TaxonKey]:
        return {taxon.id: (taxon.name, taxon.ecotaxa_id) for taxon in self.told.taxa}

    @cached_property
    def _known(self) -> tuple[set[int | None], ...]:
        """The numbers of taxa, releases, actions and trainings that are told."""
        told = self.told
        return (
            {None, *(one.id for one in told.taxa)},
            {None, *(one.id for one in told.releases)},
            {None, *(row[0] for row in self.actions)},
            {None, *(one.id for one in told.trainings)},
        )

    def check_references(self, exact: Exact) -> None:
        """Raises LineError for an object that names what the backup does not tell of."""
        taxa, releases, actions, trainings = self._known
        body, values = exact.body, exact.values
        for event in exact.events:
            if not (
                event.action in actions
                and event.release in releases
                and event.training in trainings
                and event.old_taxon in taxa
                and event.new_taxon in taxa
            ):
                raise LineError("an event names what the backup does not tell of")
        measured = None if exact.measured is None else exact.measured[0]
        named = {body[19], body[20], *(taxon for taxon, _ in values[4])}
        named |= {one[2] for one in exact.replaced}
        told = {body[22], values[0], measured, *(one[4] for one in exact.replaced)}
        made = {one[0] for one in exact.replaced}
        if not (named <= taxa and told <= releases and made <= trainings - {None}):
            raise LineError("an object names what the backup does not tell of")

    def lines(self, table: str, upload: Upload) -> dict[str, str]:
        """The lines beside a table, by the object's id as the table has it. Raises UploadError."""
        files = {**self.told.tables, **self.told.imageless}
        name = files.get(table.removeprefix(self.root))
        if name is None:
            return {}
        decoder = json.JSONDecoder()
        found = {}
        for line in upload.read(self.root + name).decode().split("\n"):
            if line:
                found[str(decoder.raw_decode(line, 1)[0])] = line
        return found


def find_beside(upload: Upload, problems: Problems) -> Beside | None:
    """What stands beside the tables; None when nothing does, or when it is not sound (which is a
    problem)."""
    name = next((name for name in upload.names if beside.is_backup(name)), None)
    if name is None:
        return None
    root = name.removesuffix(beside.PROJECT)
    try:
        data = upload.read(name)
        if b"\\u0000" in data:
            raise ValueError("a NUL")
        told = ProjectFile.model_validate_json(data)
        _check_fields(told)
        actions = _actions(upload, root)
        _check_people(told, actions)
    except (UploadError, ValueError) as error:
        said = _sentence(error)
        problems.error(said, remedy=_REMEDY, file=name)
        return None
    return Beside(root, told, actions, _places(told))


def _sentence(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        return f"cannot be used: {where}: {first['msg']}"
    return f"cannot be used: {str(error)[:200]}"


def _check_fields(told: ProjectFile) -> None:
    """Raises ValueError for the file of another version."""
    if told.seadrift != beside.VERSION:
        raise ValueError(f"version {told.seadrift}, this program knows {beside.VERSION}")
    for name, wanted in (
        ("object", export.OBJECT),
        ("values", export.VALUES),
        ("exact", export.EXACT),
        ("kept", export.FREE),
        ("event", export.EVENT),
        ("replaced", export.REPLACED),
        ("action", beside.ACTION),
    ):
        if tuple(getattr(told, name)) != wanted:
            raise ValueError(f"{name}: other fields than this program knows")


def _actions(upload: Upload, root: str) -> list[list[Any]]:
    name = root + beside.ACTIONS
    found = []
    if name in upload:
        for line in upload.read(name).decode().split("\n"):
            if line:
                row = json.loads(line)
                _check_action(row)
                found.append(row)
    return found


def _check_action(row: Any) -> None:
    """Raises ValueError."""
    kinds = (int, int, str, str, int | None, int | None, bool, int, int)
    sound = isinstance(row, list) and len(row) == len(kinds)
    if not sound or not all(isinstance(v, k) for v, k in zip(row, kinds, strict=True)):
        raise ValueError(f"{beside.ACTIONS}: an action that is none: {str(row)[:80]}")
    if len(row[2]) > 16 or any(isinstance(v, int) and abs(v) >= 2**62 for v in row):
        raise ValueError(f"{beside.ACTIONS}: an action that is none: {str(row)[:80]}")
    bytes.fromhex(row[3])


def _check_people(told: ProjectFile, actions: Sequence[Sequence[Any]]) -> None:
    """Raises ValueError for somebody, a taxon or an action that is named and not told of."""
    people, taxa = {one.id for one in told.people}, {None, *(one.id for one in told.taxa)}
    named = {*(row[1] for row in actions), *(one.user_id for one in told.trainings)}
    seen: set[int | None] = {None}
    for row in actions:
        if row[5] not in seen:
            raise ValueError(f"{beside.ACTIONS}: action {row[0]} turns one that is not before it")
        seen.add(row[0])
    if not (named | {one.user_id for one in told.members} <= people):
        raise ValueError("a person who is not told of")
    if not ({row[4] for row in actions} <= taxa and set(told.listed_taxa) <= taxa):
        raise ValueError("a taxon that is not told of")


def _places(told: ProjectFile) -> dict[Names, ExactPlace]:
    """What is exactly known of each place, by the ids that the tables have."""
    names = [sample.orig_id for sample in told.samples]
    found = {}
    for sample in told.samples:
        own = sample.orig_id if names.count(sample.orig_id) == 1 else sample.table
        free = dict(sample.free)
        if sample.device is not None:
            free = {"device": sample.device, "device_id": sample.device_id or "", **free}
        for acquisition in sample.acquisitions:
            for process in acquisition.processes:
                key = sample.table, acquisition.table, process.table
                found[key] = ExactPlace(
                    (own, acquisition.orig_id, process.orig_id),
                    (sample.orig_id, sample.device_id),
                    {"free": free, "created_ms": sample.created_ms},
                    {
                        "instrument": acquisition.instrument,
                        "pixel_um": acquisition.pixel_um,
                        "optical_field": acquisition.optical_field,
                        "free": acquisition.free,
                        "created_ms": acquisition.created_ms,
                    },
                    {
                        "software": process.software,
                        "measures_version": process.measures_version,
                        "settings": process.settings,
                        "free": process.free,
                        "created_ms": process.created_ms,
                    },
                )
    return found
